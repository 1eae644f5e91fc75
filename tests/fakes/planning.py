"""A planner between plans in memory and a drafter that does as it is told, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.clock import virtual_monotonic, virtual_ms
from tests.fakes.store_plans import MemoryPlans
from vestlus.planning.definitions import row_of
from vestlus.planning.planner import Planner
from vestlus.planning.ports import Drafted, Impossible, NotNow
from vestlus.planning.rules import PlannerRules
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.names import SCHEDULER
from vestlus.store.plan_rows import Draft, Keeper, OccurrenceRow, ScheduleRow
from vestlus.store.post_rows import PostPicture
from vestlus.store.rows import Lease

OWNER = Account(id="17841400000000001", timezone="UTC")
DRAFT = Draft(caption="Tere!", pictures=(PostPicture("saal"),), ai_generated=False)


def schedule(name: str = "tund", cron: str = "0 * * * *", **fields: Any) -> Schedule:  # noqa: ANN401
    """Return a schedule of every hour."""
    return Schedule.model_validate({"name": name, "cron": cron, "pictures": ["saal"]} | fields)


@dataclass
class PretendDrafter:
    """Takes its time, and says what it is told for a plan's name; else that all is well."""

    seconds: float = 0.01
    needs_yes: bool = False
    results: dict[str, list[NotNow | Impossible | Exception]] = field(default_factory=dict)
    objections: dict[str, Impossible | Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def draft(self, occurrence: OccurrenceRow, now_ms: int) -> Drafted | NotNow | Impossible:
        """See the port."""
        del now_ms
        self.calls.append(occurrence.name)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        told = self.results.get(occurrence.name)
        if not told:
            return Drafted(DRAFT, self.needs_yes)
        result = told.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def check(self, occurrence: OccurrenceRow, now_ms: int) -> Impossible | None:
        """See the port."""
        del now_ms
        objection = self.objections.get(occurrence.name)
        if isinstance(objection, Exception):
            raise objection
        return objection


@dataclass
class PlanPlace:
    """Everything that a planner needs, and what outlives it."""

    store: MemoryPlans = field(default_factory=MemoryPlans)
    drafter: PretendDrafter = field(default_factory=PretendDrafter)
    file: list[Schedule] = field(default_factory=list)
    rules: PlannerRules = field(default_factory=PlannerRules)
    steps: Counter[str] = field(default_factory=Counter)
    clock: Callable[[], int] = virtual_ms

    def kept(self, now_ms: int) -> Sequence[ScheduleRow]:
        """Return the file's schedules."""
        return [row_of(one, OWNER, Keeper.FILE, now_ms) for one in self.file]

    def planner(self) -> Planner:
        """Return a planner that does not run yet, whose lease voids the one before."""
        return Planner(
            lease=self.store.take_over(Lease(SCHEDULER, self.store.epoch + 1)),
            store=self.store,
            drafter=self.drafter,
            kept=self.kept,
            clock=self.clock,
            monotonic=virtual_monotonic,
            rules=self.rules,
            steps=self.steps,
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Planner]:
        """Run a planner; what it fails of is raised. Leaving kills it."""
        planner = self.planner()
        task = asyncio.create_task(planner.run())
        try:
            yield planner
        finally:
            if task.done():
                await task
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until_ms(moment: int) -> None:
    """Wait until that moment of the virtual clock."""
    await asyncio.sleep(max(0, moment - virtual_ms()) / 1000)
