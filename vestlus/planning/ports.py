"""What the scheduler's service needs of whoever makes drafts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vestlus.store.plan_rows import Draft, OccurrenceRow


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft that can be posted as far as can be known, and whether a person must say yes."""

    draft: Draft
    needs_yes: bool


@dataclass(frozen=True, slots=True)
class NotNow:
    """No draft could be made this time: to be tried again. ``reason`` is a stable word."""

    reason: str
    #: What to mend if it goes on, in a sentence.
    problem: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """No draft can be made until somebody mends something; ``problem`` says what."""

    reason: str
    problem: str


class Drafter(Protocol):
    """Makes captions and chooses pictures."""

    async def draft(self, occurrence: OccurrenceRow, now_ms: int) -> Drafted | NotNow | Impossible:
        """What the occurrence's recipe comes to. Cancellable. Raises StoreUnavailable."""
        ...

    async def check(self, occurrence: OccurrenceRow, now_ms: int) -> Impossible | None:
        """Whether the occurrence's draft can still be posted now: its pictures are in the bank
        and valid, its caption fits. Raises StoreUnavailable.
        """
        ...
