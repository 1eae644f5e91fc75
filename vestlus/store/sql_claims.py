"""Claims of schedules' times in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Text, Update, bindparam, select, update

from vestlus.store import schema
from vestlus.store.occurrences import OccurrenceState, comes_again
from vestlus.store.plan_rows import Claim, Keeper, ScheduleRow
from vestlus.store.rows import Lease
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_plan_rows import anew_values, new_occurrence_values, schedule_row
from vestlus.store.sql_schedule_lists import SqlScheduleLists

_SCHEDULE: Final = schema.schedule.c
_OCCURRENCE: Final = schema.occurrence.c


class SqlClaims(SqlScheduleLists):
    """Times of schedules become occurrences. See :class:`~vestlus.store.plan_port.Schedules`."""

    async def claim(self, lease: Lease, claim: Claim, now_ms: int) -> bool:
        """See :meth:`vestlus.store.plan_port.Schedules.claim`.

        The schedule's ``changed_ms`` stays: a claim is none of its changes.
        """
        of = claim.of
        named = {"of": cleaned(of.name)}
        rows = [
            new_occurrence_values(one, now_ms)
            for one in sorted(claim.occurrences, key=lambda one: one.id)
        ]
        watched = {
            "watched_ms": claim.watched_ms,
            "look_ms": claim.look_ms,
            "version": _SCHEDULE.version + 1,
        }

        def work(connection: Connection) -> bool:
            self._hold(connection, lease)
            row = connection.execute(self._lock_schedule, named).one_or_none()
            # One of the same name that was removed and added begins at version 0 again.
            if row is None or schedule_row(row) != of:
                return False
            connection.execute(self._change_schedule.values(watched), named)
            if rows:
                self._add_or_plan_anew(connection, of, rows)
            return True

        return await self._database.write(work)

    def _add_or_plan_anew(
        self, connection: Connection, of: ScheduleRow, rows: Sequence[dict[str, str | int]]
    ) -> None:
        keys = self._dialect.value_set([str(row["key"]) for row in rows])
        known = {row.key: row for row in connection.execute(self._lock_known, {"keys": keys})}
        new = [row for row in rows if row["key"] not in known]
        if new:
            connection.execute(self._add_occurrence, new)
        for row in rows:
            before = known.get(str(row["key"]))
            if before is not None and _is_planned_anew(of, before, row):
                changed = self._change_occurrence.values(anew_values(row))
                connection.execute(changed, {"of": before.id})

    @cached_property
    def _lock_known(self) -> Select[Any]:
        return (
            select(_OCCURRENCE.id, _OCCURRENCE.key, _OCCURRENCE.state, _OCCURRENCE.changed_ms)
            .where(self._dialect.one_of(_OCCURRENCE.key, "keys"))
            .order_by(_OCCURRENCE.id)
            .with_for_update()
        )

    @cached_property
    def _change_occurrence(self) -> Update:
        return update(schema.occurrence).where(_OCCURRENCE.id == bindparam("of", type_=Text()))


def _is_planned_anew(of: ScheduleRow, before: Row[Any], after: dict[str, str | int]) -> bool:
    return comes_again(
        OccurrenceState(before.state),
        before.changed_ms,
        after=OccurrenceState(str(after["state"])),
        defined_ms=of.created_ms,
        is_by_hand=of.keeper is Keeper.HAND,
    )
