"""The desk with what it works on."""

from __future__ import annotations

from image_bank.catalogue import may_post
from image_bank.keeping import read_catalogue
from image_bank.links import local_day
from vestlus.clock import Clock
from vestlus.planning.desk import Ring, ScheduleDesk
from vestlus.scheduling.recipe import Recipe
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.port import Store


def open_desk(store: Store, settings: Settings, clock: Clock, ring: Ring) -> ScheduleDesk:
    """The desk of a store."""

    async def check(recipe: Recipe) -> list[str]:
        owner = settings.account(recipe.account) or Account(id=recipe.account)
        today = local_day(owner, clock())
        pictures = (await read_catalogue(store)).pictures
        return [
            f"{one}: is not a picture for posts of this account: `vestlus images list`"
            for one in recipe.pictures
            if one not in pictures or not may_post(pictures[one], owner.id, today)
        ]

    return ScheduleDesk(store=store, settings=settings, check=check, ring=ring, clock=clock)
