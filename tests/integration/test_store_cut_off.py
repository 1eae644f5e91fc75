"""A host that loses its way to the store, and not to the bus, takes nothing in any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, FAST, GRAVES, message
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import partition_of
from vestlus.errors import StoreUnavailable
from vestlus.hosting import membership
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.membership import Membership
from vestlus.messages import encode, inbox_message
from vestlus.store.names import REGISTRY, inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind

TOPOLOGY = Topology(inbox=2, outbox=1)
ROOT = Member("c/registry", MemberKind.REGISTRY, "1", "h", 1)
ONE = Member("c/conversation-0", MemberKind.CONVERSATION, "1", "host-one", 1)
TWO = Member("c/conversation-1", MemberKind.CONVERSATION, "1", "host-two", 2)
USER = next(f"u{n}" for n in range(99) if partition_of(ACCOUNT, f"u{n}", 2) == 0)


class Cut:
    """The store as one host sees it, whose way to it may be cut."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.cut = False

    def __getattr__(self, name: str) -> object:
        real = getattr(self._store, name)
        if not callable(real):
            return real

        async def call(*args: object, **kwargs: object) -> object:
            if self.cut:
                raise StoreUnavailable("no route to host")
            return await real(*args, **kwargs)

        return call


class Answerless(Cut):
    """Whose way is cut while something is recorded: it is, and nobody hears of it."""

    loses = False

    def __getattr__(self, name: str) -> object:
        call = super().__getattr__(name)
        if name != "record":
            return call

        async def record(*arguments: object) -> object:
            recorded = await cast("Callable[..., Any]", call)(*arguments)
            if self.loses:
                self.loses, self.cut = False, True
                raise StoreUnavailable("the answer is lost")
            return recorded

        return record


@pytest.fixture(params=["embedded", "rabbitmq"])
def bus_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "embedded":
        return f"sqlite:///{tmp_path / 'bus.sqlite'}"
    return str(request.getfixturevalue("amqp_space").url)


def host_of(store: Store, bus: Bus) -> ConversationHost:
    return ConversationHost(
        store=store,
        bus=bus,
        assistant=ScriptedAssistant(),
        clock=system_clock,
        partitions=2,
        outbox_partitions=1,
        policies=FAST,
        graves=GRAVES,
    )


def body(text: str) -> bytes:
    return encode(inbox_message((message(USER, text),), at_ms=system_clock()))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of 3 s in the place of 20."""
    monkeypatch.setattr(membership, "LEASE_SECONDS", 3.0)
    monkeypatch.setattr(membership, "RENEW_SECONDS", 0.3)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    place = f"sqlite:///{tmp_path / 's.sqlite'}"
    async with open_store(place, partitions=2, outbox_partitions=1) as opened:
        yield opened


async def test_what_is_written_to_a_host_without_a_store_is_answered_by_who_took_over(
    store: Store, bus_url: str
) -> None:
    cut, stop = Cut(store), asyncio.Event()
    registry = (await store.acquire([REGISTRY], ROOT, 600))[REGISTRY]
    async with (
        open_bus(bus_url, TOPOLOGY) as bus,
        open_bus(bus_url, TOPOLOGY) as other,
        host_of(cast("Store", cut), bus) as one,
        host_of(store, other) as two,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(Membership(cast("Store", cut), ONE, one).run(stop, lambda: 1.0))
        group.create_task(Membership(store, TWO, two).run(stop, lambda: 1.0))
        await store.assign(registry, {inbox_lease(0): ONE.id})
        await other.publish(Queue.INBOX, 0, [body("Enne.")])
        await until(lambda: one.counts().answered == 1)
        cut.cut = True
        # As the registry does after some silence; the lease runs out a little later.
        await store.assign(registry, {inbox_lease(0): TWO.id})
        await other.publish(Queue.INBOX, 0, [body("Pärast.")])
        await until(lambda: two.counts().answered == 1)
        cut.cut = False
        stop.set()


@asynccontextmanager
async def alone(
    store: Store, cut: Cut, bus_url: str
) -> AsyncIterator[tuple[ConversationHost, Bus]]:
    """One host that has the partition, has answered once, and sees the store as ``cut`` lets it."""
    registry = (await store.acquire([REGISTRY], ROOT, 600))[REGISTRY]
    await store.assign(registry, {inbox_lease(0): ONE.id})
    stop, seen = asyncio.Event(), cast("Store", cut)
    async with (
        open_bus(bus_url, TOPOLOGY) as bus,
        host_of(seen, bus) as one,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(Membership(seen, ONE, one).run(stop, lambda: 1.0))
        await bus.publish(Queue.INBOX, 0, [body("Enne.")])
        await until(lambda: one.counts().answered == 1)
        yield one, bus
        stop.set()


async def test_whose_lease_nobody_took_takes_in_again_when_the_store_is_back(
    store: Store, bus_url: str
) -> None:
    cut = Cut(store)
    async with alone(store, cut, bus_url) as (one, bus):
        with capture_logs() as logs:
            cut.cut = True
            await until(lambda: any(entry["event"] == "lease_run_out" for entry in logs))
            await bus.publish(Queue.INBOX, 0, [body("Vahepeal.")])
            cut.cut = False
            await until(lambda: one.counts().answered == 2)


async def test_what_was_recorded_without_our_hearing_of_it_is_answered_after_a_rest(
    store: Store, bus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = (await store.acquire([inbox_lease(0)], ONE, 600))[inbox_lease(0)]
    record, begun, go = store.record, asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> Any:  # noqa: ANN401 - as the store's
        begun.set()
        await go.wait()
        return await record(*arguments)

    monkeypatch.setattr(store, "record", slow)
    async with open_bus(bus_url, TOPOLOGY) as bus, host_of(store, bus) as one:
        await one.hold(lease)
        await bus.publish(Queue.INBOX, 0, [body("Tere.")])
        await begun.wait()
        await one.rest(lease.name)
        go.set()
        await one.resume(lease.name)
        await until(lambda: one.counts().answered == 1)


async def test_what_was_recorded_while_the_way_was_cut_is_answered_after_a_rest(
    store: Store, bus_url: str
) -> None:
    cut = Answerless(store)
    async with alone(store, cut, bus_url) as (one, bus):
        with capture_logs() as logs:
            cut.loses = True
            await bus.publish(Queue.INBOX, 0, [body("Vahepeal.")])
            await until(lambda: any(entry["event"] == "lease_run_out" for entry in logs))
            cut.cut = False
            await until(lambda: one.counts().answered == 2)
