"""Conversations that a look for missed messages went on without. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from publishers.missed_run import Unread

#: For how long the looks after the one that went on without a conversation try it again.
TRIED_AGAIN_MS: Final = 60 * 60 * 1000
#: So many at a time.
MOST: Final = 100


class LeftOut:
    """What Instagram refused to show, and the next looks try again, as far back as the first."""

    def __init__(self) -> None:
        self._found: dict[str, Unread] = {}

    def __call__(self) -> Mapping[str, Unread]:
        """What is to be tried again, by the conversation's id."""
        return dict(self._found)

    def add(self, one: Unread, now_ms: int) -> bool:
        """A look goes on without it; whether it is the first that does."""
        first = not one.left_ms
        left = replace(one, left_ms=now_ms) if first else one
        self.read(one)
        if now_ms - left.left_ms < TRIED_AGAIN_MS and len(self._found) < MOST:
            self._found[one.thread.id] = left
        return first

    def read(self, one: Unread) -> None:
        """It could be read."""
        self._found.pop(one.thread.id, None)
