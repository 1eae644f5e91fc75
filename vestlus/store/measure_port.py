"""What the store keeps of measures. A part of :class:`vestlus.store.port.Store`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from vestlus.store.measure_rows import Heard, MinuteRow, OpenWork, Told


class Minutes(Protocol):
    """What happened, by minute and account."""

    async def add_minutes(self, rows: Sequence[MinuteRow]) -> None:
        """Adds numbers to those of their minutes and accounts; of backlogs the larger one stays.

        Whoever repeats it after StoreUnavailable may count twice: the connection may have broken
        after the commit.
        """
        ...

    async def minutes(
        self, since_ms: int, until_ms: int, *, account: str | None = None
    ) -> tuple[MinuteRow, ...]:
        """The minutes that began at or after ``since_ms`` and before ``until_ms``, of one account
        or of all, by minute and account. Minutes in which nothing happened have no row.
        """
        ...

    async def note_backlogs(self, minute_ms: int) -> None:
        """Notes for this minute how many messages of each account are unanswered now."""
        ...

    async def forget_minutes(self, before_ms: int) -> int:
        """Takes away the minutes that began before that; how many rows."""
        ...


class ProcessMeasures(Protocol):
    """What each process tells of its own measures."""

    async def tell_measures(self, told: Told) -> None:
        """Writes what a process measured, in place of what it told before, and of what earlier
        processes of its name told.
        """
        ...

    async def measures(self, within_seconds: float) -> tuple[Heard, ...]:
        """What processes told within that time, by the database's clock, by process."""
        ...

    async def withdraw_measures(self, process: str) -> None:
        """Takes away what a process told, because it ends."""
        ...

    async def forget_measures(self, after_seconds: float) -> int:
        """Takes away what was told longer ago than that; of how many processes."""
        ...


class PostsOfDay(Protocol):
    """How much of what Instagram allows accounts in a day is used up."""

    async def posts_since(self, accounts: Collection[str], since_ms: int) -> Mapping[str, int]:
        """How many posts of each account that are out, or may be, were tried after that time; only
        accounts with some. Found by an index.
        """
        ...


class Backlogs(Protocol):
    """What is not done yet."""

    async def open_work(self, *, account: str | None = None) -> OpenWork:
        """Of one account or of all; a dead letter that names no account is counted among all only.

        Found by indexes of what is not done: it costs no more the more is kept. Only posts and
        occurrences, of which there are few, are all counted.
        """
        ...
