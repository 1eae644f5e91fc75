"""Schedules in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Select,
    Text,
    Update,
    bindparam,
    delete,
    or_,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.occurrences import CHANGED, REMOVED, OccurrenceState, is_unclaimed
from vestlus.store.plan_rows import Keeper, NewOccurrence, ScheduleRow, Trigger
from vestlus.store.rows import Lease
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Insert
from vestlus.store.sql_occurrence_lists import is_open, is_said_since
from vestlus.store.sql_plan_rows import (
    new_occurrence_values,
    new_schedule_values,
    schedule_row,
)
from vestlus.store.sql_schedule_lists import SCHEDULE_COLUMNS, SqlScheduleLists

_SCHEDULE: Final = schema.schedule.c
_OCCURRENCE: Final = schema.occurrence.c


def _text(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=Text())


def _number(name: str) -> Any:  # noqa: ANN401 - as above
    return bindparam(name, type_=BigInteger())


class SqlSchedules(SqlScheduleLists):
    """What schedules there are. See :class:`~vestlus.store.plan_port.Schedules`."""

    async def sync_schedules(
        self,
        lease: Lease,
        kept: Sequence[ScheduleRow],
        now_ms: int,
        *,
        told: Sequence[NewOccurrence] = (),
    ) -> frozenset[str]:
        """See :meth:`vestlus.store.plan_port.Schedules.sync_schedules`.

        Open occurrences of a schedule whose definition changed are withdrawn too: those that are
        still times of it are claimed again, from the new definition.
        """
        wanted = {cleaned(row.name): row for row in kept}
        names = self._dialect.value_set(sorted(wanted))
        passed = [
            new_occurrence_values(one, now_ms) for one in sorted(told, key=lambda one: one.id)
        ]

        def work(connection: Connection) -> frozenset[str]:
            self._hold(connection, lease)
            rows = connection.execute(self._kept, {"names": names})
            known = {row.name: schedule_row(row) for row in rows}
            added, changed = set(), set()
            for name in sorted(wanted):
                values = new_schedule_values(wanted[name], now_ms)
                if name not in known:
                    added |= set(connection.execute(self._add_schedule, values).scalars())
                elif _is_changed(known[name], values):
                    connection.execute(self._change_schedule.values(_changed(values)), {"of": name})
                    changed.add(name)
            gone = {row.name for row in known.values() if row.keeper is Keeper.FILE} - set(wanted)
            if gone:
                connection.execute(self._drop, {"names": self._dialect.value_set(gone)})
            self._withdraw(connection, gone, REMOVED, now_ms)
            for name in sorted(changed):
                self._renew_unclaimed(connection, known[name], now_ms)
            self._withdraw(connection, changed, CHANGED, now_ms)
            if passed:
                connection.execute(self._add_occurrence, passed)
            return frozenset(added | changed)

        return await self._database.write(work)

    async def add_schedule(self, row: ScheduleRow) -> bool:
        """See :meth:`vestlus.store.plan_port.Schedules.add_schedule`."""
        values = new_schedule_values(row, row.created_ms)
        return await self._database.write(
            lambda connection: bool(connection.execute(self._add_schedule, values).all())
        )

    async def remove_schedule(self, name: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.plan_port.Schedules.remove_schedule`."""

        def work(connection: Connection) -> bool:
            row = connection.execute(self._lock_schedule, {"of": cleaned(name)}).one_or_none()
            if row is None or row.keeper != Keeper.HAND:
                return False
            connection.execute(self._drop, {"names": self._dialect.value_set([name])})
            self._withdraw(connection, [name], REMOVED, now_ms)
            return True

        return await self._database.write(work)

    async def pause_schedule(self, name: str, now_ms: int, *, paused: bool) -> bool:
        """See :meth:`vestlus.store.plan_port.Schedules.pause_schedule`.

        A schedule that is as it should be already keeps its version and ``changed_ms``. When the
        pause began is forgotten when it ends, so what a person let go out meanwhile is marked as
        changed then: it is none of what the pause passed over.
        """
        named = {"of": cleaned(name)}
        values = {
            "paused": int(paused),
            "version": _SCHEDULE.version + 1,
            "changed_ms": now_ms,
        }

        def work(connection: Connection) -> bool:
            row = connection.execute(self._lock_schedule, named).one_or_none()
            if row is not None and bool(row.paused) != paused:
                if row.paused:
                    said = named | {"since": row.changed_ms, "at": now_ms}
                    connection.execute(self._renew_said, said)
                connection.execute(self._change_schedule.values(values), named)
            return row is not None

        return await self._database.write(work)

    def _withdraw(
        self, connection: Connection, names: Collection[str], reason: str, now_ms: int
    ) -> None:
        """Ends what is open of these schedules. Their rows are locked by the caller."""
        if not names:
            return
        asked = {"names": self._dialect.value_set([cleaned(name) for name in names])}
        ids = list(connection.execute(self._lock_open, asked).scalars())
        if ids:
            connection.execute(
                self._withdraw_all,
                {"ids": self._dialect.value_set(ids), "why": reason, "at": now_ms},
            )

    def _renew_unclaimed(self, connection: Connection, known: ScheduleRow, now_ms: int) -> None:
        """What a change withdrew that was not claimed yet is of the next one."""
        if is_unclaimed(known.watched_ms, known.created_ms):
            of = {"of": known.name, "since": known.created_ms, "at": now_ms}
            connection.execute(self._renew_withdrawn, of)

    @cached_property
    def _kept(self) -> Select[Any]:
        return (
            select(*SCHEDULE_COLUMNS)
            .where(
                or_(
                    _SCHEDULE.keeper == str(Keeper.FILE),
                    self._dialect.one_of(_SCHEDULE.name, "names"),
                )
            )
            .order_by(_SCHEDULE.name)
            .with_for_update()
        )

    @cached_property
    def _add_schedule(self) -> Any:  # noqa: ANN401 - RETURNING has a type of its own
        inserted: Insert = self._dialect.insert(schema.schedule)
        return inserted.on_conflict_do_nothing().returning(_SCHEDULE.name)

    @cached_property
    def _drop(self) -> Delete:
        return delete(schema.schedule).where(self._dialect.one_of(_SCHEDULE.name, "names"))

    @cached_property
    def _renew_said(self) -> Update:
        return _renewed(is_open(), is_said_since(_number("since")))

    @cached_property
    def _renew_withdrawn(self) -> Update:
        return _renewed(
            _OCCURRENCE.state == str(OccurrenceState.WITHDRAWN),
            _OCCURRENCE.reason == CHANGED,
            _OCCURRENCE.changed_ms == _number("since"),
        )

    @cached_property
    def _lock_open(self) -> Select[Any]:
        return (
            select(_OCCURRENCE.id)
            .where(
                self._dialect.one_of(_OCCURRENCE.name, "names"),
                _OCCURRENCE.trigger == str(Trigger.SCHEDULE),
                is_open(),
            )
            .order_by(_OCCURRENCE.id)
            .with_for_update()
        )

    @cached_property
    def _withdraw_all(self) -> Update:
        return (
            update(schema.occurrence)
            .where(self._dialect.one_of(_OCCURRENCE.id, "ids"))
            .values(
                state=str(OccurrenceState.WITHDRAWN),
                version=_OCCURRENCE.version + 1,
                reason=_text("why"),
                problem="",
                changed_ms=_number("at"),
            )
        )


def _renewed(*which: ColumnElement[bool]) -> Update:
    """Marks these of a schedule's occurrences as changed."""
    of_schedule = _OCCURRENCE.trigger == str(Trigger.SCHEDULE)
    return (
        update(schema.occurrence)
        .where(_OCCURRENCE.name == _text("of"), of_schedule, *which)
        .values(version=_OCCURRENCE.version + 1, changed_ms=_number("at"))
    )


def _is_changed(known: ScheduleRow, values: dict[str, str | int]) -> bool:
    return known.keeper is Keeper.FILE and (known.account, known.definition) != (
        values["account"],
        values["definition"],
    )


def _changed(values: dict[str, str | int]) -> dict[str, Any]:
    names = ("account", "definition", "watched_ms", "look_ms", "created_ms", "changed_ms")
    return {name: values[name] for name in names} | {"version": _SCHEDULE.version + 1}
