"""What is wrong with a post that somebody wishes for, or with a yes to a draft, as far as it can be
known beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from image_bank.catalogue import Picture, may_post
from image_bank.links import local_day
from vestlus.desk.problems import Problem
from vestlus.instagram.caption_limits import counts
from vestlus.instagram.graph_publishing import MAX_CHILDREN
from vestlus.scheduling.approving import waits_until_ms, yes_reaches
from vestlus.settings_account import Account
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.post_rows import PostKind

#: As for what schedules and rules plan.
MOST_HOURS: Final = 24 * 7
#: A post is planned no further ahead than one looks (:data:`vestlus.planning.upcoming.MOST_DAYS`).
MOST_DAYS_AHEAD: Final = 366
_DAY_MS: Final = 24 * 3_600_000
#: Whoever fills in a form for "now" is done with it a little later.
_LATE_MS: Final = 10 * 60_000

_LIMITS: Final = "Instagram takes 2200 characters, 30 hashtags and 20 mentions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A post of these pictures, by their ids in the bank. Times are milliseconds since 1970."""

    account: str
    pictures: tuple[str, ...]
    caption: str = ""
    story: bool = False
    ai_generated: bool = False
    #: When it is to go out; 0 for now.
    at_ms: int = 0
    within_hours: float = 24.0

    @property
    def kind(self) -> PostKind:
        """What it would be."""
        if self.story:
            return PostKind.STORY
        return PostKind.CAROUSEL if len(self.pictures) > 1 else PostKind.PICTURE


def problems_of(
    wish: Wish, pictures: Mapping[str, Picture], owner: Account | None, now_ms: int
) -> list[Problem]:
    """All that is wrong with a wish. The publisher looks at the pictures again when it is due.

    ``owner`` is the account's settings, where it is configured.
    """
    found = []
    most = MAX_CHILDREN if wish.kind is PostKind.CAROUSEL else 1
    number = len(wish.pictures)
    if not 1 <= number <= most:
        words = f"{number} are given; a {wish.kind} takes 1 to {most}"
        values = {"number": str(number), "most": str(most)}
        found.append(Problem("picture_count", words, "picture", values))
    if wish.story and wish.caption:
        found.append(Problem("story_caption", "a story has none", "caption"))
    if not counts(wish.caption).fit:
        found.append(Problem("caption_limits", _LIMITS, "caption", _counted(wish.caption)))
    found += _of_times(wish, now_ms)
    at_ms = max(wish.at_ms, now_ms)
    today = (
        datetime.fromtimestamp(now_ms / 1000, UTC).date()
        if owner is None
        else local_day(owner, at_ms if not found else now_ms)
    )
    for one in dict.fromkeys(wish.pictures):
        known = pictures.get(one)
        if known is None:
            words = "is not in the bank: `vestlus images list` shows what is"
            found.append(Problem("picture_missing", words, one, {"picture": one}))
        elif not may_post(known, wish.account, today):
            words = "is not for posts of this account today: `vestlus images show`"
            if wish.at_ms > now_ms:
                words = "is not for posts of this account on that day: `vestlus images show`"
            found.append(Problem("picture_not_for_posts", words, one, {"picture": one}))
    return found


def problems_of_yes(
    row: OccurrenceRow, caption: str | None, now_ms: int, *, at_once: bool = False
) -> list[Problem]:
    """Why a yes would not let the draft go out as it is. ``at_once``: instead of at its time."""
    found = []
    if caption is not None:
        if row.recipe.story and caption:
            found.append(Problem("story_caption", "a story has none", "caption"))
        if not counts(caption).fit:
            words = f"has {counts(caption)}; {_LIMITS}"
            found.append(Problem("caption_limits", words, "caption", _counted(caption)))
    if now_ms > waits_until(row):
        words = "has lapsed, as nobody said yes in time: publish it by hand"
        found.append(Problem("lapsed", words, row.id))
    if not at_once and not yes_reaches(row.recipe, decided_ms=now_ms, due_ms=row.due_ms):
        hours = f"{row.recipe.approval_hours:g}"
        words = (
            f"a yes is good for {hours} hours (approval_hours), and that would be over, or nearly, "
            "when it is due: say yes nearer to its time"
        )
        found.append(Problem("yes_too_early", words, row.id, {"hours": hours}))
    return found


def waits_until(row: OccurrenceRow) -> int:
    """Until when a draft waits for a yes, milliseconds since 1970."""
    return waits_until_ms(row.recipe, drafted_ms=row.drafted_ms, due_ms=row.due_ms)


def _of_times(wish: Wish, now_ms: int) -> list[Problem]:
    found = []
    if not 0 < wish.within_hours <= MOST_HOURS:
        words = f"must be above 0, and at most {MOST_HOURS}"
        found.append(Problem("within_hours", words, "within_hours", {"most": str(MOST_HOURS)}))
    if wish.at_ms and wish.at_ms < now_ms - _LATE_MS:
        found.append(Problem("past", "is over: name a time to come, or none for now", "at"))
    if wish.at_ms > now_ms + MOST_DAYS_AHEAD * _DAY_MS:
        words = f"is more than {MOST_DAYS_AHEAD} days ahead"
        found.append(Problem("too_far", words, "at", {"days": str(MOST_DAYS_AHEAD)}))
    return found


def _counted(caption: str) -> dict[str, str]:
    numbers = counts(caption)
    return {
        "characters": str(numbers.characters),
        "hashtags": str(numbers.hashtags),
        "mentions": str(numbers.mentions),
    }
