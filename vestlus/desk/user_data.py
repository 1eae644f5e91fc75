"""What is held of a user: counted, given out, erased; and what is recorded of erasures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from vestlus.bus.port import Bus
from vestlus.errors import VestlusError
from vestlus.privacy.export import Export
from vestlus.privacy.open import open_privacy
from vestlus.settings import Settings
from vestlus.store.erasing import Erasure, Way
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store
from vestlus.store.preserving import Preservation
from vestlus.store.rows import ConversationRow

#: Of a conversation's id, that somebody types to say that they mean this one.
TYPED: Final = 4

#: The detail of an entry of the audit: the erasure had been recorded before, and nothing was done.
REPEATED: Final = "repeated"


class Hands(Protocol):
    """What whoever sees to users' data works with."""

    @property
    def settings(self) -> Settings:
        """The service's."""
        ...

    @property
    def store(self) -> Store:
        """Raises StoreUnavailable where there is none."""
        ...

    @property
    def bus(self) -> Bus:
        """Raises BusUnavailable where there is none."""
        ...


class NobodyMeant(VestlusError):
    """It is not clear whose data are meant, or nothing is held of them. Its message says so."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a user, without a word of it."""

    conversation: ConversationRow
    #: Rows by table; only tables with something.
    counts: Mapping[str, int]
    mark: Preservation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wishes an erasure, and how. A ``code`` that is recorded already is not done again.

    ``entry`` is what the audit says of whoever wishes it; the erasure itself writes it. Where
    nothing was done, since the code was recorded already (not ``is_new``), whoever asks for it
    writes an entry with the code and ``REPEATED``.
    """

    by: str
    way: Way
    entry: AuditEntry
    even_preserved: bool = False
    code: str = ""


async def conversation_of(hands: Hands, conversation: str) -> ConversationRow:
    """The conversation, without its messages. Raises NobodyMeant."""
    rows = await hands.store.load([conversation], 0)
    if conversation not in rows:
        raise NobodyMeant(
            "there is no such conversation: `vestlus conversations list` shows their ids"
        )
    return rows[conversation]


async def held(hands: Hands, conversation: str) -> Held:
    """What is held of the conversation's user, in numbers. Raises NobodyMeant."""
    row = await conversation_of(hands, conversation)
    counts = await hands.store.user_counts(conversation)
    return Held(row, counts, await hands.store.preservation(conversation))


async def exported(hands: Hands, account: str, user: str) -> bytes:
    """Everything that is held of a user, as JSON in UTF-8. Raises NobodyMeant for nothing,
    SettingsError without VESTLUS_ENCRYPTION_KEY.
    """
    found = await open_privacy(hands.settings, hands.store, hands.bus).export(account, user)
    if found is None:
        raise NobodyMeant("nothing is held of this user")
    # It may be years of writing: others are served meanwhile.
    return await asyncio.to_thread(_written, found)


def _written(found: Export) -> bytes:
    return (json.dumps(found.as_json(), ensure_ascii=False, indent=2) + "\n").encode()


async def erased(hands: Hands, account: str, user: str, wish: Wish) -> Erasure:
    """Erases a user: see :meth:`vestlus.privacy.operations.Privacy.erase`.

    Raises ConversationPreserved, CodeTaken, SettingsError without VESTLUS_ENCRYPTION_KEY.
    """
    privacy = open_privacy(hands.settings, hands.store, hands.bus)
    return await privacy.erase(
        account,
        user,
        by=wish.by,
        way=wish.way,
        code=wish.code,
        even_preserved=wish.even_preserved,
        entry=wish.entry,
    )


async def conversation_erased(hands: Hands, conversation: str, wish: Wish) -> Erasure:
    """As :func:`erased`, of a conversation; what the wish's code has done already is returned,
    although the conversation is gone. Raises NobodyMeant besides.
    """
    try:
        row = await conversation_of(hands, conversation)
    except NobodyMeant:
        if not wish.code:
            raise
        privacy = open_privacy(hands.settings, hands.store, hands.bus)
        done = await privacy.erasure_of(wish.code, conversation)
        if done is None:
            raise
        return done
    return await erased(hands, row.account, row.user, wish)
