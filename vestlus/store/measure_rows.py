"""Rows of what is measured. Times are milliseconds since 1970; nothing here names a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vestlus.store.token_rows import TokenRow

#: One minute, in milliseconds.
MINUTE_MS: Final = 60_000

#: How long an answer took at most, seconds, for each place of :attr:`MinuteRow.times` but the last,
#: which has the rest. Columns of the table stand for them: another list is another table.
ANSWER_BOUNDS: Final = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 30, 60, 120, 600)

#: No answer.
NO_TIMES: Final = (0,) * (len(ANSWER_BOUNDS) + 1)


def minute_of(at_ms: int) -> int:
    """The beginning of the minute of that time."""
    return at_ms - at_ms % MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteRow:
    """What happened of an account in the minute that began at ``minute_ms``."""

    minute_ms: int
    account: str
    #: Messages of users that call for an answer, when they were recorded.
    received: int = 0
    #: Of these, those whose answer went out whole.
    answered: int = 0
    #: Sends that were given up.
    failed: int = 0
    #: The most messages that were unanswered when somebody looked.
    backlog: int = 0
    #: Answers by how long they took, from when the oldest message that one answers was durable
    #: until Instagram took the last part of it: see :data:`ANSWER_BOUNDS`.
    times: tuple[int, ...] = NO_TIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a process tells of its measures."""

    #: One start of one process: never used again after its end.
    process: str
    #: Who it is: the same after a restart, where there is somebody who starts it again.
    name: str
    #: What it is, such as ``publisher`` or ``webhook``.
    kind: str
    #: The host it runs on.
    node: str
    #: See :mod:`vestlus.measuring.snapshot`.
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Told):
    """The same as somebody else reads it."""

    #: How long ago it was told, by the database's clock.
    silent_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    """What is not done yet, and what people should see to.

    Times are ``None`` where there is nothing of the kind; ages are left to whoever has a clock.
    """

    #: Events that wait, by kind and state, as ``kind/state``.
    events: Mapping[str, int] = field(default_factory=dict)
    #: When the oldest unanswered event was recorded that is not left to people.
    unanswered_since_ms: int | None = None
    #: When the oldest echo was recorded of which it is not told yet whose it is.
    undetermined_since_ms: int | None = None
    #: Sends that are not finished, drafts among them, by state.
    sends: Mapping[str, int] = field(default_factory=dict)
    #: Since when the oldest send that is due has been due.
    due_since_ms: int | None = None
    #: The nearest deadline of a send that is not finished, drafts aside.
    deadline_ms: int | None = None
    #: The same of drafts.
    draft_deadline_ms: int | None = None
    #: Conversations that wait for a person, and since when the first does.
    waiting: int = 0
    waiting_since_ms: int | None = None
    #: Conversations with something unanswered or unsent, or that wait for a person, whose window
    #: closes within two hours.
    closing: int = 0
    #: Dead letters that nobody has seen to, by reason.
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    #: Posts, and times of schedules and outcomes of events, by state.
    posts: Mapping[str, int] = field(default_factory=dict)
    occurrences: Mapping[str, int] = field(default_factory=dict)
    #: The accounts' tokens, in their state of now.
    tokens: tuple[TokenRow, ...] = ()
