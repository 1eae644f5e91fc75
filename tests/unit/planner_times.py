"""What tests of the scheduler's loop share: virtual time, its hours, and an event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.fakes.clock import START_MS, run_virtual, virtual_ms
from tests.fakes.planning import OWNER, PlanPlace
from vestlus.scheduling.recipe import Recipe
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import NewOccurrence, Trigger

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
#: The first full hour of virtual time.
FIRST_MS = START_MS - START_MS % HOUR_MS + HOUR_MS

PLANNED, READY, HANDED = OccurrenceState.PLANNED, OccurrenceState.READY, OccurrenceState.HANDED
SKIPPED, FAILED = OccurrenceState.SKIPPED, OccurrenceState.FAILED
WAITING, LAPSED = OccurrenceState.WAITING, OccurrenceState.LAPSED


def in_virtual_time(test: Callable[[PlanPlace], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def main() -> None:
            await test(PlanPlace())

        run_virtual(main(), longest=7 * 24 * 3600)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def event(name: str = "reegel", due_ms: int = 0, recipe: Recipe | None = None) -> NewOccurrence:
    return NewOccurrence(
        id=f"event of {name}",
        key=f"event:1:{name}",
        trigger=Trigger.EVENT,
        name=name,
        account=OWNER.id,
        recipe=recipe or Recipe(account=OWNER.id, pictures=("saal",)),
        due_ms=due_ms or virtual_ms(),
        wake_ms=virtual_ms(),
    )
