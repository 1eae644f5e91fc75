"""The desk with what it works on."""

from __future__ import annotations

from image_bank.keeping import read_catalogue
from vestlus.clock import Clock
from vestlus.planning.desk import Ring, ScheduleDesk
from vestlus.planning.plan_checks import problems_of_schedule
from vestlus.scheduling.recipe import Recipe
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.port import Store


def open_desk(store: Store, settings: Settings, clock: Clock, ring: Ring) -> ScheduleDesk:
    """The desk of a store."""

    async def check(recipe: Recipe, owner: Account, due_ms: int) -> list[str]:
        pictures = (await read_catalogue(store)).pictures
        return problems_of_schedule(recipe, owner, pictures, due_ms=due_ms, now_ms=clock())

    return ScheduleDesk(store=store, settings=settings, check=check, ring=ring, clock=clock)
