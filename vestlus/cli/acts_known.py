"""Whether there is what a command was given: only that is named in the audit of one that failed.

What is not there may be anything, a user's id by mistake. All raise StoreError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.port import Store

#: Whether there is one of that id or name.
Known = Callable[["Store", "Settings", str], Awaitable[bool]]


async def conversation(store: Store, _: Settings, target: str) -> bool:
    """A conversation, by its id."""
    return await store.talk(target) is not None


async def account(store: Store, settings: Settings, target: str) -> bool:
    """An account of the settings, or one that has been given a token."""
    from vestlus.accounts.rows import row_of

    return settings.account(target) is not None or await row_of(store, target) is not None


async def erasure(store: Store, _: Settings, target: str) -> bool:
    """An erasure, by its code."""
    return await store.erasure(target.upper()) is not None


async def schedule(store: Store, _: Settings, target: str) -> bool:
    """A schedule, by its name."""
    return await store.schedule(target) is not None


async def post(store: Store, _: Settings, target: str) -> bool:
    """A post or what becomes one, by its id."""
    return await store.post(target) is not None or await store.occurrence(target) is not None


async def event(_: Store, settings: Settings, target: str) -> bool:
    """An event that some rule is about."""
    return any(rule.event == target for rule in settings.event_rules)


async def image(store: Store, _: Settings, target: str) -> bool:
    """A picture of the bank, by its id."""
    return target in await store.catalogue()


async def letter(store: Store, _: Settings, target: str) -> bool:
    """A dead letter, by its id."""
    return await store.dead_letter(target) is not None
