"""Schedules and occurrences in memory, with the port's guarantees, epochs included."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.store.occurrences import (
    CHANGED,
    OPEN,
    REMOVED,
    OccurrenceState,
    comes_again,
    is_unclaimed,
)
from vestlus.store.plan_rows import (
    Claim,
    Decision,
    Keeper,
    NewOccurrence,
    OccurrenceRow,
    OccurrenceStep,
    ScheduleRow,
    Trigger,
    is_held,
)
from vestlus.store.post_rows import NewPost, PostPicture
from vestlus.store.rows import Lease
from vestlus.store.sql_plan_rows import check_occurrence_step, occurrence_step_values

LATENCY_SECONDS = 0.002


class MemoryPlans:
    """The part of the store that plans posts. ``unavailable`` calls fail first."""

    def __init__(self) -> None:
        self.by_name: dict[str, ScheduleRow] = {}
        self.rows: dict[str, OccurrenceRow] = {}
        self.posts: dict[str, NewPost] = {}
        self.epoch = 0
        self.unavailable = 0
        #: How often it was asked anything.
        self.calls = 0

    def take_over(self, lease: Lease) -> Lease:
        """Give the lease to a new holder; the one before is void from now on."""
        self.epoch = lease.epoch
        return lease

    def of(self, name: str) -> list[OccurrenceRow]:
        """Return a schedule's or rule's occurrences, by when they are due."""
        rows = [row for row in self.rows.values() if row.name == name]
        return sorted(rows, key=lambda row: row.due_ms)

    def states(self, name: str) -> list[OccurrenceState]:
        """Return the states of those."""
        return [row.state for row in self.of(name)]

    def put(self, new: NewOccurrence, now_ms: int) -> None:
        """Add an occurrence, as an event does."""
        values: dict[str, Any] = {
            name: getattr(new, name) for name in NewOccurrence.__dataclass_fields__
        }
        self.rows[new.id] = OccurrenceRow(**values, version=0, created_ms=now_ms, changed_ms=now_ms)

    async def sync_schedules(
        self,
        lease: Lease,
        kept: Sequence[ScheduleRow],
        now_ms: int,
        *,
        told: Sequence[NewOccurrence] = (),
    ) -> frozenset[str]:
        """See the port."""
        await self._called(lease)
        wanted = {row.name: row for row in kept}
        changed = set()
        for row in kept:
            known = self.by_name.get(row.name)
            if known is None or known.definition != row.definition:
                if known is not None and is_unclaimed(known.watched_ms, known.created_ms):
                    self._renew_withdrawn(known, now_ms)
                self._withdraw(row.name, CHANGED, now_ms)
                paused = known is not None and known.paused
                self.by_name[row.name] = replace(
                    row, paused=paused, created_ms=now_ms, changed_ms=now_ms
                )
                changed.add(row.name)
        for name in [one.name for one in self.by_name.values() if one.keeper is Keeper.FILE]:
            if name not in wanted:
                del self.by_name[name]
                self._withdraw(name, REMOVED, now_ms)
        known_keys = {one.key for one in self.rows.values()}
        for new in told:
            if new.key not in known_keys:
                self.put(new, now_ms)
        return frozenset(changed)

    async def add_schedule(self, row: ScheduleRow) -> bool:
        """See the port."""
        await self._called()
        return self.by_name.setdefault(row.name, row) is row

    async def remove_schedule(self, name: str, now_ms: int) -> bool:
        """See the port."""
        await self._called()
        self._withdraw(name, REMOVED, now_ms)
        return self.by_name.pop(name, None) is not None

    async def pause_schedule(self, name: str, now_ms: int, *, paused: bool) -> bool:
        """See the port."""
        await self._called()
        row = self.by_name[name]
        for one in self.of(name):
            if row.paused and one.state in OPEN and not is_held(one, row):
                self.rows[one.id] = replace(one, version=one.version + 1, changed_ms=now_ms)
        self.by_name[name] = replace(row, paused=paused, changed_ms=now_ms, version=row.version + 1)
        return True

    async def schedule(self, name: str) -> ScheduleRow | None:
        """See the port."""
        await self._called()
        return self.by_name.get(name)

    async def schedules(self, *, account: str | None = None) -> tuple[ScheduleRow, ...]:
        """See the port."""
        raise NotImplementedError

    async def due_schedules(self, now_ms: int, *, limit: int) -> tuple[ScheduleRow, ...]:
        """See the port."""
        await self._called()
        due = [row for row in self.by_name.values() if 0 < row.look_ms <= now_ms]
        due = [row for row in due if not row.paused]
        return tuple(sorted(due, key=lambda row: (row.look_ms, row.name))[:limit])

    async def claim(self, lease: Lease, claim: Claim, now_ms: int) -> bool:
        """See the port."""
        await self._called(lease)
        row = self.by_name.get(claim.of.name)
        if row is None or row != claim.of:
            return False
        self.by_name[row.name] = replace(
            row, watched_ms=claim.watched_ms, look_ms=claim.look_ms, version=row.version + 1
        )
        known = {one.key: one for one in self.rows.values()}
        for new in claim.occurrences:
            before = known.get(new.key)
            if before is None:
                self.put(new, now_ms)
            elif comes_again(
                before.state,
                before.changed_ms,
                after=new.state,
                defined_ms=row.created_ms,
                is_by_hand=row.keeper is Keeper.HAND,
            ):
                del self.rows[before.id]
                self.put(replace(new, id=before.id), now_ms)
        return True

    async def next_look_ms(self) -> int | None:
        """See the port."""
        await self._called()
        looks = [row.look_ms for row in self.by_name.values() if row.look_ms > 0 and not row.paused]
        looks += [row.wake_ms for row in self._open()]
        return min(looks, default=None)

    async def due_occurrences(
        self,
        states: Collection[OccurrenceState],
        now_ms: int,
        *,
        limit: int,
        trigger: Trigger | None = None,
    ) -> tuple[OccurrenceRow, ...]:
        """See the port."""
        await self._called()
        due = [row for row in self._open() if row.state in states and row.wake_ms <= now_ms]
        due = [row for row in due if trigger in (None, row.trigger)]
        return tuple(sorted(due, key=lambda row: (row.wake_ms, row.id))[:limit])

    async def occurrence_step(self, lease: Lease, step: OccurrenceStep) -> bool:
        """See the port."""
        check_occurrence_step(step)
        await self._called(lease)
        row = self.rows.get(step.of.id)
        if row is None or (row.state, row.version) != (step.of.state, step.of.version):
            return False
        values: dict[str, Any] = dict(occurrence_step_values(step))
        if "pictures" in values:
            pictures = json.loads(values["pictures"])
            values["pictures"] = tuple(PostPicture(*one) for one in pictures)
        if step.post is not None:
            assert step.post.key not in {post.key for post in self.posts.values()}
            self.posts[step.post.id] = step.post
            values["post"] = step.post.id
        self.rows[row.id] = replace(row, **values | {"state": step.after})
        return True

    async def decide(self, id_: str, decision: Decision) -> bool:
        """See the port."""
        await self._called()
        row = self.rows[id_]
        due_ms = row.due_ms if decision.due_ms is None else decision.due_ms
        self.rows[id_] = replace(
            row,
            state=decision.after,
            version=row.version + 1,
            due_ms=due_ms,
            wake_ms=due_ms,
            decided_by=decision.by,
            decided_ms=decision.at_ms,
            changed_ms=decision.at_ms,
        )
        return True

    async def cancel_occurrence(self, id_: str, now_ms: int) -> bool:
        """See the port."""
        await self._called()
        self._end(self.rows[id_], OccurrenceState.CANCELLED, "", now_ms)
        return True

    async def occurrence(self, id_: str) -> OccurrenceRow | None:
        """See the port."""
        await self._called()
        return self.rows.get(id_)

    async def occurrences(
        self,
        *,
        limit: int,
        account: str | None = None,
        states: Collection[OccurrenceState] = (),
        name: str | None = None,
    ) -> tuple[OccurrenceRow, ...]:
        """See the port."""
        del account
        await self._called()
        rows = [row for row in self.rows.values() if name in (None, row.name)]
        rows = [row for row in rows if not states or row.state in states]
        return tuple(sorted(rows, key=lambda row: (row.due_ms, row.id), reverse=True)[:limit])

    async def pictures_used(self, account: str, since_ms: int) -> Mapping[str, int]:
        """See the port."""
        raise NotImplementedError

    def _open(self) -> list[OccurrenceRow]:
        return [row for row in self.rows.values() if row.state in OPEN and not self._held(row)]

    def _held(self, row: OccurrenceRow) -> bool:
        of = self.by_name.get(row.name)
        return row.trigger is Trigger.SCHEDULE and of is not None and is_held(row, of)

    def _renew_withdrawn(self, known: ScheduleRow, now_ms: int) -> None:
        for row in self.of(known.name):
            if (row.reason, row.changed_ms) == (CHANGED, known.created_ms):
                self.rows[row.id] = replace(row, version=row.version + 1, changed_ms=now_ms)

    def _withdraw(self, name: str, reason: str, now_ms: int) -> None:
        for row in self.of(name):
            if row.state in OPEN and row.trigger is Trigger.SCHEDULE:
                self._end(row, OccurrenceState.WITHDRAWN, reason, now_ms)

    def _end(self, row: OccurrenceRow, state: OccurrenceState, reason: str, now_ms: int) -> None:
        self.rows[row.id] = replace(
            row,
            state=state,
            version=row.version + 1,
            wake_ms=row.wake_ms if state is OccurrenceState.WITHDRAWN else 0,
            reason=reason,
            changed_ms=now_ms,
        )

    async def _called(self, lease: Lease | None = None) -> None:
        self.calls += 1
        await asyncio.sleep(LATENCY_SECONDS)
        if self.unavailable:
            self.unavailable -= 1
            message = "told to fail"
            raise StoreUnavailable(message)
        if lease is not None and lease.epoch != self.epoch:
            raise LeaseLost(lease.name)
