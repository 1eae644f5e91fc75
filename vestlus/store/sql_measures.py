"""What is measured, by minute and by process, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
)

from vestlus.store import schema
from vestlus.store.measure_rows import NO_TIMES, Heard, MinuteRow, Told
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect, Insert
from vestlus.store.sql_part import SqlPart

_MINUTE: Final = schema.minute.c
_PROCESS: Final = schema.process_measures.c
_EVENT: Final = schema.inbox_event.c
_TALK: Final = schema.conversation.c

_TIMES: Final = tuple(f"took_{place}" for place in range(len(NO_TIMES)))
_ADDED: Final = ("received", "answered", "failed", *_TIMES)


class SqlMeasures(SqlPart):
    """See :class:`~vestlus.store.measure_port.Minutes` and
    :class:`~vestlus.store.measure_port.ProcessMeasures`.
    """

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        new = dialect.insert(schema.minute)
        sums = {name: _MINUTE[name] + new.excluded[name] for name in _ADDED}
        self._add_minute = new.on_conflict_do_update(
            index_elements=["minute_ms", "account"], set_=sums | {"backlog": _larger_backlog(new)}
        )
        # What is left to people is no backlog of ours.
        ours = or_(_TALK.silence == "", _TALK.silent_until_ms <= dialect.now_ms())
        unanswered = (
            select(
                bindparam("minute", type_=BigInteger()).label("minute_ms"),
                _EVENT.account,
                func.count().label("backlog"),
            )
            .join_from(schema.inbox_event, schema.conversation, _TALK.id == _EVENT.conversation)
            .where(_EVENT.state == literal_column(schema.PENDING, Text), ours)
            .group_by(_EVENT.account)
            .order_by(_EVENT.account)
        )
        backlog = dialect.insert(schema.minute).from_select(
            ["minute_ms", "account", "backlog"], unanswered
        )
        self._note_backlogs = backlog.on_conflict_do_update(
            index_elements=["minute_ms", "account"],
            set_={"backlog": _larger_backlog(backlog)},
        )
        all_minutes = (
            select(
                _MINUTE.minute_ms,
                _MINUTE.account,
                _MINUTE.received,
                _MINUTE.answered,
                _MINUTE.failed,
                _MINUTE.backlog,
                *(_MINUTE[name] for name in _TIMES),
            )
            .where(
                _MINUTE.minute_ms >= bindparam("since", type_=BigInteger()),
                _MINUTE.minute_ms < bindparam("until", type_=BigInteger()),
            )
            .order_by(_MINUTE.minute_ms, _MINUTE.account)
        )
        self._all_minutes = all_minutes
        self._minutes_of_one = all_minutes.where(_MINUTE.account == bindparam("of", type_=Text()))
        self._forget_minutes = delete(schema.minute).where(
            _MINUTE.minute_ms < bindparam("before", type_=BigInteger())
        )
        told = dialect.insert(schema.process_measures).values(at_ms=dialect.now_ms())
        self._tell_measures = told.on_conflict_do_update(
            index_elements=["process"],
            set_={name: told.excluded[name] for name in ("name", "kind", "node", "at_ms", "body")},
        )
        self._withdraw_former = delete(schema.process_measures).where(
            _PROCESS.name == bindparam("its_name", type_=Text()),
            _PROCESS.process != bindparam("its_process", type_=Text()),
        )
        age = dialect.now_ms() - bindparam("ms", type_=BigInteger())
        self._process_measures = (
            select(
                _PROCESS.process,
                _PROCESS.name,
                _PROCESS.kind,
                _PROCESS.node,
                _PROCESS.body,
                dialect.now_ms() - _PROCESS.at_ms,
            )
            .where(_PROCESS.at_ms >= age)
            .order_by(_PROCESS.process)
        )
        self._withdraw_measures = delete(schema.process_measures).where(
            _PROCESS.process == bindparam("of", type_=Text())
        )
        self._forget_measures = delete(schema.process_measures).where(_PROCESS.at_ms < age)

    async def add_minutes(self, rows: Sequence[MinuteRow]) -> None:
        """See :meth:`vestlus.store.measure_port.Minutes.add_minutes`."""
        # In one order, so that processes that add to the same rows do not wait in a ring.
        values = [
            _values(row) for row in sorted(rows, key=lambda row: (row.minute_ms, row.account))
        ]

        def work(connection: Connection) -> None:
            for one in values:
                connection.execute(self._add_minute, one)

        if values:
            await self._database.write(work)

    async def minutes(
        self, since_ms: int, until_ms: int, *, account: str | None = None
    ) -> tuple[MinuteRow, ...]:
        """See :meth:`vestlus.store.measure_port.Minutes.minutes`."""
        span: dict[str, object] = {"since": since_ms, "until": until_ms}
        if account is None:
            found = await self._database.fetch(self._all_minutes, span)
        else:
            found = await self._database.fetch(
                self._minutes_of_one, span | {"of": cleaned(account)}
            )
        return tuple(
            MinuteRow(
                minute_ms=minute_ms,
                account=of,
                received=received,
                answered=answered,
                failed=failed,
                backlog=backlog,
                times=tuple(times),
            )
            for minute_ms, of, received, answered, failed, backlog, *times in found
        )

    async def note_backlogs(self, minute_ms: int) -> None:
        """See :meth:`vestlus.store.measure_port.Minutes.note_backlogs`."""

        def work(connection: Connection) -> None:
            connection.execute(self._note_backlogs, {"minute": minute_ms})

        await self._database.write(work)

    async def forget_minutes(self, before_ms: int) -> int:
        """See :meth:`vestlus.store.measure_port.Minutes.forget_minutes`."""

        def work(connection: Connection) -> int:
            return connection.execute(self._forget_minutes, {"before": before_ms}).rowcount

        return await self._database.write(work)

    async def tell_measures(self, told: Told) -> None:
        """See :meth:`vestlus.store.measure_port.ProcessMeasures.tell_measures`."""
        former = {"its_name": told.name, "its_process": told.process}

        def work(connection: Connection) -> None:
            connection.execute(self._withdraw_former, former)
            connection.execute(self._tell_measures, asdict(told))

        await self._database.write(work)

    async def measures(self, within_seconds: float) -> tuple[Heard, ...]:
        """See :meth:`vestlus.store.measure_port.ProcessMeasures.measures`."""
        ms = {"ms": int(within_seconds * 1000)}
        rows = await self._database.fetch(self._process_measures, ms)
        return tuple(
            Heard(process=process, name=name, kind=kind, node=node, body=body, silent_ms=silent_ms)
            for process, name, kind, node, body, silent_ms in rows
        )

    async def withdraw_measures(self, process: str) -> None:
        """See :meth:`vestlus.store.measure_port.ProcessMeasures.withdraw_measures`."""

        def work(connection: Connection) -> None:
            connection.execute(self._withdraw_measures, {"of": process})

        await self._database.write(work)

    async def forget_measures(self, after_seconds: float) -> int:
        """See :meth:`vestlus.store.measure_port.ProcessMeasures.forget_measures`."""

        def work(connection: Connection) -> int:
            ms = {"ms": int(after_seconds * 1000)}
            return connection.execute(self._forget_measures, ms).rowcount

        return await self._database.write(work)


def _larger_backlog(new: Insert) -> ColumnElement[int]:
    """Of the one that is there and the one that comes."""
    told, known = new.excluded.backlog, _MINUTE.backlog
    return case((told > known, told), else_=known)


def _values(row: MinuteRow) -> dict[str, object]:
    return {
        "minute_ms": row.minute_ms,
        "account": row.account,
        "received": row.received,
        "answered": row.answered,
        "failed": row.failed,
        "backlog": row.backlog,
        **dict(zip(_TIMES, row.times, strict=True)),
    }
