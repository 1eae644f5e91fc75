"""A pretend Content Publishing as publishers see it, in virtual time: it fails as it is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.fakes.clock import virtual_ms
from tests.fakes.messaging import Fault
from vestlus.errors import (
    GraphError,
    HeldBack,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.instagram.port import (
    CarouselContainer,
    Container,
    ContainerStatus,
    Gate,
    PictureContainer,
    PublishedMedia,
    PublishingQuota,
)

T = TypeVar("T")

#: What is asked of it: container, status, publish, quota, posts.
FaultOf = Callable[[str, str], Fault]


@dataclass
class Made:
    """A container."""

    id: str
    account: str
    content: PictureContainer | CarouselContainer
    made_ms: int
    published: bool = False
    #: How its status ends; ``None`` for as it should.
    ends: Container | None = None


@dataclass(frozen=True)
class OnGrid:
    """A post."""

    id: str
    account: str
    container: str
    caption: str
    at_ms: int
    pictures: tuple[str, ...] = ()


@dataclass
class PretendPublishing:
    """Implements the Publishing port. Publishing a container twice makes two posts."""

    fault: FaultOf = lambda _op, _account: Fault.NONE
    latency: float = 0.05
    #: Until there is a connection for a request to publish, virtual seconds.
    connecting: Callable[[], float] = lambda: 0.0
    processing_seconds: float = 0.0
    life_seconds: float = 24 * 3600.0
    late_seconds: float = 90.0
    quota: PublishingQuota = field(default_factory=lambda: PublishingQuota(0, 100))
    #: Raised by the next creations and publishings, in turn; ``None`` lets one through.
    refusals: dict[str, list[GraphError | None]] = field(default_factory=dict)
    #: How the next containers end.
    endings: list[Container | None] = field(default_factory=list)
    listed: bool = True
    calls: list[tuple[str, str, float]] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    grid: list[OnGrid] = field(default_factory=list)

    def captions(self, account: str = "a1") -> list[str]:
        """Return the captions of an account's posts, oldest first."""
        return [post.caption for post in self.grid if post.account == account]

    async def create_container(
        self, account: str, content: PictureContainer | CarouselContainer
    ) -> str:
        """See the port."""

        def apply() -> str:
            made = Made(f"c{len(self.made)}", account, content, virtual_ms())
            made.ends = self.endings.pop(0) if self.endings else None
            self.made[made.id] = made
            return made.id

        return await self._request("container", account, apply)

    async def container(self, account: str, container: str) -> Container:
        """See the port."""
        return await self._request("status", account, lambda: self._status(container))

    async def publish(self, account: str, container: str, *, gate: Gate | None = None) -> str:
        """See the port."""
        await asyncio.sleep(self.connecting())
        if gate is not None and not await gate():
            raise HeldBack("held_back")

        def apply() -> str:
            made = self.made[container]
            status = self._status(container).status
            if status not in {ContainerStatus.FINISHED, ContainerStatus.PUBLISHED}:
                raise Refused("container_expired", -2, 2207020)
            post = OnGrid(
                f"m{len(self.grid)}",
                account,
                container,
                made.content.caption,
                virtual_ms(),
                self._pictures(made),
            )
            made.published = True
            self.grid.append(post)
            return post.id

        return await self._request("publish", account, apply)

    async def publishing_quota(self, account: str) -> PublishingQuota:
        """See the port."""
        used = self.quota.used + len(self.captions(account))
        told = PublishingQuota(used, self.quota.total)
        return await self._request("quota", account, lambda: told)

    async def recent_media(self, account: str) -> tuple[PublishedMedia, ...]:
        """See the port."""

        def read() -> tuple[PublishedMedia, ...]:
            posts = [post for post in reversed(self.grid) if post.account == account]
            return tuple(
                PublishedMedia(post.id, post.caption, post.at_ms // 1000 * 1000)
                for post in posts[:50]
                if self.listed
            )

        return await self._request("posts", account, read)

    def _status(self, container: str) -> Container:
        made = self.made[container]
        age = (virtual_ms() - made.made_ms) / 1000
        if made.published:
            return Container(ContainerStatus.PUBLISHED)
        if age >= self.life_seconds:
            return Container(ContainerStatus.EXPIRED)
        if age < self.processing_seconds:
            return Container(ContainerStatus.IN_PROGRESS)
        return made.ends or Container(ContainerStatus.FINISHED)

    def _pictures(self, made: Made) -> tuple[str, ...]:
        if isinstance(made.content, PictureContainer):
            return (made.content.url,)
        return tuple(
            url for child in made.content.children for url in self._pictures(self.made[child])
        )

    async def _request(self, op: str, account: str, apply: Callable[[], T]) -> T:
        self.calls.append((op, account, asyncio.get_running_loop().time()))
        await asyncio.sleep(self.latency)
        refusals = self.refusals.get(op)
        refusal = refusals.pop(0) if refusals else None
        if refusal is not None:
            raise refusal
        fault = self.fault(op, account)
        reading = op in {"status", "quota", "posts"}
        if fault in {Fault.APPLY, Fault.HANG_DONE}:
            apply()
            if fault is Fault.HANG_DONE:
                await asyncio.Event().wait()
            raise NotSent("unknown_error", 1, 0) if reading else OutcomeUnknown("unknown_error", 1)
        if fault is Fault.LATE:
            asyncio.get_running_loop().call_later(self.late_seconds, apply)
            raise NotSent("cut") if reading else OutcomeUnknown("cut")
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        errors: dict[Fault, GraphError | Exception] = {
            Fault.CUT: NotSent("cut") if reading else OutcomeUnknown("cut"),
            Fault.UNREACHABLE: NotSent("no_connection"),
            Fault.BUSY: NotSent("container_missing", 24, 2207008),
            Fault.THROTTLE: Throttled("throttled", 80002, 0, 30.0),
            Fault.TOKEN: TokenRejected("token_expired", 190, 463),
            Fault.STOP: Refused("publishing_restricted", 4, 2207051),
            Fault.BUG: KeyError("a defect"),
        }
        if fault in errors:
            raise errors[fault]
        done = apply()
        await asyncio.sleep(self.latency)
        return done
