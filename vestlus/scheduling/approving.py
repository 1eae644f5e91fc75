"""Who must say yes to a draft, until when it waits for that, and how long a yes is good.

All times are milliseconds since 1970. ``due_ms`` is when the occurrence is due, ``drafted_ms`` when
its draft was written, ``decided_ms`` when a person said yes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vestlus.scheduling.recipe import Recipe

_HOUR_MS: Final = 3_600_000

#: How long a yes must be good after its post is due, ms. Instagram may work at a container for five
#: minutes, and at a carousel's own after those of its pictures; the rest is for a restart, or for a
#: try more.
_TO_PUBLISH_MS: Final = 15 * 60_000


class Standing(StrEnum):
    """What a draft may do at a moment."""

    #: It waits: for a yes, or for its time.
    WAITS = "waits"
    #: It may be published now.
    GOES = "goes"
    #: Nobody said yes in time, or the yes is too old.
    LAPSED = "lapsed"
    #: It is too late for the post itself.
    TOO_LATE = "too_late"


def needs_yes(recipe: Recipe, *, by_model: bool, account_approves: bool) -> bool:
    """Whether a person must say yes before the draft is published.

    What the recipe says; where it says nothing, captions that the model wrote need a yes unless the
    account has turned that off (``approve_captions``), and others need none.
    """
    if recipe.approve is not None:
        return recipe.approve
    return by_model and account_approves


def carries_line(*, by_model: bool, needs_yes: bool) -> bool:
    """Whether the caption says that a model wrote it: it did, and nobody reads it beforehand."""
    return by_model and not needs_yes


def deadline_ms(recipe: Recipe, due_ms: int) -> int:
    """The last moment at which it may be published."""
    return due_ms + round(recipe.within_hours * _HOUR_MS)


def waits_until_ms(recipe: Recipe, *, drafted_ms: int, due_ms: int) -> int:
    """Until when a draft waits for a yes; after that moment it has lapsed.

    ``approval_hours`` from when it was written or, if that is later, from when it is due: so one
    that is due in a week is not given up before. Never longer than it may be published.
    """
    asked_ms = max(drafted_ms, due_ms) + round(recipe.approval_hours * _HOUR_MS)
    return min(asked_ms, deadline_ms(recipe, due_ms))


def yes_until_ms(recipe: Recipe, *, decided_ms: int) -> int:
    """Until when a yes is good; a draft that is published later needs another one.

    What a person has read may not be true any more then.
    """
    return decided_ms + round(recipe.approval_hours * _HOUR_MS)


def yes_reaches(recipe: Recipe, *, decided_ms: int, due_ms: int) -> bool:
    """Whether a yes of now leaves its post time to be published when it is due; else it is to be
    said later.

    That time is a quarter of an hour, and half of ``approval_hours`` where that is shorter: so a
    yes that is said when the post is due, or in the half before, always reaches.
    """
    until_ms = yes_until_ms(recipe, decided_ms=decided_ms)
    return until_ms - due_ms >= min(_TO_PUBLISH_MS, (until_ms - decided_ms) // 2)


def goes_until_ms(recipe: Recipe, *, decided_ms: int, due_ms: int) -> int:
    """The last moment at which a draft may be published, as far as its recipe and its yes reach.

    ``decided_ms`` is 0 where nobody had to say yes.
    """
    last_ms = deadline_ms(recipe, due_ms)
    return min(last_ms, yes_until_ms(recipe, decided_ms=decided_ms)) if decided_ms else last_ms


def standing_of_waiting(recipe: Recipe, *, drafted_ms: int, due_ms: int, now_ms: int) -> Standing:
    """What becomes of a draft for which a yes is waited: WAITS, LAPSED or TOO_LATE."""
    if now_ms > deadline_ms(recipe, due_ms):
        return Standing.TOO_LATE
    if now_ms > waits_until_ms(recipe, drafted_ms=drafted_ms, due_ms=due_ms):
        return Standing.LAPSED
    return Standing.WAITS


def standing_of_ready(recipe: Recipe, *, decided_ms: int, due_ms: int, now_ms: int) -> Standing:
    """What becomes of a draft that nobody has to agree to any more.

    ``decided_ms`` is 0 where nobody had to. WAITS until it is due, then GOES; LAPSED as soon as the
    yes is too old, TOO_LATE as soon as it may not be published any more.
    """
    if now_ms > deadline_ms(recipe, due_ms):
        return Standing.TOO_LATE
    if decided_ms and now_ms > yes_until_ms(recipe, decided_ms=decided_ms):
        return Standing.LAPSED
    return Standing.GOES if now_ms >= due_ms else Standing.WAITS
