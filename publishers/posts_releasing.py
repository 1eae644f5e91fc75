"""The moment at which a post goes out, and finding out whether it did."""

from __future__ import annotations

from publishers.posts_desk import Admit, PostDesk
from publishers.posts_looking import (
    Evidence,
    conclude,
    is_listed,
    look_again,
    settled_at_ms,
    unknown,
)
from publishers.posts_outcome import Outcome, stops_posts
from vestlus.backoff import until_available
from vestlus.errors import GraphError, Refused
from vestlus.instagram.port import Container, ContainerStatus
from vestlus.store.post_rows import WHOLE, PostRow, PostStep
from vestlus.store.posts import PostState


class Releasing:
    """Publishes READY posts, and looks for those of which nobody knows whether they are out."""

    def __init__(self, desk: PostDesk) -> None:
        self._desk = desk

    async def publish(self, post: PostRow, admit: Admit) -> float:
        """Publishes the container of a READY post, if its pictures may still be posted."""
        desk = self._desk
        whole = post.current(WHOLE)
        if whole is None or desk.is_old(whole):
            step = desk.outcomes.new_round(post, "container_expired", desk.clock())
            await desk.record(step)
            return 0.0
        if not await desk.has_room(post, 0, admit):
            return 0.0
        await admit()
        if (reason := await self._reason_against(post)) is not None:
            await desk.record(desk.outcomes.dead(post, reason, desk.clock()))
            return 0.0
        begin = PostStep(
            of=post, after=PostState.PUBLISHING, at_ms=desk.clock(), failures=post.failures
        )
        begun = await desk.record(begin)
        return 0.0 if begun is None else await self._request(begun, whole.container)

    async def look(self, post: PostRow, admit: Admit) -> float:
        """Asks about a LOOKING post."""
        desk = self._desk
        whole = post.current(WHOLE)
        if whole is None:
            await desk.record(unknown(post, "cannot_be_known", desk.clock()))
            return 0.0
        await admit()
        told = await desk.ask(desk.publishing.container(post.account, whole.container))
        now_ms = desk.clock()
        if isinstance(told, GraphError):
            pause = desk.outcomes.pause(told)
            due_ms = now_ms + round(max(pause, desk.rules.look_seconds) * 1000)
            step = look_again(post, now_ms, due_ms, desk.outcomes)
            return await desk.settle(Outcome(step, pause, stops_posts(told)), told)
        seen = Evidence(told, None)
        is_out = told.status is ContainerStatus.PUBLISHED
        if is_listed(post) and (is_out or now_ms >= settled_at_ms(post, desk.outcomes)):
            await admit()
            seen = await self._with_list(post, told)
        await desk.record(conclude(post, seen, desk.clock(), desk.outcomes))
        return 0.0

    async def _reason_against(self, post: PostRow) -> str | None:
        """Why a post may not be published any more, though its container can be."""
        # The container may be a day old, and Instagram has the pictures: only the bank knows of
        # rights that have ended since.
        if not await self._desk.has_pictures(post):
            return "picture_unavailable"
        # Room, a turn and the bank may have been waited for.
        return "too_late" if self._desk.is_late(post) else None

    async def _request(self, begun: PostRow, container: str) -> float:
        desk = self._desk
        desk.quotas.published(begun.account)

        let_go = False

        async def gate() -> bool:
            nonlocal let_go
            # The step before may have taken its time. Nothing awaits between here and the
            # request's first byte.
            let_go = desk.may_begin() and not desk.is_late(begun)
            return let_go

        media = await desk.ask(
            desk.publishing.publish(begun.account, container, gate=gate), let_go=lambda: let_go
        )
        now_ms = desk.clock()
        if isinstance(media, GraphError):
            return await desk.settle(desk.outcomes.not_published(begun, media, now_ms), media)
        await desk.record(
            PostStep(of=begun, after=PostState.PUBLISHED, at_ms=now_ms, media_id=media)
        )
        return 0.0

    async def _with_list(self, post: PostRow, told: Container) -> Evidence:
        desk = self._desk
        listed = await desk.ask(desk.publishing.recent_media(post.account))
        if isinstance(listed, GraphError):
            return Evidence(told, None, refused=isinstance(listed, Refused))
        ids = [one.id for one in listed]
        claimed = await until_available(lambda: desk.store.claimed_media(post.account, ids))
        return Evidence(told, listed, claimed=claimed)
