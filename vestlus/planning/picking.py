"""Which pictures a post gets: those that are named, those used longest ago, or a list to choose
from. Plain decisions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from image_bank.catalogue import Picture, may_post
from vestlus.scheduling.recipe import Recipe

DAY_MS: Final = 24 * 3_600_000

#: How far back it is looked when a picture was last used. One that was not used since then counts
#: as one that never was.
LOOK_BACK_DAYS: Final = 400

#: A draft of this process whose pictures the store does not know yet; longer than drafting and
#: recording a draft takes.
RESERVED_MS: Final = 15 * 60_000


#: A daily post is an hour earlier than a whole number of days after the clocks were put forward.
_CLOCK_CHANGE_MS: Final = 2 * 3_600_000


@dataclass(frozen=True, slots=True)
class Use:
    """When pictures were last planned for, by id. ``at_ms``: when the post goes out that they are
    wanted for; ``days``: within so many before it they are not used again, 0 for no such rule.
    """

    last_ms: Mapping[str, int]
    at_ms: int
    days: int

    def is_free(self, picture: str) -> bool:
        """Whether it was not used within the days, nor is planned for later."""
        since_ms = self.at_ms - self.days * DAY_MS + _CLOCK_CHANGE_MS
        return not self.days or self.last_ms.get(picture, 0) <= since_ms


def picture_problem(name: str, pictures: Mapping[str, Picture], account: str, day: date) -> str:
    """What is wrong with a picture that is named, in a sentence; empty when it may be posted."""
    known = pictures.get(name)
    if known is None:
        return f"{name}: is not in the bank: `vestlus images list` shows what is"
    if not may_post(known, account, day):
        return f"{name}: is not for posts of this account on {day}: `vestlus images show {name}`"
    return ""


def with_tags(
    pictures: Iterable[Picture], tags: Collection[str], account: str, day: date
) -> tuple[Picture, ...]:
    """Those with every tag that the account may post on this day; the case of tags is no matter."""
    wanted = frozenset(map(_plain, tags))
    return tuple(
        one
        for one in pictures
        if may_post(one, account, day) and wanted <= frozenset(map(_plain, one.tags))
    )


def oldest_first(pictures: Iterable[Picture], use: Use) -> tuple[Picture, ...]:
    """Those that are free: never used ones first, then the least recently used, ties by id."""
    free = [one for one in pictures if use.is_free(one.id)]
    return tuple(sorted(free, key=lambda one: (use.last_ms.get(one.id, 0), one.id)))


def too_few(recipe: Recipe, tagged: int, free: int) -> str:
    """Why there are not enough pictures, and what to do about it, in a sentence."""
    tags = f" with the tags {', '.join(recipe.tags)}" if recipe.tags else ""
    if tagged < recipe.count:
        return (
            f"{recipe.count} wanted, and the bank has {tagged} for posts of this account{tags}: "
            "add pictures, or mend their tags (`vestlus images list`)"
        )
    return (
        f"{recipe.count} wanted, and of {tagged} for posts of this account{tags}, {free} not used "
        f"within {recipe.not_again_days} days: add pictures, or lower not_again_days"
    )


class Reservations:
    """The pictures of drafts that this process made a moment ago, or is making.

    So drafts that are made at the same time do not take the same picture. Kept for
    :data:`RESERVED_MS`; by then the store has the draft, or there is none.
    """

    def __init__(self) -> None:
        #: Occurrence → account, its pictures, when it is due, when that was noted.
        self._taken: dict[str, tuple[str, frozenset[str], int, int]] = {}

    def of_others(self, occurrence: str, account: str, now_ms: int) -> dict[str, int]:
        """Picture → when it is planned for, in drafts of other occurrences of the account."""
        self._taken = {
            key: one for key, one in self._taken.items() if abs(now_ms - one[3]) < RESERVED_MS
        }
        found: dict[str, int] = {}
        for key, (owner, pictures, due_ms, _) in self._taken.items():
            if key != occurrence and owner == account:
                found |= {one: max(due_ms, found.get(one, 0)) for one in pictures}
        return found

    def take(
        self, occurrence: str, account: str, pictures: Iterable[str], due_ms: int, now_ms: int
    ) -> None:
        """Notes what an occurrence's draft has, in place of what it had."""
        self._taken[occurrence] = (account, frozenset(pictures), due_ms, now_ms)

    def release(self, occurrence: str) -> None:
        """Forgets an occurrence of which there is no draft. Safe to call twice."""
        self._taken.pop(occurrence, None)


def merged(*used: Mapping[str, int]) -> dict[str, int]:
    """The latest use of each picture."""
    latest: dict[str, int] = {}
    for one in used:
        for picture, at_ms in one.items():
            latest[picture] = max(at_ms, latest.get(picture, 0))
    return latest


def _plain(tag: str) -> str:
    return tag.strip().casefold()
