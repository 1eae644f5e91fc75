"""Works at one occurrence: has its draft made, or hands it over. Each step is a transaction."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

import structlog

from vestlus import tracing
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.log_errors import place_of
from vestlus.measuring.catalogue import OCCURRENCE_LATENESS, OCCURRENCE_STEPS, of
from vestlus.planning.claiming import Plan
from vestlus.planning.definitions import Unreadable, read_definition
from vestlus.planning.ports import Drafted, Drafter, Impossible, NotNow
from vestlus.planning.rules import PlannerRules
from vestlus.planning.settling import (
    Ending,
    drafted,
    ended,
    ending_of,
    handed,
    missed_ending,
    passed_in_pause,
    pause_ending,
    was_missed,
)
from vestlus.planning.watch import Attendance
from vestlus.scheduling.missed import MissedRule
from vestlus.store.occurrences import OPEN, OccurrenceState
from vestlus.store.plan_port import Occurrences, Schedules
from vestlus.store.plan_rows import OccurrenceRow, OccurrenceStep, Trigger
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)

#: Of a schedule's latest open or handed ones, so many are looked at for one that is due: at most
#: thirty are claimed ahead of their time.
_LATEST = 50


class PlannerStore(Schedules, Occurrences, Protocol):
    """What the scheduler needs of the store."""


class Bench:
    """Makes the steps of occurrences under the scheduler's lease.

    Cancelling it leaves the occurrence as it was, or with the step made: a kill is no worse. What
    it is at is tried again by whoever looks next.
    """

    def __init__(
        self,
        *,
        store: PlannerStore,
        lease: Lease,
        drafter: Drafter,
        clock: Clock,
        rules: PlannerRules,
        attendance: Attendance,
        steps: Counter[str],
    ) -> None:
        self._store = store
        self._lease = lease
        self._drafter = drafter
        self._clock = clock
        self._rules = rules
        self._attendance = attendance
        self._steps = steps

    async def draft(self, row: OccurrenceRow) -> bool:
        """Has the draft of a PLANNED one made; whether a step was made. Raises LeaseLost,
        StoreUnavailable.
        """
        now_ms = self._clock()
        if (ending := await self._ending(row, now_ms)) is not None:
            return await self._step(ended(row, ending, now_ms))
        result = await self._drafted(row)
        # What the model wrote is not thrown away because the store is away for a moment.
        step = drafted(row, result, self._clock(), self._rules)
        return await until_available(lambda: self._step(step))

    async def settle(self, row: OccurrenceRow) -> bool:
        """Hands a READY one over, or ends it, or a WAITING one; whether a step was made. Raises
        LeaseLost, StoreUnavailable.
        """
        now_ms = self._clock()
        ending = await self._ending(row, now_ms)
        if ending is None and row.state is OccurrenceState.READY:
            problem = await self._checked(row)
            now_ms = self._clock()
            if problem is None:
                return await self._step(handed(row, now_ms))
            ending = Ending(OccurrenceState.FAILED, problem.reason, problem.problem)
        return ending is not None and await self._step(ended(row, ending, now_ms))

    async def _ending(self, row: OccurrenceRow, now_ms: int) -> Ending | None:
        return ending_of(row, now_ms) or await self._ending_by_schedule(row, now_ms)

    async def _ending_by_schedule(self, row: OccurrenceRow, now_ms: int) -> Ending | None:
        if row.trigger is not Trigger.SCHEDULE or now_ms < row.due_ms:
            return None
        schedule = await self._store.schedule(row.name)
        if schedule is None:
            return None
        if passed_in_pause(row, schedule):
            return pause_ending()
        if not was_missed(row, self._attendance.since_ms):
            return None
        plan = read_definition(schedule)
        if isinstance(plan, Unreadable):
            return None
        return missed_ending(row, plan, now_ms, newer=await self._has_newer(row, plan, now_ms))

    async def _has_newer(self, row: OccurrenceRow, plan: Plan, now_ms: int) -> bool:
        if plan.missed is not MissedRule.LATEST:
            return False
        latest = await self._store.occurrences(
            name=row.name, states=OPEN | {OccurrenceState.HANDED}, limit=_LATEST
        )
        return any(
            one.trigger is row.trigger and row.due_ms < one.due_ms <= now_ms for one in latest
        )

    async def _drafted(self, row: OccurrenceRow) -> Drafted | NotNow | Impossible:
        try:
            async with asyncio.timeout(self._rules.draft_seconds):
                with tracing.continued("draft", row.traceparent) as span:
                    span.note(account=row.account)
                    return await self._drafter.draft(row, self._clock())
        except TimeoutError:
            return NotNow(
                "timeout", "making its draft took too long: see whether the model answers"
            )
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as defect:  # noqa: BLE001 - one draft must not stop the others
            _log.error("draft_failed_unexpectedly", place=place_of(defect), plan=row.name)
            return NotNow("defect", "making its draft failed of a defect: see the log")

    async def _checked(self, row: OccurrenceRow) -> Impossible | None:
        try:
            return await self._drafter.check(row, self._clock())
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as defect:  # noqa: BLE001 - as above
            _log.error("check_failed_unexpectedly", place=place_of(defect), plan=row.name)
            return Impossible("defect", "looking at its draft failed of a defect: see the log")

    async def _step(self, step: OccurrenceStep) -> bool:
        """Makes a step. One that is stale is left: what changed meanwhile is looked at next."""
        if not await self._store.occurrence_step(self._lease, step):
            return False
        self._steps[f"{step.of.state}/{step.after}"] += 1
        of(OCCURRENCE_STEPS, step.after).inc()
        if step.after is OccurrenceState.HANDED:
            OCCURRENCE_LATENESS.observe(max(0, step.at_ms - step.of.due_ms) / 1000)
        _log.info(
            "occurrence_step",
            occurrence=step.of.id,
            plan=step.of.name,
            state=str(step.after),
            reason=step.reason,
        )
        return True
