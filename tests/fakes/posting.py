"""A post worker between posts in memory and a pretend Instagram, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from publishers.lane import Lane
from publishers.lanes import Lanes
from publishers.posts_rules import PostRules
from publishers.posts_worker import Posting, PostWorker
from publishers.rules import SendingRules
from publishers.tally import Tally
from tests.fakes.clock import virtual_monotonic, virtual_ms
from tests.fakes.publishing import PretendPublishing
from tests.fakes.store_posts import MemoryPosts
from vestlus.clock import Clock
from vestlus.steady_clock import SteadyClock
from vestlus.store.names import outbox_lease
from vestlus.store.post_rows import PostRow
from vestlus.store.rows import Lease


@dataclass(frozen=True)
class Link:
    """What the image bank says of a picture for posts."""

    url: str
    alt: str = "Panga sõnad"
    width: int = 2100
    height: int = 1000


class MemoryPostPictures:
    """An image bank that has every picture but those withdrawn."""

    def __init__(self) -> None:
        self.withdrawn: set[str] = set()
        #: How often asking for a picture still fails of a defect.
        self.defects: dict[str, int] = {}

    async def post_link(self, picture_id: str, account: str, now_ms: int) -> Link | None:
        """Return a picture of that name, under an address that changes with the time."""
        del account, now_ms
        if self.defects.get(picture_id):
            self.defects[picture_id] -= 1
            raise KeyError(picture_id)
        if picture_id in self.withdrawn:
            return None
        return Link(f"https://media.example/{picture_id}.jpg")


@dataclass
class PostPlace:
    """Everything that a post worker needs, and what outlives it."""

    store: MemoryPosts = field(default_factory=MemoryPosts)
    instagram: PretendPublishing = field(default_factory=PretendPublishing)
    pictures: MemoryPostPictures = field(default_factory=MemoryPostPictures)
    rules: SendingRules = field(default_factory=SendingRules)
    posts: PostRules = field(default_factory=PostRules)
    tally: Tally = field(default_factory=Tally)
    until: Callable[[], float] = lambda: virtual_monotonic() + 60.0
    clock: Clock = virtual_ms
    epoch: int = 0

    def next_lease(self) -> Lease:
        """Give the lease to a new holder."""
        self.epoch += 1
        return self.store.take_over(Lease(outbox_lease(0), self.epoch))

    def lanes(self) -> Lanes:
        """Return the queues of messages of a new worker."""
        return Lanes(
            self.rules,
            virtual_ms,
            virtual_monotonic,
            stopped=lambda _: None,
            opened=lambda: None,
        )

    def worker(self, lease: Lease | None = None) -> PostWorker:
        """Return a worker for partition 0 that does not run yet."""
        return PostWorker(
            lease=lease or self.next_lease(),
            posting=Posting(
                store=self.store,
                publishing=self.instagram,
                pictures=self.pictures,
                rules=self.posts,
            ),
            lease_remaining=lambda: self.until() - virtual_monotonic(),
            clock=SteadyClock(self.clock, virtual_monotonic),
            monotonic=virtual_monotonic,
            rules=self.rules,
            tally=self.tally,
        )

    def start(
        self, worker: PostWorker | None = None, lanes: Lanes | None = None
    ) -> asyncio.Task[None]:
        """Run a worker, beside these queues of messages; empty ones if none are given."""
        lanes = self.lanes() if lanes is None else lanes

        def lane_of(account: str) -> Lane:
            return lanes.get(account) or lanes.new(account)

        return asyncio.create_task((worker or self.worker()).run(lane_of))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run a worker; what it fails of is raised."""
        task = self.start()
        try:
            yield task
        finally:
            if task.done():
                await task
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def ended(self) -> None:
        """Wait until no post is left."""
        while not self.store.all_ended():
            await asyncio.sleep(5)

    async def publish(self, **fields: Any) -> PostRow:  # noqa: ANN401  fields of several types
        """Plan the post `x`, serve until it has ended, and return it."""
        self.store.plan("x", **fields)
        async with self.serving():
            await self.ended()
        return self.store.rows["x"]
