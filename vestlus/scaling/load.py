"""How a pool fares, from what each of its actors says of itself."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorLoad:
    """How an actor that serves something fares at one moment."""

    #: The share of time that it works, 0 to 1.
    busy: float = 0.0
    #: How long the oldest of what waits for it has waited, seconds. What waits for anything else
    #: that it knows of (an account's rate, an Instagram that takes nothing) is not counted.
    backlog_seconds: float = 0.0
    #: How much of what it may hold at a time it holds, 0 to 1. Most of it waits for a model: it
    #: calls for nobody, and keeps who holds it.
    full: float = 0.0
    #: How many partitions it serves. One cannot be divided: nobody takes anything from it.
    partitions: int


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """How a pool fares at one moment: its actors that answer and serve."""

    actors: tuple[ActorLoad, ...] = ()

    @property
    def serving(self) -> int:
        """How many they are."""
        return len(self.actors)

    @property
    def busy(self) -> float:
        """How busy they are, in the mean."""
        return sum(one.busy for one in self.actors) / max(1, len(self.actors))

    @property
    def full(self) -> float:
        """How much of what they may hold they hold, in the mean."""
        return sum(one.full for one in self.actors) / max(1, len(self.actors))

    @property
    def backlog_seconds(self) -> float:
        """How long the oldest of what waits for any of them has waited, seconds."""
        return max((one.backlog_seconds for one in self.actors), default=0.0)

    @property
    def divisible(self) -> tuple[ActorLoad, ...]:
        """Those that one more actor could take something from."""
        return tuple(one for one in self.actors if one.partitions > 1)

    @property
    def busiest_with_one_less(self) -> float:
        """How busy the busiest would be at worst if another handed its partitions to those that
        are left: it gets as many as fall to each of them, and each is as busy as all of it.
        """
        if len(self.actors) < 2:  # noqa: PLR2004 - nobody would be left
            return 0.0
        first, second = sorted(self.actors, key=lambda one: -one.busy)[:2]
        handed = math.ceil(second.partitions / (len(self.actors) - 1))
        return first.busy + second.busy * min(1.0, handed / second.partitions)
