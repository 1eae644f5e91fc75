"""How far one look for missed messages has come."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vestlus.instagram.port import Thread


@dataclass(slots=True)
class Run:
    """One look under way. Times are milliseconds since 1970."""

    since_ms: int
    began_ms: int
    #: Pages of conversations are still to be listed, from this cursor on.
    listing: bool = True
    after: str | None = None
    #: Pages that showed nothing new.
    repeats: int = 0
    found: dict[str, Thread] | None = None
    #: Conversations to be read, the longest unread first, and how often each failed.
    threads: deque[tuple[Thread, int]] | None = None
    taken_in: int = 0
    stale: int = 0
    too_fresh: bool = False
    complete: bool = True
