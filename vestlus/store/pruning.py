"""What may go from the store when it is old, and the port that takes it away.

The rules are :func:`event_may_go` and its like, plain; the SQL adapters say the same in SQL, and a
property test holds the two together.

What goes is over and old by the database's clock. Whatever its age, nothing goes that is

- unanswered or not told yet (events ``pending``, ``undetermined``),
- a draft, to be sent, being sent, or of an unknown outcome (sends, posts),
- a dead letter that nobody has seen to, and the event that a replay of it would ask again,
- of a conversation that waits for a person or is preserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from vestlus.store.ledger import SendState
from vestlus.store.occurrences import OPEN, OccurrenceState
from vestlus.store.posts import ENDED, PostState
from vestlus.store.rows import EventState, LetterState


class Remains(StrEnum):
    """What is pruned, each with its own time."""

    #: Recorded events: Meta's words, and the keys by which a redelivery is known.
    EVENTS = "events"
    #: Those of them that hold links to users' pictures, where these go sooner.
    MEDIA = "media"
    #: The ledger's rows.
    SENDS = "sends"
    #: Histories.
    MESSAGES = "messages"
    #: Summaries and notes of conversations in which nothing was said since.
    SUMMARIES = "summaries"
    LETTERS = "dead_letters"
    POSTS = "posts"
    OCCURRENCES = "occurrences"
    #: What people did, as it is noted for whoever has to answer for it.
    AUDIT = "audit"


GOING_EVENTS: Final = frozenset({EventState.ANSWERED, EventState.NOTED, EventState.DEAD})
GOING_SENDS: Final = frozenset({SendState.SENT, SendState.DEAD, SendState.CANCELLED})
GOING_LETTERS: Final = frozenset({LetterState.REPLAYED, LetterState.DISCARDED})
GOING_POSTS: Final = ENDED - {PostState.UNKNOWN}
GOING_OCCURRENCES: Final = frozenset(OccurrenceState) - OPEN

#: 2020-01-01. Instagram had no messaging API then: an older message has a wrong time, as the test
#: events of Meta's app dashboard do. It goes when its user has been silent for as long.
PLAUSIBLE_MS: Final = 1_577_836_800_000

#: A message later than now by more than a day has a wrong time too, and goes alike. Clocks differ
#: by less.
AHEAD_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Hold:
    """What of a conversation keeps its rows."""

    waiting_ms: int = 0
    preserved_ms: int = 0

    @property
    def holds(self) -> bool:
        """Whether a person is waited for, or somebody wants it kept."""
        return self.waiting_ms > 0 or self.preserved_ms > 0


def event_may_go(
    state: EventState,
    recorded_ms: int,
    hold: Hold,
    before_ms: int,
    *,
    letter: LetterState | None = None,
) -> bool:
    """Whether a recorded event is over and old. ``letter``: that of its dead letter."""
    needed = state is EventState.DEAD and letter is LetterState.OPEN
    return state in GOING_EVENTS and recorded_ms < before_ms and not hold.holds and not needed


def send_may_go(state: SendState, changed_ms: int, hold: Hold, before_ms: int) -> bool:
    """Whether a row of the ledger is over and old."""
    return state in GOING_SENDS and changed_ms < before_ms and not hold.holds


def message_may_go(at_ms: int, user_ms: int, hold: Hold, before_ms: int, now_ms: int) -> bool:
    """Whether a message of a history is old. ``user_ms``: when the user last wrote."""
    silent = user_ms < before_ms
    if at_ms > now_ms + AHEAD_MS:
        old = silent
    else:
        old = at_ms < before_ms and (at_ms >= PLAUSIBLE_MS or silent)
    return old and not hold.holds


def letter_may_go(state: LetterState, at_ms: int, hold: Hold, before_ms: int) -> bool:
    """Whether somebody has seen to a dead letter, and it is old."""
    return state in GOING_LETTERS and at_ms < before_ms and not hold.holds


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose rows: those of the accounts, or of all others. Rows without an account are others'."""

    accounts: frozenset[str] = frozenset()
    others: bool = False


EVERYBODY: Final = Whose(others=True)

#: Where a walk goes on: its place, a table or a week by name, and values of the columns that order
#: it there.
Cursor = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of a walk through what is old."""

    removed: int
    #: Where to go on; None at the end.
    after: Cursor | None
    #: Whether all that was looked at is old: nothing there becomes old later.
    behind: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """How far earlier walks came, so that the next need not look at the same rows again."""

    #: When the walk began that looked at everything.
    begun_ms: int
    #: By place.
    reached: Mapping[int | str, Cursor] = field(default_factory=dict)


class Pruning(Protocol):
    """Takes away what is old, in small steps beside live traffic.

    Every method may be called by several processes at once, and again after it was interrupted.
    None waits for rows that others hold. All raise StoreUnavailable.
    """

    async def prune(
        self,
        what: Remains,
        before_ms: int,
        *,
        limit: int,
        after: Cursor | None = None,
        whose: Whose = EVERYBODY,
        dropped_before_ms: int | None = None,
    ) -> Batch:
        """Looks at the next rows, at most ``limit``, and takes away those that may go.

        A summary is emptied instead. Rows that were passed over, since they are needed or
        locked, are looked at again by the next walk from the beginning. Weeks of messages that
        are older than ``dropped_before_ms``, by default ``before_ms``, are left to
        :meth:`drop_weeks`; those between the two are walked through.
        """
        ...

    async def mark(self, name: str) -> Mark | None:
        """How far the walks of that name came; None where the next begins anew."""
        ...

    async def keep_mark(self, name: str, mark: Mark) -> None:
        """Notes it. Marks are forgotten when a conversation is released."""
        ...

    async def make_weeks(self, now_ms: int) -> int:
        """Makes the partitions of the coming weeks where they are missing; how many.

        0 where the database has no partitions. A row of a week without one is kept apart from
        the weeks: nothing that is written ever fails for want of a partition.
        """
        ...

    async def drop_weeks(self, before_ms: int) -> tuple[str, ...]:
        """Takes away whole weeks of messages that are all older than that; their names.

        What is held of them is kept, apart from the weeks.
        """
        ...

    async def give_back(self, pages: int) -> int:
        """Gives the file system back at most so many pages that pruning freed; how many bytes.

        For a database that does not do so by itself.
        """
        ...
