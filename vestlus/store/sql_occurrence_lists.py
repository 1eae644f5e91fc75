"""Occurrences read, in SQL. Their steps are in ``sql_occurrences``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    literal_column,
    select,
)

from vestlus.store import schema
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import OccurrenceRow, Trigger
from vestlus.store.posts import PostState
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Insert
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_plan_rows import occurrence_row
from vestlus.store.sql_rows import is_in

_OCCURRENCE: Final = schema.occurrence.c
_SCHEDULE: Final = schema.schedule.c
_POST: Final = schema.post.c
_COLUMNS: Final = tuple(_OCCURRENCE)

#: A picture of a post in one of these states was not shown, and will not be.
_GIVEN_UP: Final = (PostState.DEAD, PostState.CANCELLED)


def _number(name: str) -> Any:  # noqa: ANN401 - a parameter of any comparison
    return bindparam(name, type_=BigInteger())


class SqlOccurrenceLists(SqlPart):
    """Times that are due, and were. See :class:`~vestlus.store.plan_port.Occurrences`."""

    async def due_occurrences(
        self,
        states: Collection[OccurrenceState],
        now_ms: int,
        *,
        limit: int,
        trigger: Trigger | None = None,
    ) -> tuple[OccurrenceRow, ...]:
        """See :meth:`vestlus.store.plan_port.Occurrences.due_occurrences`."""
        triggers = Trigger if trigger is None else (trigger,)
        values = {
            "states": self._dialect.value_set([str(state) for state in states]),
            "triggers": self._dialect.value_set([str(one) for one in triggers]),
            "now": now_ms,
            "most": limit,
        }
        rows = await self._database.fetch(self._due_occurrences, values)
        return tuple(occurrence_row(row) for row in rows)

    async def occurrence(self, id_: str) -> OccurrenceRow | None:
        """See :meth:`vestlus.store.plan_port.Occurrences.occurrence`."""
        rows = await self._database.fetch(self._one_occurrence, {"of": cleaned(id_)})
        return occurrence_row(rows[0]) if rows else None

    async def occurrences(
        self,
        *,
        limit: int,
        account: str | None = None,
        states: Collection[OccurrenceState] = (),
        name: str | None = None,
    ) -> tuple[OccurrenceRow, ...]:
        """See :meth:`vestlus.store.plan_port.Occurrences.occurrences`."""
        listed = (
            select(*_COLUMNS)
            .order_by(_OCCURRENCE.due_ms.desc(), _OCCURRENCE.id.desc())
            .limit(limit)
        )
        if account is not None:
            listed = listed.where(_OCCURRENCE.account == cleaned(account))
        if name is not None:
            listed = listed.where(_OCCURRENCE.name == cleaned(name))
        if states:
            listed = listed.where(is_in(_OCCURRENCE.state, sorted(states)))
        return tuple(occurrence_row(row) for row in await self._database.fetch(listed))

    async def pictures_used(self, account: str, since_ms: int) -> Mapping[str, int]:
        """See :meth:`vestlus.store.plan_port.Occurrences.pictures_used`."""
        used: dict[str, int] = {}
        values = {"account": cleaned(account), "since": since_ms}
        for statement in (self._pictures_posted, self._pictures_drafted):
            for pictures, at_ms in await self._database.fetch(statement, values):
                for id_, _ in json.loads(pictures):
                    used[id_] = max(at_ms, used.get(id_, 0))
        return used

    @cached_property
    def _one_occurrence(self) -> Select[Any]:
        return select(*_COLUMNS).where(_OCCURRENCE.id == bindparam("of", type_=Text()))

    @cached_property
    def _add_occurrence(self) -> Insert:
        """For schedules and events alike: one whose key is known is left alone."""
        return self._dialect.insert(schema.occurrence).on_conflict_do_nothing()

    @cached_property
    def _due_occurrences(self) -> Select[Any]:
        return (
            select(*_COLUMNS)
            .where(
                is_open(),
                self._dialect.one_of(_OCCURRENCE.state, "states"),
                self._dialect.one_of(_OCCURRENCE.trigger, "triggers"),
                _OCCURRENCE.wake_ms <= _number("now"),
                ~is_held(),
            )
            .order_by(_OCCURRENCE.wake_ms, _OCCURRENCE.id)
            .limit(_number("most"))
        )

    @cached_property
    def _first_wake(self) -> Select[Any]:
        return (
            select(_OCCURRENCE.wake_ms)
            .where(is_open(), ~is_held())
            .order_by(_OCCURRENCE.wake_ms, _OCCURRENCE.id)
            .limit(1)
        )

    @cached_property
    def _pictures_posted(self) -> Select[Any]:
        return select(_POST.pictures, _POST.planned_ms).where(
            _POST.account == bindparam("account", type_=Text()),
            _POST.planned_ms >= _number("since"),
            ~is_in(_POST.state, _GIVEN_UP),
        )

    @cached_property
    def _pictures_drafted(self) -> Select[Any]:
        return select(_OCCURRENCE.pictures, _OCCURRENCE.due_ms).where(
            _OCCURRENCE.account == bindparam("account", type_=Text()),
            _OCCURRENCE.due_ms >= _number("since"),
            is_open(),
        )


def is_open() -> ColumnElement[bool]:
    """Whether an occurrence is not over, in the words by which the index of those is found."""
    state: ColumnElement[str] = _OCCURRENCE.state
    return state.bool_op("IN")(literal_column(schema.OPEN_OCCURRENCES))


def is_held() -> ColumnElement[bool]:
    """:func:`vestlus.store.plan_rows.is_held` in SQL; event rules have names of their own."""
    return exists().where(
        _SCHEDULE.name == _OCCURRENCE.name,
        _SCHEDULE.paused > schema.ZERO,
        _OCCURRENCE.trigger == literal_column(f"'{Trigger.SCHEDULE}'"),
        ~is_said_since(_SCHEDULE.changed_ms),
    )


def is_said_since(moment: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a person let an occurrence go out, by a yes or at once, after a moment."""
    return and_(
        _OCCURRENCE.state == literal_column(f"'{OccurrenceState.READY}'"),
        _OCCURRENCE.changed_ms > moment,
        _OCCURRENCE.changed_ms > _OCCURRENCE.drafted_ms,
    )
