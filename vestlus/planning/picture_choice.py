"""Pictures for one draft, out of the bank, with what other posts and drafts have left aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from image_bank.catalogue import Picture
from image_bank.links import local_day
from vestlus.assistant.caption_checking import texts_of
from vestlus.assistant.pictures import MAX_CANDIDATES, MAX_LISTED, OfferedPicture, searchable
from vestlus.assistant.searches import Searches
from vestlus.conversation.masking import mask
from vestlus.errors import AssistantError
from vestlus.planning.captioning import Occasion, Shown, task_of
from vestlus.planning.drafting_words import NoDraft
from vestlus.planning.picking import (
    DAY_MS,
    LOOK_BACK_DAYS,
    Reservations,
    Use,
    merged,
    oldest_first,
    picture_problem,
    too_few,
    with_tags,
)
from vestlus.planning.ports import Impossible
from vestlus.scheduling.recipe import Choice
from vestlus.store.plan_rows import OccurrenceRow

_log = structlog.get_logger(__name__)

#: Characters by which pictures are looked for.
_LONGEST_QUERY: Final = 2_000


@dataclass(frozen=True, slots=True)
class Pool:
    """The pictures that one draft may have."""

    occurrence: OccurrenceRow
    catalogue: Mapping[str, Picture]
    tagged: tuple[Picture, ...]
    use: Use


class Pictures(Protocol):
    """The image bank; see :class:`image_bank.bank.ImageBank`."""

    async def pictures(self) -> Mapping[str, Picture]:
        """All of them, by id. Raises StoreUnavailable."""
        ...


class UsedPictures(Protocol):
    """Part of :class:`vestlus.store.plan_port.Occurrences`."""

    async def pictures_used(self, account: str, since_ms: int) -> Mapping[str, int]:
        """Picture → when it was last planned for. Raises StoreUnavailable."""
        ...


class PictureChoice:
    """Chooses pictures, or what to choose from, for drafts of any account.

    Remembers what it gave out within minutes, so that two drafts at the same time do not get the
    same picture as long as there are others.
    """

    def __init__(self, *, pictures: Pictures, used: UsedPictures, searches: Searches) -> None:
        self._pictures = pictures
        self._used = used
        self._searches = searches
        self._reservations = Reservations()

    async def catalogue(self) -> Mapping[str, Picture]:
        """All pictures, by id. Raises StoreUnavailable."""
        return await self._pictures.pictures()

    async def pool(self, occurrence: OccurrenceRow, occasion: Occasion, now_ms: int) -> Pool:
        """What one draft may have. Raises NoDraft, StoreUnavailable."""
        recipe, at_ms = occurrence.recipe, occasion.at_ms
        catalogue = await self._pictures.pictures()
        day = local_day(occasion.account, at_ms)
        if recipe.choice is Choice.NAMED:
            problems = [
                picture_problem(one, catalogue, recipe.account, day) for one in recipe.pictures
            ]
            if any(problems) or not recipe.pictures:
                words = "; ".join(filter(None, problems)) or "the post has no pictures: name some"
                raise NoDraft(Impossible("picture_unavailable", words))
            return Pool(occurrence, catalogue, (), Use({}, at_ms, 0))
        since_ms = at_ms - max(recipe.not_again_days, LOOK_BACK_DAYS) * DAY_MS
        used = await self._used.pictures_used(recipe.account, since_ms)
        # What an earlier draft of the same occurrence had is not used by another post.
        own = {one.id for one in occurrence.pictures}
        others = {
            picture: planned_ms
            for picture, planned_ms in used.items()
            if picture not in own or planned_ms != occurrence.due_ms
        }
        reserved = self._reservations.of_others(occurrence.id, recipe.account, now_ms)
        return Pool(
            occurrence,
            catalogue,
            with_tags(catalogue.values(), recipe.tags, recipe.account, day),
            Use(merged(others, reserved), at_ms, recipe.not_again_days),
        )

    def chosen(self, pool: Pool, now_ms: int) -> tuple[str, ...]:
        """The pictures of a recipe by which no model chooses, taken. Raises NoDraft."""
        recipe = pool.occurrence.recipe
        ids = recipe.pictures
        if recipe.choice is not Choice.NAMED:
            ids = tuple(one.id for one in _free(pool)[: recipe.count])
        self._take(pool, now_ms, ids)
        return ids

    async def offered(self, occasion: Occasion, pool: Pool) -> tuple[OfferedPicture, ...]:
        """What the model chooses from: all of a few, the best and the least used of many.

        Raises NoDraft.
        """
        free = _free(pool)
        if len(free) > MAX_LISTED:
            best = await self._best(occasion, free)
            by_id = {one.id: one for one in free}
            most = max(MAX_CANDIDATES, 2 * occasion.recipe.count)
            ids = tuple(dict.fromkeys((*best, *by_id)))[:most]
            free = tuple(by_id[one] for one in ids)
        return tuple(OfferedPicture(one.id, one.shows, one.tags) for one in free)

    def take_offered(self, pool: Pool, now_ms: int, wanted: Sequence[str]) -> bool:
        """Takes what the model chose; False where another draft has taken one of them by now."""
        one = pool.occurrence
        taken = self._reservations.of_others(one.id, one.account, now_ms)
        if one.recipe.not_again_days and not taken.keys().isdisjoint(wanted):
            return False
        self._take(pool, now_ms, wanted)
        return True

    def release(self, occurrence: str) -> None:
        """Gives back what an occurrence had taken, as there is no draft of it."""
        self._reservations.release(occurrence)

    def _take(self, pool: Pool, now_ms: int, pictures: Sequence[str]) -> None:
        one = pool.occurrence
        self._reservations.take(one.id, one.account, pictures, pool.use.at_ms, now_ms)

    async def _best(self, occasion: Occasion, free: Sequence[Picture]) -> tuple[str, ...]:
        """Those that fit what the post is about; none where they cannot be searched now."""
        task = task_of(occasion, Shown(), "")
        said = " ".join((task.task, *texts_of(task.event)))[:_LONGEST_QUERY]
        # It goes to the embedding model.
        (query,) = mask((said,), occasion.account.mask).texts
        texts = {one.id: searchable(one.shows, one.alt, one.tags) for one in free}
        try:
            return await self._searches(occasion.account).best(query, texts, MAX_CANDIDATES)
        except AssistantError as error:
            # The least recently used are offered then.
            _log.warning("pictures_not_searched", account=occasion.account.id, reason=error.reason)
            return ()


def _free(pool: Pool) -> tuple[Picture, ...]:
    """Enough of the pool's pictures, least recently used first. Raises NoDraft."""
    recipe = pool.occurrence.recipe
    free = oldest_first(pool.tagged, pool.use)
    if len(free) < recipe.count:
        raise NoDraft(Impossible("too_few_pictures", too_few(recipe, len(pool.tagged), len(free))))
    return free
