"""What every move of a post needs: asking Instagram, the room of the day, recording steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from publishers.measured import note_post
from publishers.posts_book import PostBook
from publishers.posts_outcome import Outcome, PostOutcomes
from publishers.posts_quota import PostQuotas
from publishers.posts_rules import PostRules
from publishers.posts_words import PostLink
from publishers.rules import GUARD_SECONDS
from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import GraphError, NotSent, OutcomeUnknown
from vestlus.instagram.port import Publishing
from vestlus.store.port import Posts
from vestlus.store.post_rows import ContainerRow, PostRow, PostStep
from vestlus.store.posts import ENDED, PostState

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class NotNow(Exception):
    """No request may be begun for so many seconds; nothing was done."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


#: Waits a moment for the right to one request. Raises NotNow when there is none: the account is
#: paused, too little of the lease is left, or the clock has just jumped ahead.
Admit = Callable[[], Awaitable[None]]


def _always() -> bool:
    """Without a gate nobody knows."""
    return True


class PostPictures(Protocol):
    """The image bank, as far as posts need it."""

    async def post_link(self, picture_id: str, account: str, now_ms: int) -> PostLink | None:
        """The picture's JPEG, or ``None`` where this account may not post it now. Raises
        StoreUnavailable.
        """
        ...


class PostDesk:
    """Shared by the moves of one worker's posts."""

    def __init__(
        self,
        *,
        book: PostBook,
        store: Posts,
        publishing: Publishing,
        pictures: PostPictures,
        quotas: PostQuotas,
        outcomes: PostOutcomes,
        request_seconds: float,
        may_begin: Callable[[], bool],
        clock: Clock,
        tally: Tally,
    ) -> None:
        self.store = store
        self.publishing = publishing
        self.quotas = quotas
        self.outcomes = outcomes
        self.clock = clock
        #: Whether a request begun now would end while the lease is certainly held, and the clock
        #: by which it is begun is to be believed.
        self.may_begin = may_begin
        self._book = book
        self._pictures = pictures
        self._request_seconds = request_seconds
        self._tally = tally

    @property
    def rules(self) -> PostRules:
        """The numbers."""
        return self.outcomes.rules

    async def ask(
        self, call: Awaitable[T], *, let_go: Callable[[], bool] = _always
    ) -> T | GraphError:
        """The answer to a request, or what went wrong with it.

        ``let_go``: whether the request's gate has let it go, so that bytes may have been written.
        """
        try:
            async with asyncio.timeout(self._request_seconds + GUARD_SECONDS):
                return await call
        except TimeoutError:
            return OutcomeUnknown("timeout") if let_go() else NotSent("timeout")
        except GraphError as told:
            return told
        except Exception as defect:  # noqa: BLE001 - whatever it was, bytes may have been written
            _log.error("publishing_failed_unexpectedly", error=type(defect).__name__)
            return OutcomeUnknown("unexpected")

    async def has_room(self, post: PostRow, containers: int, admit: Admit) -> bool:
        """Whether there is room for the post today; puts it off where there is not."""
        wait = await self.quotas.wait_seconds(post.account, containers)
        if not wait and self.quotas.needs_reading(post.account):
            await admit()
            read = await self.ask(self.publishing.publishing_quota(post.account))
            self.quotas.told(post.account, read)
        if not wait and self.quotas.has_room(post.account):
            return True
        # All that wait are looked at again at one moment, the earliest planned first: else a later
        # one whose turn happens to come just after there is room would take it.
        longest = self.rules.quota_wait_seconds
        together = longest - self.clock() / 1000 % longest
        seconds = min(wait or together, together)
        step = self.outcomes.put_off(post, "publishing_limit", max(seconds, 1.0), self.clock())
        await self.record(step)
        return False

    async def link(self, post: PostRow, position: int) -> PostLink | None:
        """Where the picture of a place is at this moment."""
        picture = post.pictures[max(position, 1) - 1]
        return await until_available(
            lambda: self._pictures.post_link(picture.id, post.account, self.clock())
        )

    async def has_pictures(self, post: PostRow) -> bool:
        """Whether the account may post each of its pictures at this moment."""
        places = range(1, len(post.pictures) + 1)
        return all([await self.link(post, place) is not None for place in places])

    def is_late(self, post: PostRow) -> bool:
        """Whether it may not be published any more: nobody wants it by now, or on an old yes."""
        return self.clock() > post.deadline_ms

    def is_old(self, one: ContainerRow) -> bool:
        """Whether a container is about to end."""
        return self.clock() - one.made_ms >= self.rules.container_life_seconds * 1000

    async def settle(self, outcome: Outcome, error: GraphError) -> float:
        """Records what an error made of a post; for how long the account's posts wait, seconds."""
        if outcome.stopped:
            self._tally.stopped(outcome.step.of.account, error)
        await self.record(outcome.step)
        return outcome.pause

    async def record(self, step: PostStep) -> PostRow | None:
        """Makes a step; ``None`` where the post was not as supposed. Raises LeaseLost."""
        row = await self._book.step(step)
        if row is None:
            _log.warning("post_changed_meanwhile", post=step.of.id, account=step.of.account)
            return None
        self._tally.posts[f"{step.of.state}/{step.after}"] += 1
        note_post(step)
        if step.after in ENDED and step.after is not PostState.PUBLISHED:
            _log.error(
                "post_given_up",
                post=step.of.id,
                account=step.of.account,
                state=str(step.after),
                reason=step.reason,
            )
        return row
