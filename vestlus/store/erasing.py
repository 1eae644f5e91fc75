"""Erasing a user, and the port that does it.

What is erased is named by its *grave*: a keyed digest of account and user, of which the store does
not know the key. The tombstone under that name makes everything forget the user that still comes:
what was written until then is dropped where it would be recorded, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from vestlus.store.operator_rows import DONE, AuditEntry

#: Rows of each table that one transaction takes away: less than a second of either database. What
#: is more goes in steps; nothing can read it meanwhile.
MOST_ROWS: Final = 20_000

#: After that time what was under way has ended: a request takes 10 s, a turn's commit 8 s, and the
#: echo of the last word some seconds.
SWEEP_MS: Final = 15 * 60 * 1000

#: Echoes of requests that were under way come with Meta's time of a moment later.
UNDER_WAY_MS: Final = 2 * 60 * 1000

#: An event of Meta's may be by so much ahead of the database's clock, and is of before.
AHEAD_MS: Final = 5 * 60 * 1000

#: Tombstones are kept for so many hours in which the service was looked after: 30 days. A listing
#: of missed messages goes back 7 days and Meta repeats webhooks for 36 hours; the rest is for what
#: a bus holds whose consumers were away, and the hours of a service that does not run do not count.
KEPT_HOURS: Final = 30 * 24


#: Who asked, in what is recorded of users' own words: never more than that.
BY_USER: Final = "the user"
#: The same of what came by Meta.
BY_META: Final = "data-deletion"


class Way(StrEnum):
    """How an erasure was asked for."""

    CLI = "cli"
    CONSOLE = "console"
    API = "api"
    #: The user's own words.
    CHAT = "chat"
    #: Meta's data-deletion callback.
    META = "meta"


#: Ways in which a confirmation code may come from outside, perhaps of another erasure.
GIVEN_BY_HAND: Final = frozenset({Way.CLI, Way.CONSOLE, Way.API})


class ErasureState(StrEnum):
    """How far an erasure is."""

    #: Nothing can be read any more; storage is still being reclaimed.
    ERASED = "erased"
    DONE = "done"
    #: A person has to see to it: it is about one of our own accounts, about nobody we know, or
    #: about a conversation that is preserved.
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """That data were erased, and nothing about whose. Times are milliseconds since 1970."""

    #: The confirmation code, which whoever asked can look up.
    code: str
    asked_ms: int
    way: Way
    state: ErasureState
    #: The operator's name, empty when it is old; or ``BY_USER``, ``BY_META``.
    by: str = ""
    #: 0 while it is not done.
    done_ms: int = 0
    #: Rows that went, by table.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: Whether the call that returns it recorded it; False of what was recorded before.
    is_new: bool = field(default=False, compare=False)

    @property
    def closed_by_person(self) -> bool:
        """Whether it waited for a person, who has seen to it: what they decided is not known."""
        asked_for = self.way in (Way.CHAT, Way.META)
        return asked_for and self.state is ErasureState.DONE and self.by not in (BY_USER, BY_META)


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """The last word to a user who asked in the chat, sent after everything else is gone."""

    text: str
    deadline_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """Whose data are to go, at one account."""

    account: str
    user: str
    conversation: str
    #: Of the inbox.
    partition: int
    grave: str
    farewell: Farewell | None = None


#: What the audit calls an erasure.
ERASE: Final = "user.erase"


def entry_of(erasure: Erasure, entry: AuditEntry | None = None) -> AuditEntry:
    """What the audit says of an erasure that is recorded: when, who and by which way, as ``entry``
    has it or else the erasure; its code in the place of whom; its outcome is OPEN where a person
    has to see to it.
    """
    way = _AUDITED.get(erasure.way, str(erasure.way))
    who = entry or AuditEntry(erasure.asked_ms, erasure.by, "", way, ERASE)
    outcome = str(erasure.state) if erasure.state is ErasureState.OPEN else DONE
    # Of no account: that would say among fewer people whose data they were.
    return replace(
        who,
        at_ms=erasure.asked_ms,
        action=ERASE,
        target=erasure.code,
        outcome=outcome,
        detail="",
        account="",
    )


#: Ways that the audit calls otherwise.
_AUDITED: Final = {Way.CLI: "command"}

#: What the store has of a user: rows as they are, by table.
UserData = Mapping[str, Sequence[Mapping[str, Any]]]


class Erasing(Protocol):
    """Gives out and erases what the store has of a user. All raise StoreUnavailable."""

    async def user_data(self, account: str, user: str, conversation: str) -> UserData:
        """Everything that the store has of a user, as of one moment; only tables with something.

        Nothing of anybody else's: a delivery that was given up has this user's events alone, and no
        body where it cannot be taken apart.
        """
        ...

    async def user_counts(self, conversation: str) -> Mapping[str, int]:
        """How many rows there are of a conversation, by table; only tables with some. Dead letters
        that nobody could read are not among them.
        """
        ...

    async def erase(
        self,
        erasure: Erasure,
        whom: Collection[Whom],
        *,
        even_preserved: bool = False,
        entry: AuditEntry | None = None,
    ) -> Erasure:
        """Makes everything that the store has of these unreadable, in one transaction, and lays
        their tombstones; returns what is recorded of it.

        The same transaction writes an entry of the audit: :func:`entry_of`.

        Raises ConversationPreserved, upon which nothing was done and nothing recorded, where a
        mark keeps one of the conversations; ``even_preserved`` takes the mark away with the rest.

        Whoever records events of theirs, commits a turn or makes a step of a send at the same
        moment comes wholly before or wholly after. One of a code that is known is not done again:
        what is recorded of it is returned, not ``is_new``, and the audit has no further entry.

        Raises CodeTaken where a person gave that code to another erasure; codes of the other ways
        are made of what asks, or at random.
        """
        ...

    async def erase_more(self, code: str) -> bool:
        """Takes away more of what a single transaction had no room for; False when none is left."""
        ...

    async def unswept(self, limit: int) -> tuple[str, ...]:
        """Graves of those whose erasure is to be looked at once more now, the longest due first."""
        ...

    async def sweep(self, grave: str) -> bool:
        """Takes away what was under way when the user was erased, the last word with it, and
        forgets whom the tombstone is about; False where the last word is still on its way.

        What the user wrote since stays.
        """
        ...

    async def erasures_to_end(self) -> tuple[Erasure, ...]:
        """Those of which nothing is left to sweep, and whose storage is to be reclaimed; the
        oldest first.
        """
        ...

    async def end_erasures(self, codes: Collection[str]) -> int:
        """Notes that they are done; how many."""
        ...

    async def count_tombstones(self) -> int:
        """Counts an hour, where one has passed, and takes away the tombstones that have been kept
        for long enough; how many.
        """
        ...

    async def reclaim(self) -> bool:
        """Gives free what erased rows took: see ``docs/erasure.md``. False where others were in the
        way; then it is worth another try.
        """
        ...

    async def erasure(self, code: str) -> Erasure | None:
        """What is recorded under a code."""
        ...

    async def erasure_of(self, code: str, grave: str) -> Erasure | None:
        """What is recorded under a code; raises CodeTaken where it is not this grave's."""
        ...

    async def erasures(
        self, *, limit: int, state: ErasureState | None = None, behind: str = ""
    ) -> tuple[Erasure, ...]:
        """The newest first; those of a state, those behind the one of that code."""
        ...

    async def close_erasure(self, code: str, *, by: str) -> bool:
        """Ends one that waited for a person; False for others."""
        ...

    async def forget_who_erased(self, before_ms: int) -> int:
        """Takes operators' names out of what ended before; how many. The rest of it stays."""
        ...
