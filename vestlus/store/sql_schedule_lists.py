"""Schedules read, in SQL. What changes them is in ``sql_schedules`` and ``sql_claims``."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    Update,
    bindparam,
    func,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.plan_rows import ScheduleRow
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_occurrence_lists import SqlOccurrenceLists
from vestlus.store.sql_plan_rows import schedule_row

_SCHEDULE: Final = schema.schedule.c
SCHEDULE_COLUMNS: Final = tuple(_SCHEDULE)


def _text(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=Text())


def _number(name: str) -> Any:  # noqa: ANN401 - as above
    return bindparam(name, type_=BigInteger())


class SqlScheduleLists(SqlOccurrenceLists):
    """What is due by the clock. See :class:`~vestlus.store.plan_port.Schedules`.

    Statements are made when they are first used: most processes use none of them.
    """

    async def schedule(self, name: str) -> ScheduleRow | None:
        """See :meth:`vestlus.store.plan_port.Schedules.schedule`."""
        rows = await self._database.fetch(self._one_schedule, {"of": cleaned(name)})
        return schedule_row(rows[0]) if rows else None

    async def schedules(self, *, account: str | None = None) -> tuple[ScheduleRow, ...]:
        """See :meth:`vestlus.store.plan_port.Schedules.schedules`."""
        listed = select(*SCHEDULE_COLUMNS).order_by(_SCHEDULE.name)
        if account is not None:
            listed = listed.where(_SCHEDULE.account == cleaned(account))
        return tuple(schedule_row(row) for row in await self._database.fetch(listed))

    async def due_schedules(self, now_ms: int, *, limit: int) -> tuple[ScheduleRow, ...]:
        """See :meth:`vestlus.store.plan_port.Schedules.due_schedules`."""
        rows = await self._database.fetch(self._due_schedules, {"now": now_ms, "most": limit})
        return tuple(schedule_row(row) for row in rows)

    async def next_look_ms(self) -> int | None:
        """See :meth:`vestlus.store.plan_port.Schedules.next_look_ms`."""

        def work(connection: Connection) -> int | None:
            found = [
                connection.execute(self._first_look).scalar(),
                connection.execute(self._first_wake).scalar(),
            ]
            return min((int(one) for one in found if one is not None), default=None)

        return await self._database.read(work)

    @cached_property
    def _one_schedule(self) -> Select[Any]:
        return select(*SCHEDULE_COLUMNS).where(_SCHEDULE.name == _text("of"))

    @cached_property
    def _lock_schedule(self) -> Select[Any]:
        return self._one_schedule.with_for_update()

    @cached_property
    def _due_schedules(self) -> Select[Any]:
        return (
            select(*SCHEDULE_COLUMNS)
            .where(_is_watched(), _SCHEDULE.look_ms <= _number("now"))
            .order_by(_SCHEDULE.look_ms, _SCHEDULE.name)
            .limit(_number("most"))
        )

    @cached_property
    def _first_look(self) -> Select[Any]:
        return select(func.min(_SCHEDULE.look_ms)).where(_is_watched())

    @cached_property
    def _change_schedule(self) -> Update:
        return update(schema.schedule).where(_SCHEDULE.name == _text("of"))


def _is_watched() -> ColumnElement[bool]:
    """Whether a schedule is looked at some day, in the words by which its index is found."""
    watched: ColumnElement[bool] = _SCHEDULE.look_ms > schema.ZERO
    return watched & (_SCHEDULE.paused == schema.ZERO)
