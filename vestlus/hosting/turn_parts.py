"""What turns are given by their host: policies, and whom they tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from vestlus.conversation.turn import BurstPolicy, FailurePolicy, RestartPolicy
from vestlus.hosting.composing import PutOff
from vestlus.store.rows import ConversationRow


@dataclass(frozen=True, slots=True)
class TurnPolicies:
    """How turns behave."""

    burst: BurstPolicy = field(default_factory=BurstPolicy)
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    failure: FailurePolicy = field(default_factory=FailurePolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A person is wanted for a conversation. ``note`` says what that person should know.

    ``event`` is another word where a person is wanted for something else, of no conversation then.
    """

    account: str
    conversation: str
    note: str
    at_ms: int
    event: str = "handed_over"


#: Webhooks of these accounts may have been lost, by this sign.
SuspectGap = Callable[[Collection[str], str], None]


#: Erases a user of an account, however long the store is away, and tells them with these words,
#: which are sent before this time, milliseconds since 1970. Where it may not, nothing is erased and
#: nobody told, and it says what is recorded for a person.
Eraser = Callable[[str, str, str, int], Awaitable[PutOff | None]]


class Loader(Protocol):
    """Reads one conversation, together with others that are asked for at the same time."""

    async def __call__(self, conversation: str, /) -> ConversationRow | None:
        """``None`` when there is no such conversation."""
        ...
