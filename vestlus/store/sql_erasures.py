"""What is recorded of erasures, and their tombstones' end, in SQL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Text,
    bindparam,
    delete,
    or_,
    select,
    update,
)

from vestlus.errors import CodeTaken
from vestlus.store import schema
from vestlus.store.erasing import BY_META, BY_USER, KEPT_HOURS, Erasure, ErasureState, Way
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Backend, Dialect
from vestlus.store.sql_errors import translated
from vestlus.store.sql_part import SqlPart

_TOMB: Final = schema.tombstone.c
_ERASURE: Final = schema.erasure.c

HOUR_MS: Final = 60 * 60 * 1000


class SqlErasures(SqlPart):
    """See :class:`~vestlus.store.erasing.Erasing`."""

    _backend: Backend

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        named = _ERASURE.code == bindparam("named", type_=Text())
        self._one_erasure = select(schema.erasure).where(named)
        self._tombs_of_code = select(_TOMB.grave).where(
            _TOMB.code == bindparam("named", type_=Text())
        )
        self._all_erasures = (
            select(schema.erasure)
            .order_by(_ERASURE.asked_ms.desc(), _ERASURE.code)
            .limit(bindparam("most", type_=BigInteger()))
        )
        self._add_erasure = dialect.insert(schema.erasure)
        self._count_erased = (
            update(schema.erasure).where(named).values(counts=bindparam("new", type_=Text()))
        )
        is_erased = _ERASURE.state == str(ErasureState.ERASED)
        unswept = select(_TOMB.grave).where(_TOMB.code == _ERASURE.code, _TOMB.conversation != "")
        self._to_end = (
            select(schema.erasure)
            .where(is_erased, ~unswept.exists())
            .order_by(_ERASURE.asked_ms, _ERASURE.code)
        )
        ended = {"state": str(ErasureState.DONE), "done_ms": dialect.now_ms()}
        self._end_erased = (
            update(schema.erasure)
            .where(is_erased, dialect.one_of(_ERASURE.code, "codes"))
            .values(ended)
        )
        self._close_open = (
            update(schema.erasure)
            .where(named, _ERASURE.state == str(ErasureState.OPEN))
            .values(ended | {"by": bindparam("who", type_=Text())})
            .returning(_ERASURE.code)
        )
        # Theirs, and nobody else's: by the others' words it is told who closed a request.
        self._forget_who = (
            update(schema.erasure)
            .where(
                _ERASURE.state == str(ErasureState.DONE),
                _ERASURE.done_ms < bindparam("before", type_=BigInteger()),
                _ERASURE.by.not_in(("", BY_USER, BY_META)),
            )
            .values(by="")
        )
        # Counted once an hour, however often it is asked for: a service that is down counts none.
        self._count_hour = (
            update(schema.tombstone)
            .where(_TOMB.counted_ms <= dialect.now_ms() - HOUR_MS)
            .values(hours=_TOMB.hours + 1, counted_ms=dialect.now_ms())
        )
        self._old_tombs = delete(schema.tombstone).where(
            _TOMB.hours >= KEPT_HOURS,
            _TOMB.at_ms <= dialect.now_ms() - KEPT_HOURS * HOUR_MS,
            _TOMB.conversation == "",
        )

    def _recorded(self, connection: Connection, code: str) -> Erasure | None:
        row = connection.execute(self._one_erasure, {"named": code}).one_or_none()
        return None if row is None else _erasure(row)

    def _recorded_of(
        self, connection: Connection, code: str, graves: Collection[str]
    ) -> Erasure | None:
        known = self._recorded(connection, code)
        if known is not None:
            laid = connection.execute(self._tombs_of_code, {"named": code}).scalars()
            if not set(graves) <= set(laid):
                raise CodeTaken
        return known

    def _record_erasure(self, connection: Connection, erasure: Erasure) -> None:
        connection.execute(
            self._add_erasure,
            {
                "code": erasure.code,
                "asked_ms": erasure.asked_ms,
                "done_ms": erasure.done_ms,
                "way": str(erasure.way),
                "by": cleaned(erasure.by),
                "state": str(erasure.state),
                "counts": json.dumps(dict(erasure.counts), sort_keys=True),
            },
        )

    def _add_counts(self, connection: Connection, code: str, counts: Counter[str]) -> None:
        known = self._recorded(connection, code)
        if known is not None and counts.total():
            sums = Counter(known.counts) + counts
            values = {"named": code, "new": json.dumps(dict(sums), sort_keys=True)}
            connection.execute(self._count_erased, values)

    async def erasures_to_end(self) -> tuple[Erasure, ...]:
        """See :meth:`vestlus.store.erasing.Erasing.erasures_to_end`."""
        return tuple(_erasure(row) for row in await self._database.fetch(self._to_end))

    async def end_erasures(self, codes: Collection[str]) -> int:
        """See :meth:`vestlus.store.erasing.Erasing.end_erasures`."""
        values = {"codes": self._dialect.value_set(codes)}
        return await self._database.write(
            lambda connection: connection.execute(self._end_erased, values).rowcount
        )

    async def count_tombstones(self) -> int:
        """See :meth:`vestlus.store.erasing.Erasing.count_tombstones`."""

        def work(connection: Connection) -> int:
            connection.execute(self._count_hour)
            return connection.execute(self._old_tombs).rowcount

        return await self._database.write(work)

    async def reclaim(self) -> bool:
        """See :meth:`vestlus.store.erasing.Erasing.reclaim`."""
        with translated():
            return await self._backend.reclaim()

    async def erasure(self, code: str) -> Erasure | None:
        """See :meth:`vestlus.store.erasing.Erasing.erasure`."""
        rows = await self._database.fetch(self._one_erasure, {"named": cleaned(code)})
        return _erasure(rows[0]) if rows else None

    async def erasure_of(self, code: str, grave: str) -> Erasure | None:
        """See :meth:`vestlus.store.erasing.Erasing.erasure_of`."""
        return await self._database.read(
            lambda connection: self._recorded_of(connection, cleaned(code), [grave])
        )

    async def erasures(
        self, *, limit: int, state: ErasureState | None = None, behind: str = ""
    ) -> tuple[Erasure, ...]:
        """See :meth:`vestlus.store.erasing.Erasing.erasures`."""

        def work(connection: Connection) -> tuple[Erasure, ...]:
            wanted = self._all_erasures
            if state is not None:
                wanted = wanted.where(_ERASURE.state == str(state))
            if behind:
                last = self._recorded(connection, cleaned(behind))
                if last is None:
                    return ()
                at_ms = last.asked_ms
                # A range of the index, and in it no more than what came at the same moment.
                wanted = wanted.where(
                    _ERASURE.asked_ms <= at_ms,
                    or_(_ERASURE.asked_ms < at_ms, _ERASURE.code > last.code),
                )
            return tuple(_erasure(row) for row in connection.execute(wanted, {"most": limit}))

        return await self._database.read(work)

    async def close_erasure(self, code: str, *, by: str) -> bool:
        """See :meth:`vestlus.store.erasing.Erasing.close_erasure`."""
        values = {"named": cleaned(code), "who": cleaned(by)}
        return await self._database.write(
            lambda connection: connection.execute(self._close_open, values).scalar() is not None
        )

    async def forget_who_erased(self, before_ms: int) -> int:
        """See :meth:`vestlus.store.erasing.Erasing.forget_who_erased`."""
        return await self._database.write(
            lambda connection: connection.execute(self._forget_who, {"before": before_ms}).rowcount
        )


def _erasure(row: Row[*tuple[Any, ...]]) -> Erasure:
    return Erasure(
        code=row.code,
        asked_ms=row.asked_ms,
        done_ms=row.done_ms,
        way=Way(row.way),
        by=row.by,
        state=ErasureState(row.state),
        counts=json.loads(row.counts),
    )
