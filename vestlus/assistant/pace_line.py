"""Who waits for one key's rate limit, in which order, and how many at most."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from vestlus.assistant.pace import Call
from vestlus.fairness import FairLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """For whom a call is made.

    ``since``: when the answer was first wanted; ``until``: it does not wait beyond. By the
    monotonic clock, seconds. ``later``: it is no user's answer, and goes when there is room.
    """

    account: str
    since: float
    until: float
    later: bool = False


@dataclass(slots=True, eq=False)
class Waiting:
    """A call that waits. ``goes`` gets the call, or None where there is no room to wait."""

    tokens: float
    asker: Asker
    goes: asyncio.Future[Call | None] = field(repr=False)
    #: False once it was let go, found no room, or gave up.
    waits: bool = True


class PaceLine:
    """Of those who wait, one of each account in turn, and of one account whose answer has been
    wanted for longest; what may come later goes when nobody else waits.

    No more than ``most`` answers wait. Beyond, one that the account with the most of them has
    wanted for the shortest time finds no room, so that no crowd takes the others' room.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._line = FairLine[Waiting]()
        self._later = FairLine[Waiting]()
        #: By account, the answers that wait.
        self._answers = Counter[str]()
        self._waiting = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._waiting

    @property
    def held(self) -> int:
        """How many it has in memory: also some that do not wait any more."""
        return len(self._line) + len(self._later)

    def put(self, waiting: Waiting) -> None:
        """Adds one; whoever finds no room then is told so, which may be itself."""
        asker = waiting.asker
        line = self._later if asker.later else self._line
        line.put(asker.account, waiting, asker.since)
        self._waiting += 1
        if asker.later:
            return
        self._answers[asker.account] += 1
        if self._answers.total() > self._most:
            self._tidy()
            # Of accounts with equally many, the one that came last.
            crowd = max(self._answers, key=lambda one: (self._answers[one], one == asker.account))
            last = self._line.last(crowd)
            self.leave(last)
            if not last.goes.done():  # cancelled just now
                last.goes.set_result(None)

    def first(self) -> Waiting | None:
        """Whose turn it is; it stays. None when nobody waits."""
        for line in (self._line, self._later):
            while line:
                first = line.first()
                if first.waits and not first.goes.done():
                    return first
                line.take()
                self.leave(first)  # where it was cancelled just now
        return None

    def take(self) -> None:
        """Whoever is :meth:`first` waits no more, and its account's turn is over."""
        first = self.first()
        if first is not None:
            (self._later if first.asker.later else self._line).take()
            self.leave(first)

    def leave(self, waiting: Waiting) -> None:
        """It does not wait any more, whatever became of it. Safe to call twice."""
        if not waiting.waits:
            return
        waiting.waits = False
        self._waiting -= 1
        if not waiting.asker.later:
            account = waiting.asker.account
            self._answers[account] -= 1
            if not self._answers[account]:
                del self._answers[account]
        if self.held > 2 * self._waiting + 8:
            self._tidy()

    def _tidy(self) -> None:
        if self.held > self._waiting:
            for line in (self._line, self._later):
                line.keep(lambda one: one.waits)
