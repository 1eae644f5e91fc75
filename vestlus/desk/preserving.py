"""Conversations marked so that nothing of them goes, and let go again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Protocol

from vestlus.errors import VestlusError
from vestlus.store.port import Store

#: Characters. A reason says why, and not what was said.
LONGEST_REASON: Final = 500


class Problem(StrEnum):
    """Why nothing was marked or released: a stable word."""

    REASON = "reason"
    NO_DAY = "no_day"
    OVER = "over"
    UNKNOWN = "no_such_conversation"


#: What is to be mended.
WHY: Final[Mapping[Problem, str]] = {
    Problem.REASON: f"reason: must say why, in at most {LONGEST_REASON} characters",
    Problem.NO_DAY: "until: must be a day, such as 2027-05-31",
    Problem.OVER: "until: is over already",
    Problem.UNKNOWN: "there is no such conversation",
}


class PreserveRefused(VestlusError):
    """Nothing was marked or released."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return WHY[self.problem]


class Hands(Protocol):
    """What whoever marks works with."""

    @property
    def store(self) -> Store:
        """Raises StoreUnavailable where there is none."""
        ...


async def preserve(hands: Hands, conversation: str, *, reason: str, last_day: str, by: str) -> None:
    """Marks a conversation, to the end of a day, UTC, or until it is released where that is empty.
    Raises PreserveRefused.
    """
    why = reason.strip()
    if not why or len(why) > LONGEST_REASON:
        raise PreserveRefused(Problem.REASON)
    until_ms = ends_ms(last_day, await hands.store.now_ms()) if last_day else 0
    if not await hands.store.preserve(conversation, reason=why, by=by, until_ms=until_ms):
        raise PreserveRefused(Problem.UNKNOWN)


async def release(hands: Hands, conversation: str) -> None:
    """Takes the mark away. Raises PreserveRefused."""
    if not await hands.store.release_conversation(conversation):
        raise PreserveRefused(Problem.UNKNOWN)


def ends_ms(last_day: str, now_ms: int) -> int:
    """The end of that day, UTC, in milliseconds. Raises PreserveRefused."""
    try:
        day = date.fromisoformat(last_day)
        end = datetime.combine(day + timedelta(days=1), time.min, UTC)
    except (ValueError, OverflowError):
        raise PreserveRefused(Problem.NO_DAY) from None
    at_ms = round(end.timestamp() * 1000)
    if at_ms <= now_ms:
        raise PreserveRefused(Problem.OVER)
    return at_ms
