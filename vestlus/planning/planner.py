"""The scheduler's loop: claims what is due, has drafts made, hands posts over, and sleeps."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from vestlus.backoff import Backoff
from vestlus.clock import Clock
from vestlus.errors import StoreUnavailable
from vestlus.log_errors import place_of
from vestlus.measuring.catalogue import OCCURRENCE_STEPS, of
from vestlus.planning.bench import Bench, PlannerStore
from vestlus.planning.changing import change_of
from vestlus.planning.claiming import claim_of
from vestlus.planning.definitions import Unreadable, read_definition
from vestlus.planning.pool import Pool
from vestlus.planning.ports import Drafter
from vestlus.planning.rules import PlannerRules
from vestlus.planning.watch import Attendance
from vestlus.steady_clock import SteadyClock
from vestlus.store.occurrences import OccurrenceState, is_unclaimed
from vestlus.store.plan_rows import Claim, OccurrenceRow, ScheduleRow, Trigger
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)

#: The schedules that the file keeps, as rows that are new at this moment.
Kept = Callable[[int], Sequence[ScheduleRow]]

_PLANNED: Final = frozenset({OccurrenceState.PLANNED})
_DRAFTED: Final = frozenset({OccurrenceState.WAITING, OccurrenceState.READY})

#: Of a changed schedule, so many occurrences that were open are looked at.
_MOST_WITHDRAWN = 100


class Planner:
    """Plans posts under one epoch of the scheduler's lease.

    Owns nothing that the store does not have: another one goes on where this one was killed. The
    loop waits for no draft and no check; those are tasks in pools of their own.
    """

    def __init__(
        self,
        *,
        lease: Lease,
        store: PlannerStore,
        drafter: Drafter,
        kept: Kept,
        clock: Clock,
        rules: PlannerRules,
        steps: Counter[str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._store = store
        self._kept = kept
        self._clock = SteadyClock(clock, monotonic)
        self._rules = rules
        self._steps = steps
        self._attendance = Attendance()
        self._bench = Bench(
            store=store,
            lease=lease,
            drafter=drafter,
            clock=self._clock,
            rules=rules,
            attendance=self._attendance,
            steps=steps,
        )
        # Apart, so that events without end, or a slow model for them, hold up no schedule's drafts.
        self._drafting = Pool("draft", rules.drafts, self._ended)
        self._drafting_events = Pool("event draft", rules.event_drafts, self._ended)
        self._settling = Pool("settle", rules.settles, self._ended)
        self._changed = asyncio.Event()
        self._failure: BaseException | None = None
        self._is_draining = False

    @property
    def in_flight(self) -> int:
        """Occurrences that are worked at."""
        return len(self._drafting) + len(self._drafting_events) + len(self._settling)

    def ring(self) -> None:
        """Something may be there: it looks at once."""
        self._changed.set()

    async def run(self) -> None:
        """Serves until cancelled. Raises LeaseLost."""
        backoff, is_synced = Backoff(), False
        try:
            while True:
                self._changed.clear()
                if self._failure is not None:
                    raise self._failure
                try:
                    if not is_synced:
                        await self._sync()
                        is_synced = True
                    pause = await self._look()
                except StoreUnavailable:
                    _log.warning("store_not_reachable", lease=self._lease.name)
                    await backoff.wait()
                    continue
                backoff.reset()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
        finally:
            for pool in (self._drafting, self._drafting_events, self._settling):
                await pool.close()

    async def drain(self, seconds: float) -> None:
        """Begins nothing more, and waits for what is being handed over, at most so long. Drafts
        are left to whoever comes next.
        """
        self._is_draining = True
        await self._drafting.close()
        await self._drafting_events.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settling.idle()

    async def _sync(self) -> None:
        now_ms = self._clock()
        changes = [
            # Under this lease nobody else changes it between the look and the change.
            change_of(await self._store.schedule(row.name), row, now_ms)
            for row in self._kept(now_ms)
        ]
        # Looked at now: of what was open of a changed one, some may be past its time already.
        kept = [replace(one.row, look_ms=now_ms) for one in changes]
        told = [one for change in changes for one in change.told]
        changed = await self._store.sync_schedules(self._lease, kept, now_ms, told=told)
        if changed:
            _log.info("schedules_of_the_file_changed", schedules=sorted(changed))

    async def _look(self) -> float:
        """Does what is due, and returns after how many seconds there is more to do."""
        if self._is_draining:
            return self._rules.longest_seconds
        if unsettled := self._clock.unsettled_seconds():
            return min(unsettled, self._rules.longest_seconds)
        has_claimed = await self._claim()
        now_ms = self._clock()
        self._attendance.note(now_ms)
        has_begun = await self._begin(now_ms)
        next_ms = await self._store.next_look_ms()
        if next_ms is None:
            return self._rules.longest_seconds
        # What is due and was not begun is at work already, or waits for a place.
        least = 0.0 if has_claimed or has_begun else self._rules.busy_seconds
        wanted = (next_ms - self._clock()) / 1000
        return min(self._rules.longest_seconds, wanted if wanted > 0 else least)

    async def _claim(self) -> bool:
        """Claims what is due of some schedules; whether it claimed anything. Of very many that are
        due at once the rest is for the next looks: what is due to go out does not wait for it.
        """
        rows = await self._store.due_schedules(self._clock(), limit=self._rules.page)
        return any([await self._claim_of(row) for row in rows])

    async def _claim_of(self, row: ScheduleRow) -> bool:
        now_ms = self._clock()
        plan = read_definition(row)
        if isinstance(plan, Unreadable):
            _log.error("schedule_unreadable", plan=row.name, problem=plan.problem)
            return await self._store.claim(self._lease, self._later(row, now_ms), now_ms)
        withdrawn: Sequence[OccurrenceRow] = ()
        if is_unclaimed(row.watched_ms, row.created_ms):
            withdrawn = await self._store.occurrences(
                name=row.name, states={OccurrenceState.WITHDRAWN}, limit=_MOST_WITHDRAWN
            )
        try:
            claim = claim_of(row, plan, now_ms, withdrawn)
        except Exception as defect:  # noqa: BLE001 - one schedule must not stop the others
            _log.error("claim_failed_unexpectedly", place=place_of(defect), plan=row.name)
            claim = self._later(row, now_ms)
        if not await self._store.claim(self._lease, claim, now_ms):
            return False
        for one in claim.occurrences:
            self._steps[f"claimed/{one.state}"] += 1
            of(OCCURRENCE_STEPS, one.state).inc()
        return True

    def _later(self, row: ScheduleRow, now_ms: int) -> Claim:
        """Nothing of a schedule, which is looked at again after a while."""
        later_ms = now_ms + round(self._rules.unreadable_seconds * 1000)
        return Claim(of=row, watched_ms=row.watched_ms, look_ms=later_ms, occurrences=())

    async def _begin(self, now_ms: int) -> bool:
        """Begins what is due as far as there are places; whether it began anything."""
        begun = False
        for pool, states, trigger, work in (
            (self._settling, _DRAFTED, None, self._bench.settle),
            (self._drafting, _PLANNED, Trigger.SCHEDULE, self._bench.draft),
            (self._drafting_events, _PLANNED, Trigger.EVENT, self._bench.draft),
        ):
            for row in await self._store.due_occurrences(
                states, now_ms, limit=pool.page, trigger=trigger
            ):
                if not self._is_draining:
                    begun |= pool.begin(row.id, partial(self._work, work, row))
        return begun

    async def _work(
        self, work: Callable[[OccurrenceRow], Awaitable[bool]], row: OccurrenceRow
    ) -> None:
        """Works at an occurrence. One with which nothing could be done rests for a moment, so that
        the loop does not turn round it.
        """
        try:
            has_moved = await work(row)
        except StoreUnavailable:
            _log.warning("store_not_reachable", lease=self._lease.name)
            has_moved = False
        if not has_moved:
            await asyncio.sleep(self._rules.busy_seconds)

    def _ended(self, error: BaseException | None) -> None:
        """A task is through: there is a place, and perhaps more to do with what it was at."""
        self._failure = self._failure or error
        self._changed.set()
