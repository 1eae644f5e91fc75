"""What was done when: for the report, and for the timeline of a user who was let down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done, or that happened. Times are Unix seconds."""

    at: float
    until: float
    what: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A fault of processes, and how long until newcomers were answered: the slowest of them."""

    kind: str
    at_seconds: float
    outage_seconds: float
    unanswered: int


@dataclass(slots=True)
class Journal:
    """Kept while a run goes on."""

    say: Callable[[str], None]
    began: float = field(default_factory=time.time)
    entries: list[Entry] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    outages: list[Outage] = field(default_factory=list)
    #: What kept the run from its end.
    gave_up: list[str] = field(default_factory=list)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self.began

    def note(self, what: str, *, began: float | None = None, aloud: bool = True) -> None:
        """Something was done, now, or from ``began`` until now."""
        now = time.time()
        self.entries.append(Entry(now if began is None else began, now, what))
        if aloud:
            self.say(f"{now - self.began:7.1f} s  {what}")

    def give_up(self, why: str) -> None:
        """The run cannot go on as planned; its report says so."""
        self.gave_up.append(why)
        self.note(f"gave up: {why.splitlines()[0] if why else 'for no reason'}")

    def around(self, begin: float, end: float) -> list[Entry]:
        """What was done between two moments."""
        return [one for one in self.entries if one.until >= begin and one.at <= end]
