"""Events over HTTP, from several replicas to the store, the scheduler and a post."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.measures import measured, total
from tests.fakes.planning import PretendDrafter
from tests.integration.test_web import settings
from tests.services.kept import free_port
from tests.unit.webhook_front import Answer
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import KEPT_MS, EventDesk
from vestlus.planning.payloads import parse_payload
from vestlus.planning.rules import PlannerRules
from vestlus.planning.service import PlannerService
from vestlus.settings import Settings
from vestlus.store.names import SCHEDULER
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.post_rows import PostRow
from vestlus.store.rows import Member, MemberKind
from vestlus.web import Front

ACCOUNT = "17841400000000001"
BODY = b'{"title":"T"}'
TOKEN = "the-token-of-the-shop"
#: The scheduler does nothing by itself for as long as a test takes: it must be rung.
SLOW = PlannerRules(longest_seconds=600.0)


def own_settings(folder: Path, **changed: Any) -> Settings:  # noqa: ANN401 - any setting
    rule = {"name": "novel", "event": "arrival", "account": ACCOUNT, "pictures": ["saal"]}
    values = {
        "accounts": [{"id": ACCOUNT}],
        "event_rules": [rule],
        "event_tokens": (f"shop={TOKEN}",),
        **changed,
    }
    return settings(folder, **values)


@asynccontextmanager
async def replica(own: Settings) -> AsyncIterator[Front]:
    """One that has reached its store."""
    front = Front(own)
    async with front._lifespan(front._rest):
        async with asyncio.timeout(15):
            while front.adapters.store is None or front.adapters.bus is None:
                await asyncio.sleep(0.02)
        yield front


async def tell(front: Front, key: str | None = None, *, cut: bool = False) -> Answer:
    """Sends the event; with ``cut`` the connection is gone when the answer is to be written."""
    headers = [(b"authorization", f"Bearer {TOKEN}".encode())]
    if key is not None:
        headers.append((b"idempotency-key", key.encode()))
    incoming = [{"type": "http.request", "body": BODY, "more_body": False}]
    answer = Answer()

    async def receive() -> Any:  # noqa: ANN401 - ASGI's message
        return incoming.pop() if incoming else await asyncio.Event().wait()

    async def send(message: Any) -> None:  # noqa: ANN401 - as above
        if cut:
            raise ConnectionResetError
        await answer.send(message)

    scope = {"type": "http", "method": "POST", "path": "/events/arrival", "headers": headers}
    await front(scope, receive, send)
    return answer


async def told_at_once(fronts: Sequence[Front], keys: Sequence[str]) -> list[bytes]:
    """The bodies of the answers, all of which are 202."""
    around = itertools.cycle(fronts)
    answers = await asyncio.gather(*(tell(next(around), key) for key in keys))
    assert {answer.status for answer in answers} == {202}
    return [answer.body for answer in answers]


@asynccontextmanager
async def scheduler(own: Settings, store: Store) -> AsyncIterator[None]:
    """The scheduler's service, at work until the end, with a pretend drafter."""
    member = Member("scheduler", MemberKind.SCHEDULER, "1", "h", 1)
    lease = (await store.acquire([SCHEDULER], member, 600))[SCHEDULER]
    async with open_bus(own.bus, Topology(inbox=own.partitions)) as bus:
        service = PlannerService(
            bus=bus,
            store=store,
            drafter=PretendDrafter(seconds=0),
            kept=lambda _: (),
            clock=system_clock,
            monotonic=time.monotonic,
            rules=SLOW,
        )
        async with service:
            await service.hold(lease)
            yield


async def until_posts(store: Store, number: int) -> tuple[PostRow, ...]:
    async with asyncio.timeout(20):
        while len(posts := await store.posts(limit=99)) < number:
            await asyncio.sleep(0.02)
    return posts


def opened(own: Settings) -> Store:
    topology = Topology(inbox=own.partitions)
    return open_store(own.database, partitions=own.partitions, outbox_partitions=topology.outbox)


async def test_one_event_sent_fifty_times_at_once_with_one_key_is_one_post_and_two_keys_two(
    new_store_url: str, tmp_path: Path
) -> None:
    own = own_settings(tmp_path, database_url=new_store_url)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(own))
        fronts = [await stack.enter_async_context(replica(own)) for _ in range(2)]
        await stack.enter_async_context(scheduler(own, store))

        bodies = await told_at_once(fronts, ["k"] * 50)
        assert len(set(bodies)) == 1
        (only,) = await until_posts(store, 1)
        (outcome,) = json.loads(bodies[0])["outcomes"]
        occurrence = await store.occurrence(outcome["occurrence"])
        assert occurrence is not None
        assert occurrence.post == only.id

        more = await told_at_once(fronts, ["l", "m"] * 5)
        assert len(set(more)) == 2
        posts = await until_posts(store, 3)
        assert len(posts) == len(await store.occurrences(limit=99)) == 3
        assert len(await store.events(limit=99)) == 3


async def test_an_answer_that_was_cut_off_is_given_again_by_whoever_is_asked_next(
    new_store_url: str, tmp_path: Path
) -> None:
    own = own_settings(tmp_path, database_url=new_store_url)
    async with replica(own) as front:
        with pytest.raises(ConnectionResetError):
            await tell(front, "k", cut=True)
        assert front.adapters.store is not None
        (event,) = await front.adapters.store.events(limit=9)
    before = {
        what: measured("vestlus_event_requests_total", what=what)
        for what in ("taken", "unknown_event")
    }
    # A replica that was started anew, with settings that have no such rule any more.
    async with replica(own.model_copy(update={"event_rules": ()})) as front:
        answer = await tell(front, "k")
        assert (answer.status, json.loads(answer.body)["id"]) == (202, event.id)
        assert (await tell(front, "k")).body == answer.body
        assert (await tell(front, "l")).status == 404
        assert front.adapters.store is not None
        assert len(await front.adapters.store.occurrences(limit=9)) == 1
        metrics = Answer()
        await front(
            {"type": "http", "method": "GET", "path": "/metrics", "headers": []},
            asyncio.Event().wait,  # type: ignore[arg-type]  # nothing is received
            metrics.send,
        )
        for what, number in (("taken", 2), ("unknown_event", 1)):
            counted = total(metrics.body, "vestlus_event_requests_total", what=what)
            assert counted == before[what] + number


async def test_whoever_leads_forgets_events_after_seven_days_and_keeps_what_they_led_to(
    new_store_url: str, tmp_path: Path
) -> None:
    own = own_settings(tmp_path, database_url=new_store_url)
    desk = EventDesk(rules_of(own), lambda: system_clock() - KEPT_MS - 1)
    async with opened(own) as store:
        old = await desk.take(store, "shop", "arrival", parse_payload(BODY), "k")
        async with replica(own) as front:
            new = await tell(front, "l")
            async with scheduler(own, store), asyncio.timeout(20):
                while len(await store.events(limit=9)) > 1:
                    await asyncio.sleep(0.02)
            (event,) = await store.events(limit=9)
            assert event.id == json.loads(new.body)["id"]
            # Its key may come again, and then it is another event.
            assert old.row is not None
            assert json.loads((await tell(front, "k")).body)["id"] != old.row.id
        assert len(await store.occurrences(limit=9)) == 3


async def test_a_request_that_is_given_up_is_done_whole_or_not_at_all(
    new_store_url: str, tmp_path: Path
) -> None:
    own = own_settings(tmp_path, database_url=new_store_url)
    async with replica(own) as front:
        for number in range(12):
            request = asyncio.create_task(tell(front, f"k{number}"))
            for _ in range(number * 3):
                await asyncio.sleep(0)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
            answer = await tell(front, f"k{number}")
            assert answer.status == 202
        assert front.adapters.store is not None
        events = await front.adapters.store.events(limit=99)
        occurrences = await front.adapters.store.occurrences(limit=99)
        assert len(events) == 12
        assert {one.outcomes[0].occurrence for one in events} == {one.id for one in occurrences}
        assert len(occurrences) == 12


async def test_without_the_store_events_are_to_be_sent_again(tmp_path: Path) -> None:
    port = free_port()
    front = Front(own_settings(tmp_path, database_url=f"postgresql://127.0.0.1:{port}/none"))
    async with front._lifespan(front._rest):
        answer = await tell(front, "k")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_without_tokens_no_events_are_taken(tmp_path: Path) -> None:
    front = Front(own_settings(tmp_path, event_tokens=()))
    async with front._lifespan(front._rest):
        assert (await tell(front)).status == 404
