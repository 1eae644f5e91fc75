"""Whether there is what a command was given: only that is named in the audit of one that failed.

What is not there may be anything, a user's id by mistake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.port import Store


class Of(StrEnum):
    """What a command's target is."""

    CONVERSATION = "conversation"
    ACCOUNT = "account"
    ERASURE = "erasure"
    SCHEDULE = "schedule"
    POST = "post"
    EVENT = "event"
    IMAGE = "image"
    LETTER = "letter"


async def is_known(store: Store, settings: Settings, of: Of, target: str) -> bool:
    """Whether there is one of that id or name. Raises StoreError."""
    return await _LOOKS[of](store, settings, target)


async def _conversation(store: Store, _: Settings, target: str) -> bool:
    return await store.talk(target) is not None


async def _account(store: Store, settings: Settings, target: str) -> bool:
    if settings.account(target) is not None:
        return True
    return any(row.account == target for row in await store.tokens())


async def _erasure(store: Store, _: Settings, target: str) -> bool:
    return await store.erasure(target.upper()) is not None


async def _schedule(store: Store, _: Settings, target: str) -> bool:
    return await store.schedule(target) is not None


async def _post(store: Store, _: Settings, target: str) -> bool:
    return await store.post(target) is not None or await store.occurrence(target) is not None


async def _event(_: Store, settings: Settings, target: str) -> bool:
    return any(rule.event == target for rule in settings.event_rules)


async def _image(store: Store, _: Settings, target: str) -> bool:
    return target in await store.catalogue()


async def _letter(store: Store, _: Settings, target: str) -> bool:
    return await store.dead_letter(target) is not None


_LOOKS: Final[dict[Of, Callable[[Store, Settings, str], Awaitable[bool]]]] = {
    Of.CONVERSATION: _conversation,
    Of.ACCOUNT: _account,
    Of.ERASURE: _erasure,
    Of.SCHEDULE: _schedule,
    Of.POST: _post,
    Of.EVENT: _event,
    Of.IMAGE: _image,
    Of.LETTER: _letter,
}
