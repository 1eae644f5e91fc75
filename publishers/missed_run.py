"""How far one look for missed messages has come. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from vestlus.instagram.port import Thread, ThreadPage

#: How often one conversation is tried before the look goes on without it.
TRIES = 5

#: Pages without anything new before a listing counts as broken.
_MOST_REPEATS = 10


@dataclass(slots=True)
class Unread:
    """A conversation that is to be read."""

    thread: Thread
    #: What was written since then, milliseconds since 1970, is looked at.
    since_ms: int
    #: When a look first went on without it, 0 for never.
    left_ms: int = 0
    #: Tries that failed, and those of them that Instagram refused.
    failures: int = 0
    refusals: int = 0


@dataclass(slots=True)
class Run:
    """One look under way. Times are milliseconds since 1970."""

    since_ms: int
    began_ms: int
    #: Conversations that earlier looks went on without, by id: they are read whether they are
    #: listed or not.
    left_out: Mapping[str, Unread] = field(default_factory=dict)
    #: Pages of conversations are still to be listed, from this cursor on.
    listing: bool = True
    after: str | None = None
    #: Pages that showed nothing new.
    repeats: int = 0
    found: dict[str, Thread] = field(default_factory=dict)
    #: Conversations to be read, the longest unread first.
    unread: deque[Unread] = field(default_factory=deque)
    taken_in: int = 0
    stale: int = 0
    too_fresh: bool = False
    complete: bool = True

    @property
    def round(self) -> int:
        """How often the conversation that is next was tried."""
        return self.unread[0].failures if self.unread else 0

    def listed(self, page: ThreadPage) -> None:
        """Takes in a page of the conversations, newest first."""
        new = [one for one in page.threads if one.updated_ms + 999 >= self.since_ms]
        # Others that move up push these down: a page may show what the one before it did.
        if all(one.id in self.found for one in new):
            self.repeats += 1
        # What moves up while the pages are read is listed twice; the older time is as good.
        for one in new:
            self.found.setdefault(one.id, one)
        self.after = page.after
        self.listing = page.after is not None and len(new) == len(page.threads)
        if self.listing and self.repeats > _MOST_REPEATS:
            # A cursor that leads round in a circle must not be followed for ever.
            self.listing = self.complete = False
        if not self.listing:
            earlier = {id_: one.thread for id_, one in self.left_out.items()}
            threads = {**earlier, **self.found}.values()
            oldest_first = sorted(threads, key=lambda thread: thread.updated_ms)
            self.unread = deque(map(self._to_read, oldest_first))

    def _to_read(self, thread: Thread) -> Unread:
        before = self.left_out.get(thread.id)
        if before is None:
            return Unread(thread, self.since_ms)
        return Unread(thread, min(self.since_ms, before.since_ms), before.left_ms)

    def put_back(self, *, refused: bool) -> Unread | None:
        """The first conversation could not be read: the others come first, then it is tried again,
        five times in all. Returns it if it is left out because Instagram refused each of them.

        Refusals may pass by themselves, a proxy's do; five of them end this look's tries, so that
        a conversation that is gone does not keep the look from being complete, and the time up to
        which all is known from moving on. What fails otherwise is no answer: then it is incomplete.
        """
        one = self.unread.popleft()
        one.failures += 1
        one.refusals += refused
        if one.failures < TRIES:
            self.unread.append(one)
            return None
        if one.refusals == one.failures:
            return one
        self.complete = False
        return None
