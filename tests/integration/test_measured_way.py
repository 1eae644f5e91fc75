"""The way of a message, counted: a replica, a host and a publisher, with a pretend Instagram."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter

from publishers.service import PublisherService
from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.measures import samples, total
from tests.fakes.outbox import MemoryPictures
from tests.integration.hosting_support import FAST
from tests.integration.simulator_harness import (
    FIRST,
    SECRET,
    Client,
    RecordingService,
    running_service,
    running_simulator,
)
from tests.integration.test_publishers import QUICK
from tests.integration.test_web import call, settings
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.hosting.host import ConversationHost
from vestlus.instagram.graph import GraphClient
from vestlus.measuring.minutes import MINUTES
from vestlus.measuring.processes import Identity
from vestlus.measuring.reporter import Reporter
from vestlus.measuring.series import series
from vestlus.store.measure_rows import MINUTE_MS
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind
from vestlus.web import Front

#: Two messages: a text of at most 1000 bytes goes as one.
LONG = "Tere! " * 300


@dataclass
class Way:
    """All that a message passes, and Instagram at both ends."""

    front: Front
    store: Store
    client: Client
    service: RecordingService

    async def write(self, user: str, text: str) -> None:
        """A user writes; the webhook reaches the replica."""
        before = len(self.service.bodies)
        wanted = {"account": FIRST, "user": user, "text": text}
        await self.client.control("messages", wanted)
        await self.service.until(lambda: len(self.service.bodies) > before)
        answer = await call(self.front, "POST", "/webhook", self.service.bodies[before], SECRET)
        assert answer.status == 200

    async def received(self, user: str, count: int) -> None:
        """Waits until the user has so many messages."""
        async with asyncio.timeout(20):
            while len(await self.client.sent(user)) < count:
                await asyncio.sleep(0.02)

    async def until(self, before: bytes, name: str, change: float, **labels: str) -> None:
        """Waits until a measure has grown by that much."""
        async with asyncio.timeout(20):
            while await self.grown(before, name, **labels) < change:
                await asyncio.sleep(0.02)

    async def grown(self, before: bytes, name: str, **labels: str) -> float:
        """By how much a measure has grown."""
        return total(await self.metrics(), name, **labels) - total(before, name, **labels)

    async def metrics(self) -> bytes:
        """What Prometheus gets."""
        return (await call(self.front, "GET", "/metrics")).body


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Way]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        service = await enter(running_service())
        client = await enter(running_simulator(service, tmp_path))
        own = settings(tmp_path, app_secrets=(SECRET,), partitions=2)
        topology = Topology(inbox=2)
        store = await enter(
            open_store(own.database, partitions=2, outbox_partitions=topology.outbox)
        )
        bus = await enter(MeasuredBus(open_bus(own.bus, topology)))
        host = await enter(
            ConversationHost(
                store=store,
                bus=bus,
                assistant=ScriptedAssistant(lambda _: LONG),
                clock=system_clock,
                partitions=2,
                outbox_partitions=topology.outbox,
                policies=FAST,
            )
        )
        token = (await client.control("tokens", {"account": FIRST}))["token"]
        graph = await enter(GraphClient(f"{client.url}/graph/v25.0", lambda _: token))
        publisher = await enter(
            PublisherService(
                bus=bus,
                store=store,
                messaging=graph,
                pictures=MemoryPictures(),
                clock=system_clock,
                monotonic=time.monotonic,
                rules=QUICK,
                chance=random.Random(0),  # noqa: S311 - no secret
            )
        )
        member = Member("c/all", MemberKind.CONVERSATION, "1", "h", 1)
        inbox = [inbox_lease(number) for number in range(2)]
        outbox = [outbox_lease(number) for number in range(topology.outbox)]
        publisher.lease_extended(outbox, time.monotonic() + 600)
        for lease in (await store.acquire(inbox, member, 600)).values():
            await host.hold(lease)
        for lease in (await store.acquire(outbox, member, 600)).values():
            await publisher.hold(lease)
        front = Front(own)
        await enter(front._lifespan(front._rest))
        async with asyncio.timeout(15):
            while front.adapters.webhook is None or front.adapters.store is None:
                await asyncio.sleep(0.01)
        yield Way(front, store, client, service)


async def test_the_way_of_a_message_is_counted_from_the_webhook_to_the_last_part_of_its_answer(
    way: Way,
) -> None:
    before = await way.metrics()
    await way.write("u1", "Tere!")
    await way.received("u1", 2)
    await way.until(before, "vestlus_answer_seconds_count", 1, account=FIRST)
    grown = {
        (name, *labels.values()): await way.grown(before, name, **labels)
        for name, labels in (
            ("vestlus_webhook_total", {"what": "event_message"}),
            ("vestlus_webhook_total", {"what": "request_accepted"}),
            ("vestlus_bus_publish_seconds_count", {"queue": "inbox", "outcome": "confirmed"}),
            ("vestlus_bus_deliveries_total", {"queue": "inbox"}),
            ("vestlus_events_recorded_total", {"account": FIRST, "kind": "message"}),
            ("vestlus_recording_lag_seconds_count", {}),
            ("vestlus_bus_wait_seconds_count", {}),
            ("vestlus_group_items_sum", {"group": "recorder"}),
            ("vestlus_turns_total", {"account": FIRST, "outcome": "answered"}),
            ("vestlus_turns_total", {"account": FIRST}),
            ("vestlus_turn_seconds_count", {"phase": "queued"}),
            ("vestlus_turn_seconds_count", {"phase": "thinking"}),
            ("vestlus_turn_seconds_count", {"phase": "committing"}),
            ("vestlus_group_items_sum", {"group": "turn-commits"}),
            ("vestlus_sends_finished_total", {"account": FIRST, "kind": "text"}),
            ("vestlus_send_age_seconds_count", {"kind": "text"}),
            ("vestlus_graph_call_seconds_count", {"call": "messages", "outcome": "done"}),
            ("vestlus_messages_answered_total", {"account": FIRST}),
            ("vestlus_answer_seconds_count", {"account": FIRST}),
        )
    }
    two = {
        ("vestlus_sends_finished_total", FIRST, "text"),
        ("vestlus_send_age_seconds_count", "text"),
        ("vestlus_graph_call_seconds_count", "messages", "done"),
    }
    assert grown == {name: 2 if name in two else 1 for name in grown}
    after = await way.metrics()
    took = total(after, "vestlus_answer_seconds_sum") - total(before, "vestlus_answer_seconds_sum")
    assert 0 < took < 20
    assert total(after, "vestlus_graph_usage_ratio", account=FIRST) >= 0


async def test_no_label_names_a_user_a_conversation_or_a_message(way: Way) -> None:
    before = await way.metrics()
    await way.write("user-of-this-test", "words of this test")
    await way.received("user-of-this-test", 2)
    await way.until(before, "vestlus_answer_seconds_count", 1)
    body = await way.metrics()
    mids = way.service.mids() + way.service.mids(echoes=True)
    for secret in ("user-of-this-test", "words of this test", *mids):
        assert secret.encode() not in body
    labels = {name for _, its in samples(body) for name, _ in its}
    assert labels <= {
        *("account", "call", "change", "connection", "group", "how", "kind", "le", "model", "node"),
        *("callback", "error", "of", "purpose", "route", "status"),
        *("outcome", "phase", "process", "queue", "reason", "state", "way", "what"),
    }


async def test_each_minute_says_what_came_was_answered_and_how_long_it_took(way: Way) -> None:
    MINUTES.take()
    before = await way.metrics()
    for user in ("u1", "u2"):
        await way.write(user, "Tere!")
    await way.until(before, "vestlus_answer_seconds_count", 2)
    mine = Identity(process="all.1", name="all", kind="publisher", node="h")
    await Reporter(way.store, mine, clock=system_clock).tell()
    now_ms = system_clock()
    async with asyncio.timeout(20):
        # The replica's own reporter may have taken a part of it.
        while True:
            rows = await way.store.minutes(now_ms - 10 * MINUTE_MS, now_ms, account=FIRST)
            if sum(row.answered for row in rows) == 2:
                break
            await asyncio.sleep(0.02)
    (point,) = series(rows, now_ms - 9 * MINUTE_MS, now_ms, step_minutes=10)
    assert (point.received, point.answered, point.failed) == (2, 2, 0)
    assert point.median_seconds is not None
    assert sum(sum(row.times) for row in rows) == 2


async def test_any_replica_tells_of_the_other_processes_until_they_end(way: Way) -> None:
    registry = CollectorRegistry()
    Counter("vestlus_other_total", "Of another process.", registry=registry).inc(3)
    other = Identity(process="publisher-1.ab", name="c/publisher-1", kind="publisher", node="n")
    reporter = Reporter(way.store, other, clock=system_clock, registry=registry)
    await reporter.tell()
    body = await way.metrics()
    assert total(body, "vestlus_other_total", process="publisher-1.ab") == 3
    assert total(body, "vestlus_process_info", kind="publisher", node="n") == 1
    await reporter.end()
    body = await way.metrics()
    assert total(body, "vestlus_other_total") == 0
    assert total(body, "vestlus_process_info", kind="publisher", node="n") == 0
