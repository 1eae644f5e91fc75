"""One user's part of a dead letter that belongs to no conversation: a delivery of many users'."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pydantic import TypeAdapter

from vestlus.conversation.events import Event
from vestlus.errors import UndecodableMessage
from vestlus.messages import InboxMessage, decode_inbox, encode

_EVENT: Final = TypeAdapter(Event)


@dataclass(frozen=True, slots=True)
class Kept:
    """Whose rows."""

    account: str
    user: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The body of a letter, taken apart. Empty is what has no event in it."""

    #: What is the user's: nobody else is in it.
    mine: bytes
    #: The same delivery without the user.
    others: bytes


def naming(user: str) -> re.Pattern[bytes]:
    """Finds a user's id, whole, in bytes of any kind."""
    return re.compile(rb"(?<![0-9A-Za-z_-])" + re.escape(user.encode()) + rb"(?![\w-])")


def parts_of(body: bytes, whose: Kept) -> Parts | None:
    """The user's events and those of the others; ``None`` for what is no delivery of events.

    An event of which Meta names nobody is the user's where their id stands in it.
    """
    try:
        message = decode_inbox(body)
    except UndecodableMessage:
        return None
    stands_in = naming(whose.user).search

    def is_mine(event: Event) -> bool:
        if event.user is None:
            return stands_in(_EVENT.dump_json(event)) is not None
        return (event.account, event.user) == (whose.account, whose.user)

    mine = replace(_chosen(message, is_mine), forget=())
    others = _chosen(message, lambda event: not is_mine(event))
    return Parts(*(encode(one) if one.events else b"" for one in (mine, others)))


def _chosen(message: InboxMessage, which: Callable[[Event], bool]) -> InboxMessage:
    return replace(message, events=tuple(filter(which, message.events)))
