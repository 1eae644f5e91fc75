"""How long each thing is kept. Plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, LONGEST_REDELIVERY_MS
from vestlus.store.pruning import Remains

DAY_MS: Final = 24 * 60 * 60 * 1000

#: A person may answer for seven days, and until then an answer that was silenced asks its events
#: again; Meta redelivers for 36 hours. In whole days.
LEAST_DAYS: Final = -(-(HUMAN_AGENT_WINDOW_MS + LONGEST_REDELIVERY_MS) // DAY_MS)

#: Times of a schedule are made up for, and events' posts are delayed, for 30 days at most; until
#: then their keys tell that they were.
LEAST_POST_DAYS: Final = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Days, each from when the thing was over."""

    messages: int = 90
    media: int = 14
    events: int = 14
    sends: int = 30
    dead_letters: int = 90
    posts: int = 400
    audit: int = 730

    @property
    def days(self) -> Mapping[Remains, int]:
        """For each kind, in the order in which it goes.

        Summaries tell of messages, and go with them. Events that hold media go no later than
        all others.
        """
        return {
            Remains.MEDIA: min(self.media, self.events),
            Remains.EVENTS: self.events,
            Remains.SENDS: self.sends,
            Remains.MESSAGES: self.messages,
            Remains.SUMMARIES: self.messages,
            Remains.LETTERS: self.dead_letters,
            Remains.OCCURRENCES: self.posts,
            Remains.POSTS: self.posts,
            Remains.AUDIT: self.audit,
        }
