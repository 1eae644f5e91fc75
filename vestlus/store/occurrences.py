"""The states and transitions of occurrences: from a schedule's time, or an event, to a post.

::

                ┌──again later──┐
                ▼               │
    planned ────┴──draft made──┬──▶ waiting ──a person said yes──▶ ready ──▶ handed
       │                       │       │                             ▲
       │                       └───────┼─────no yes is needed────────┘
       ▼                               ▼
     failed, skipped              rejected, lapsed, skipped      failed, skipped, lapsed

    planned, waiting, ready ──▶ cancelled by a person, withdrawn with its schedule

    ended without a post ──its time claimed anew, see comes_again──▶ planned

``handed`` is a row of the table of posts, added in the same transaction: from there on the post's
own states count. Every transition is an update on the condition of the version before; those of
the SchedulerActor besides on the epoch of the lease ``scheduler``. A person may have one that is
``waiting`` or ``ready`` go out now instead of at its time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class OccurrenceState(StrEnum):
    """Where an occurrence is."""

    #: Its draft, caption and pictures, is to be made.
    PLANNED = "planned"
    #: Its draft waits for a person's yes.
    WAITING = "waiting"
    #: Goes out at its time.
    READY = "ready"
    #: It is a post.
    HANDED = "handed"
    #: Was missed, and its schedule says that it is not made up for; or it came too late.
    SKIPPED = "skipped"
    #: No draft could be made, or the draft cannot be posted. The row says what to mend.
    FAILED = "failed"
    #: A person said no.
    REJECTED = "rejected"
    #: Nobody said yes in time, or the yes is too old.
    LAPSED = "lapsed"
    #: A person took it back.
    CANCELLED = "cancelled"
    #: Its schedule is gone, or has other times.
    WITHDRAWN = "withdrawn"


#: States that are not over.
OPEN: Final = frozenset({OccurrenceState.PLANNED, OccurrenceState.WAITING, OccurrenceState.READY})

#: Every transition that the scheduler makes.
OCCURRENCE_TRANSITIONS: Final = frozenset(
    {
        (OccurrenceState.PLANNED, OccurrenceState.PLANNED),
        (OccurrenceState.PLANNED, OccurrenceState.WAITING),
        (OccurrenceState.PLANNED, OccurrenceState.READY),
        (OccurrenceState.PLANNED, OccurrenceState.FAILED),
        (OccurrenceState.PLANNED, OccurrenceState.SKIPPED),
        (OccurrenceState.WAITING, OccurrenceState.LAPSED),
        (OccurrenceState.WAITING, OccurrenceState.SKIPPED),
        (OccurrenceState.READY, OccurrenceState.HANDED),
        (OccurrenceState.READY, OccurrenceState.PLANNED),
        (OccurrenceState.READY, OccurrenceState.FAILED),
        (OccurrenceState.READY, OccurrenceState.SKIPPED),
        (OccurrenceState.READY, OccurrenceState.LAPSED),
    }
)

#: What people make of a draft, from WAITING.
DECIDED: Final = frozenset({OccurrenceState.READY, OccurrenceState.REJECTED})

#: Ended without a post by the program.
_ENDED_BY_ITSELF: Final = frozenset(
    {OccurrenceState.FAILED, OccurrenceState.LAPSED, OccurrenceState.SKIPPED}
)
#: Ended without a post by a person.
_ENDED_BY_A_PERSON: Final = frozenset({OccurrenceState.CANCELLED, OccurrenceState.REJECTED})

#: Why an occurrence was withdrawn: its schedule is gone, or its definition is another now.
REMOVED: Final = "schedule_removed"
CHANGED: Final = "schedule_changed"


def is_unclaimed(watched_ms: int, defined_ms: int) -> bool:
    """Whether no look at a schedule has come to its end since its definition came to be
    (``defined_ms``); ``watched_ms`` is its watermark.

    A look ends with a watermark that is ahead of it, and a definition begins with one that is not.
    Until then what the change withdrew waits to be planned anew, or told.
    """
    return watched_ms <= defined_ms


def comes_again(
    state: OccurrenceState,
    ended_ms: int,
    *,
    after: OccurrenceState,
    defined_ms: int,
    is_by_hand: bool,
) -> bool:
    """Whether a claim that makes ``after`` of a time changes the occurrence that the time has.

    One that was withdrawn with a schedule it does. One that ended without a post before the
    definition came to be (``defined_ms``) it plans anew, since whoever wrote that one has mended
    it; but what a person ended only for a schedule that a person added after that, and not for an
    edited file. How one ended is not written over by how its time was passed over, and what is open
    or became a post stays.
    """
    if state is OccurrenceState.WITHDRAWN:
        return True
    again = _ENDED_BY_ITSELF | _ENDED_BY_A_PERSON if is_by_hand else _ENDED_BY_ITSELF
    return after is OccurrenceState.PLANNED and state in again and ended_ms <= defined_ms
