"""A post on its way to a container that can be published."""

from __future__ import annotations

from dataclasses import replace

from publishers.posts_desk import Admit, PostDesk
from publishers.posts_words import PostLink
from vestlus.errors import GraphError
from vestlus.instagram.graph_publishing import MAX_CHILDREN, MIN_CHILDREN
from vestlus.instagram.port import (
    CarouselContainer,
    Container,
    ContainerStatus,
    PictureContainer,
)
from vestlus.store.post_rows import WHOLE, ContainerRow, PostKind, PostRow, PostStep
from vestlus.store.posts import PostState

#: Meta, "IG User Media": alternative texts have at most 1,000 characters.
_MAX_ALT = 1000


class Preparing:
    """Has containers made, one at a time, and asks until Instagram has done with them.

    A carousel is all or nothing: its own container is asked for when those of all its pictures
    can be used.
    """

    def __init__(self, desk: PostDesk) -> None:
        self._desk = desk

    async def create(self, post: PostRow, admit: Admit) -> float:
        """Asks for the next container of a PLANNED post, if all of its pictures may be posted."""
        desk = self._desk
        if not _count_fits(post):
            await desk.record(desk.outcomes.dead(post, "carousel_count", desk.clock()))
            return 0.0
        if not await desk.has_room(post, _containers_needed(post), admit):
            return 0.0
        position = _next_position(post)
        links = await self._links(post, position) if await desk.has_pictures(post) else None
        if links is None:
            await desk.record(desk.outcomes.dead(post, "picture_unavailable", desk.clock()))
            return 0.0
        await admit()
        begin = PostStep(
            of=post,
            after=PostState.CREATING,
            at_ms=desk.clock(),
            begins=position,
            failures=post.failures,
        )
        begun = await desk.record(begin)
        return 0.0 if begun is None else await self._request(begun, position, links)

    async def check(self, post: PostRow, admit: Admit) -> float:
        """Asks how far the containers of a WAITING post are."""
        desk = self._desk
        finished: list[int] = []
        for one in _unfinished(post):
            await admit()
            told = await desk.ask(desk.publishing.container(post.account, one.container))
            if isinstance(told, GraphError):
                return await desk.settle(desk.outcomes.not_read(post, told, desk.clock()), told)
            ended = await self._ended(post, one, told)
            if ended is not None:
                await desk.record(replace(ended, finished=tuple(finished)))
                return 0.0
            finished.append(one.number)
        after = PostState.PLANNED if post.current(WHOLE) is None else PostState.READY
        now_ms = desk.clock()
        await desk.record(
            PostStep(of=post, after=after, at_ms=now_ms, due_ms=now_ms, finished=tuple(finished))
        )
        return 0.0

    async def _links(self, post: PostRow, position: int) -> tuple[PostLink, ...] | None:
        """The picture of the container; none for a carousel's own. ``None`` if it is not there."""
        if position == WHOLE and post.kind is PostKind.CAROUSEL:
            return ()
        link = await self._desk.link(post, position)
        return None if link is None else (link,)

    async def _request(self, begun: PostRow, position: int, links: tuple[PostLink, ...]) -> float:
        desk = self._desk
        content = _content(begun, position, links)
        made = await desk.ask(desk.publishing.create_container(begun.account, content))
        now_ms = desk.clock()
        if isinstance(made, GraphError):
            outcome = desk.outcomes.not_created(begun, made, links, now_ms)
            return await desk.settle(outcome, made)
        await desk.record(desk.outcomes.created(begun, made, now_ms))
        return 0.0

    async def _ended(self, post: PostRow, one: ContainerRow, told: Container) -> PostStep | None:
        """What a container's status makes of its post, or ``None`` if it can be used."""
        desk, now_ms = self._desk, self._desk.clock()
        match told.status:
            case ContainerStatus.FINISHED | ContainerStatus.PUBLISHED:
                return None
            case ContainerStatus.IN_PROGRESS:
                if now_ms - one.made_ms >= desk.rules.status_limit_seconds * 1000:
                    return desk.outcomes.new_round(post, "container_not_ready", now_ms)
                due_ms = now_ms + round(desk.rules.status_seconds * 1000)
                return PostStep(of=post, after=PostState.WAITING, at_ms=now_ms, due_ms=due_ms)
            case ContainerStatus.EXPIRED:
                return desk.outcomes.new_round(post, "container_expired", now_ms)
            case ContainerStatus.ERROR:
                links = await self._links(post, one.position) or ()
                return desk.outcomes.broken(post, told.subcode, links, now_ms)


def _next_position(post: PostRow) -> int:
    """The place for which a container is to be made next."""
    if post.kind is not PostKind.CAROUSEL:
        return WHOLE
    places = range(1, len(post.pictures) + 1)
    return next((place for place in places if post.current(place) is None), WHOLE)


def _containers_needed(post: PostRow) -> int:
    """How many containers are to be made until it can be published."""
    places = range(1, len(post.pictures) + 1) if post.kind is PostKind.CAROUSEL else ()
    return sum(post.current(place) is None for place in (WHOLE, *places))


def _count_fits(post: PostRow) -> bool:
    if post.kind is PostKind.CAROUSEL:
        return MIN_CHILDREN <= len(post.pictures) <= MAX_CHILDREN
    return len(post.pictures) == 1


def _unfinished(post: PostRow) -> list[ContainerRow]:
    current = (post.current(place) for place in range(len(post.pictures) + 1))
    return [one for one in current if one is not None and not one.finished]


def _content(
    post: PostRow, position: int, links: tuple[PostLink, ...]
) -> PictureContainer | CarouselContainer:
    if not links:
        places = range(1, len(post.pictures) + 1)
        children = (post.current(place) for place in places)
        ids = tuple(one.container for one in children if one is not None)
        return CarouselContainer(ids, post.caption, post.ai_generated)
    item, story = position != WHOLE, post.kind is PostKind.STORY
    return PictureContainer(
        url=links[0].url,
        caption="" if item or story else post.caption,
        alt=(post.pictures[max(position, 1) - 1].alt or links[0].alt)[:_MAX_ALT],
        ai_generated=post.ai_generated and not item,
        item=item,
        story=story,
    )
