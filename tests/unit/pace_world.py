"""A provider with rate limits and several processes that call it, in virtual time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from vestlus.assistant.pace import Call, Pace
from vestlus.assistant.ratelimits import Budget, RateLimits


@dataclass(slots=True)
class Bucket:
    """A limit of a minute that is refilled steadily, as OpenAI's."""

    limit: float
    level: float = -1.0
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.limit

    def take(self, now: float, weight: float) -> bool:
        """Whether there was enough."""
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / 60)
        self.at = now
        if self.level < weight:
            return False
        self.level -= weight
        return True

    def said(self, _now: float) -> Budget:
        """What the headers say now."""
        return Budget(int(self.level), self.limit, (self.limit - self.level) * 60 / self.limit)


@dataclass(slots=True)
class Window:
    """A limit of each minute by the clock, as that of simple proxies."""

    limit: float
    used: float = 0.0
    minute: int = 0

    def take(self, now: float, weight: float) -> bool:
        """Whether there was enough."""
        if int(now // 60) != self.minute:
            self.minute, self.used = int(now // 60), 0.0
        if self.used + weight > self.limit:
            return False
        self.used += weight
        return True

    def said(self, now: float) -> Budget:
        """What the headers say now."""
        return Budget(self.limit - self.used, self.limit, 60 - now % 60)


@dataclass(frozen=True, slots=True)
class Said:
    """What the provider said to a call."""

    taken: bool
    told: Budget | None


@dataclass(slots=True)
class Process:
    """One of those who share the key: calls that wait, and its pace."""

    pace: Pace
    line: deque[float] = field(default_factory=deque)
    #: When its first waiting call is looked at again, to tell old looks from new.
    look: int = 0


class World:
    """Runs until everybody's calls are answered. Times of what happened are kept."""

    def __init__(
        self,
        provider: Bucket | Window,
        processes: int,
        *,
        latency: tuple[float, float] = (0.05, 2.0),
        weight: float = 1.0,
        tokens: bool = False,
        silent: bool = False,
        seed: int = 0,
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - reproducible
        self.provider = provider
        self.now = 0.0
        self.weight = weight
        self.tokens = tokens
        self.silent = silent
        self.latency = latency
        self.processes = [
            Process(Pace(Random(seed + each)))  # noqa: S311 - reproducible
            for each in range(processes)
        ]
        self.sent: list[tuple[float, int]] = []
        self.refused: list[float] = []
        self.answered: list[float] = []
        self.waits: list[float] = []
        self._events: list[tuple[float, int, str, tuple[object, ...]]] = []
        self._count = 0

    def at(self, when: float, kind: str, *what: object) -> None:
        """Something will happen."""
        self._count += 1
        heappush(self._events, (when, self._count, kind, what))

    def asks(self, when: float, process: int) -> None:
        """A process has a call to make."""
        self.at(when, "ask", process)

    def run(self, until: float = float("inf")) -> None:
        """Lets happen what there is."""
        while self._events and self._events[0][0] <= until:
            self.now, _, kind, what = heappop(self._events)
            getattr(self, f"_{kind}")(*what)

    def _ask(self, index: int) -> None:
        process = self.processes[index]
        process.line.append(self.now)
        if len(process.line) == 1:
            self._pump(index, waited=False)

    def _look(self, index: int, look: int) -> None:
        if self.processes[index].look == look:
            self._pump(index, waited=True)

    def _pump(self, index: int, *, waited: bool) -> None:
        process = self.processes[index]
        process.look += 1
        while process.line:
            share = 1 / len(self.processes)
            wait = process.pace.wait(self.now, self.weight, share, waited=waited)
            if wait > 0:
                self.at(self.now + max(wait, 1e-3), "look", index, process.look)
                return
            self.waits.append(self.now - process.line.popleft())
            call = process.pace.sent(self.now, self.weight)
            self.sent.append((self.now, index))
            taken = self.provider.take(self.now, self.weight)
            told = None if self.silent else self.provider.said(self.now)
            said = Said(taken, told)
            low, high = self.latency
            took = self.random.uniform(low, high) if taken else 0.02
            self.at(self.now + took, "answer", index, call, said)
            waited = True

    def _answer(self, index: int, call: Call, said: Said) -> None:
        pace, taken = self.processes[index].pace, said.taken
        limits = RateLimits(tokens=said.told) if self.tokens else RateLimits(requests=said.told)
        pace.heard(call, self.now, limits, refused=not taken, retry_after=None if taken else 1.0)
        pace.done()
        if taken:
            self.answered.append(self.now)
        else:
            self.refused.append(self.now)
            self.processes[index].line.appendleft(self.now)
        self._pump(index, waited=True)
