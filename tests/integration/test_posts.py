"""Posts on the real store and the simulator: killed at every step, each is on the grid once."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from aiohttp import web

from publishers.bucket import Limit
from publishers.lane import Lane
from publishers.lanes import Lanes
from publishers.posts_rules import PostRules
from publishers.posts_worker import Posting, PostWorker
from publishers.rules import SendingRules
from publishers.service import PublisherService
from publishers.tally import Tally
from tests.fakes.outbox import MemoryPictures, limited
from tests.fakes.posting import Link
from tests.integration.test_simulator_posts import jpeg
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import GraphError
from vestlus.instagram.graph import GraphClient
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.steady_clock import SteadyClock
from vestlus.store.names import outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.post_rows import NewPost, PostKind, PostPicture, PostRow
from vestlus.store.posts import ENDED, PostState
from vestlus.store.rows import Member, MemberKind

T = TypeVar("T")

OUTBOX = 4096
QUICK = SendingRules(
    limits=limited(publish=Limit(50.0)), request_seconds=5.0, lease_margin_seconds=0.5
)
POSTS = PostRules(
    first_status_seconds=0.05,
    status_seconds=0.2,
    settling_seconds=1.0,
    first_look_seconds=0.05,
    look_seconds=0.3,
    look_for_id_seconds=0.2,
    retry_seconds=0.05,
    poll_seconds=0.1,
    not_begun_seconds=0.1,
)
#: A picture's way: each step and each request has a moment before and one after. Nine of them
#: without a fault; with one, two more steps and two more requests at least.
MOMENTS = {None: 18, "apply": 28, "drop": 28}


@dataclass
class Killer:
    """Stops everything at one moment of a publisher's work, as a kill would."""

    at: int
    passed: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def moment(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.reached.set()
        if self.passed >= self.at:
            await asyncio.Event().wait()

    def around(self, call: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def wrapped(*args: Any, **named: Any) -> T:  # noqa: ANN401 - whatever it takes
            await self.moment()
            try:
                result = await call(*args, **named)
            except GraphError:
                await self.moment()
                raise
            await self.moment()
            return result

        return wrapped


class Mortal:
    """A port of which some calls pass a killer, and the others go through."""

    def __init__(self, of: object, killer: Killer, *names: str) -> None:
        self._of = of
        self._wrapped = {name: killer.around(getattr(of, name)) for name in names}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        return self._wrapped.get(name) or getattr(self._of, name)


class Pictures:
    def __init__(self, url: str) -> None:
        self._url = url

    async def post_link(self, picture_id: str, account: str, now_ms: int) -> Link | None:
        del account, now_ms
        return Link(f"{self._url}/{picture_id}.jpg", "Pilt", 400, 400)


@dataclass
class Stage:
    store: Store
    graph: GraphClient
    simulator: str
    http: aiohttp.ClientSession
    pictures: Pictures
    tally: Tally = field(default_factory=Tally)

    async def control(self, path: str, body: object) -> None:
        async with self.http.post(f"{self.simulator}/control/{path}", json=body) as response:
            assert response.status == 200, await response.text()

    async def fail_first(self, fault: str | None, accounts: list[str]) -> None:
        """Has Graph fail the first request of each account for a container, and to publish."""
        rules = [
            {"kind": fault, "op": op, "account": account, "next": 1}
            for op in ("container", "publish")
            for account in accounts
            if fault is not None
        ]
        await self.control("faults", {"rules": rules})

    async def captions(self, account: str) -> list[str]:
        query = {"account": account}
        async with self.http.get(f"{self.simulator}/control/grid", params=query) as response:
            return [post["caption"] for post in (await response.json())["posts"]]

    async def plan(self, account: str, pictures: int = 1) -> str:
        now_ms = system_clock()
        post = NewPost(
            id=f"post-{account}",
            key=account,
            account=account,
            kind=PostKind.CAROUSEL if pictures > 1 else PostKind.PICTURE,
            pictures=tuple(PostPicture(f"p{n}", f"Pilt {n}") for n in range(pictures)),
            caption=f"Postitus {account}",
            planned_ms=now_ms,
            deadline_ms=now_ms + 3_600_000,
        )
        assert await self.store.add_posts([post], now_ms)
        return post.id

    async def row(self, account: str) -> PostRow:
        row = await self.store.post(f"post-{account}")
        assert row is not None
        return row

    @asynccontextmanager
    async def serving(
        self, account: str, incarnation: str, killer: Killer | None = None
    ) -> AsyncIterator[asyncio.Task[None]]:
        """A publisher for one account; leaving cancels it hard."""
        name = outbox_lease(outbox_partition_of(account, OUTBOX))
        member = Member(f"publisher {account}", MemberKind.PUBLISHER, incarnation, "here", 1)
        lease = (await self.store.acquire([name], member, 600))[name]
        store: Any = self.store
        graph: Any = self.graph
        if killer is not None:
            store = Mortal(store, killer, "post_step")
            graph = Mortal(
                graph, killer, "create_container", "container", "publish", "publishing_quota"
            )
        lanes = Lanes(
            QUICK, system_clock, time.monotonic, stopped=lambda _: None, opened=lambda: None
        )

        def lane_of(account: str) -> Lane:
            return lanes.get(account) or lanes.new(account)

        worker = PostWorker(
            lease=lease,
            posting=Posting(store=store, publishing=graph, pictures=self.pictures, rules=POSTS),
            lease_remaining=lambda: 600.0,
            clock=SteadyClock(system_clock, time.monotonic),
            monotonic=time.monotonic,
            rules=QUICK,
            tally=self.tally,
        )
        task = asyncio.create_task(worker.run(lane_of))
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def ended(self, account: str) -> PostRow:
        async with asyncio.timeout(60):
            while (row := await self.row(account)).state not in ENDED:
                await asyncio.sleep(0.1)
        return row


@asynccontextmanager
async def running_stage(accounts: list[str], folder: Path) -> AsyncIterator[Stage]:
    async def picture(_: web.Request) -> web.Response:
        return web.Response(body=jpeg(), content_type="image/jpeg")

    app = web.Application()
    app.add_routes([web.get("/{name}", picture)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pictures = Pictures(f"http://127.0.0.1:{runner.addresses[0][1]}")
        config = SimulatorConfig(
            data=folder / "simulator.sqlite",
            webhook_url="http://127.0.0.1:1/webhook",
            app_secret="secret",
            access_token="token",
            account_ids=tuple(accounts),
        )
        simulator = await stack.enter_async_context(Simulator(config))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        store = await stack.enter_async_context(
            open_store(f"sqlite:///{folder}/store.sqlite", partitions=1, outbox_partitions=OUTBOX)
        )
        graph = await stack.enter_async_context(
            GraphClient(f"{simulator.url}/graph/v25.0", lambda account: f"token.{account}")
        )
        yield Stage(store, graph, simulator.url, http, pictures)


def accounts_of_their_own(count: int) -> list[str]:
    """Accounts that share no outbox partition, so that each has a publisher to itself."""
    found: dict[int, str] = {}
    for number in range(count * 3):
        account = f"178414000000{number:05}"
        found.setdefault(outbox_partition_of(account, OUTBOX), account)
    return list(found.values())[:count]


@pytest.mark.parametrize("fault", MOMENTS)
async def test_killed_at_every_step_a_post_is_on_the_grid_once(
    fault: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who is killed writes nothing more.
    monkeypatch.setattr("publishers.posts_book.LAST_STEPS_SECONDS", 0.05)
    # All moments at once, since most of the time is waiting.
    accounts = accounts_of_their_own(MOMENTS[fault])

    async def life(stage: Stage, account: str, at: int) -> bool:
        """One post whose publisher is killed at a moment; whether that moment came."""
        await stage.plan(account)
        killer = Killer(at)
        async with stage.serving(account, "1", killer):
            waits = {
                asyncio.create_task(killer.reached.wait()),
                asyncio.create_task(stage.ended(account)),
            }
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        async with stage.serving(account, "2"):
            row = await stage.ended(account)
        assert (row.state, row.problem) == (PostState.PUBLISHED, ""), (at, row)
        assert row.media_id
        assert await stage.captions(account) == [f"Postitus {account}"], at
        return killer.reached.is_set()

    async with running_stage(accounts, tmp_path) as stage:
        await stage.fail_first(fault, accounts)
        reached = await asyncio.gather(
            *(life(stage, account, at) for at, account in enumerate(accounts, 1))
        )
    assert all(reached), "a moment that never came: nobody was killed at it"


async def test_a_carousel_is_published_whole(tmp_path: Path) -> None:
    (account,) = accounts_of_their_own(1)
    async with running_stage([account], tmp_path) as stage:
        await stage.plan(account, pictures=3)
        async with stage.serving(account, "1"):
            row = await stage.ended(account)
        assert row.state is PostState.PUBLISHED
        assert [one.position for one in row.containers] == [1, 2, 3, 0]
        async with stage.http.get(f"{stage.simulator}/control/grid") as response:
            (post,) = (await response.json())["posts"]
        assert [each["alt"] for each in post["pictures"]] == ["Pilt 0", "Pilt 1", "Pilt 2"]


async def test_a_quota_that_is_used_up_leaves_the_post_waiting_with_a_word(tmp_path: Path) -> None:
    (account,) = accounts_of_their_own(1)
    async with running_stage([account], tmp_path) as stage:
        await stage.control("publishing", {"posts_per_day": 0})
        await stage.plan(account)
        async with stage.serving(account, "1"), asyncio.timeout(20):
            while not (row := await stage.row(account)).problem:
                await asyncio.sleep(0.05)
        assert (row.state, row.reason) == (PostState.PLANNED, "publishing_limit")
        assert await stage.captions(account) == []


async def test_the_publisher_service_publishes_beside_its_messages(tmp_path: Path) -> None:
    (account,) = accounts_of_their_own(1)
    bus = open_bus(f"sqlite:///{tmp_path}/bus.sqlite", Topology(inbox=1, outbox=OUTBOX))
    async with running_stage([account], tmp_path) as stage, bus:
        await stage.plan(account)
        name = outbox_lease(outbox_partition_of(account, OUTBOX))
        member = Member("publisher", MemberKind.PUBLISHER, "1", "here", 1)
        lease = (await stage.store.acquire([name], member, 600))[name]
        service = PublisherService(
            bus=bus,
            store=stage.store,
            messaging=stage.graph,
            pictures=MemoryPictures(),
            clock=system_clock,
            monotonic=time.monotonic,
            rules=QUICK,
            chance=random.Random(0),  # noqa: S311 - no secret
            posting=Posting(
                store=stage.store, publishing=stage.graph, pictures=stage.pictures, rules=POSTS
            ),
        )
        async with service:
            service.lease_extended([name], time.monotonic() + 600)
            await service.hold(lease)
            row = await stage.ended(account)
            assert service.stats().posts["publishing/published"] == 1
        assert row.state is PostState.PUBLISHED
        assert await stage.captions(account) == [row.caption]
