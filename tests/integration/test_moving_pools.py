"""Pools grow and shrink under load, on both pairs: nothing lost, doubled or out of order.

Hosts and publishers are those of the actors, each with its membership, in one process; who serves
what is computed as the registry does. Users write on, whether they were answered or not.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from itertools import count
from pathlib import Path

import pytest

from actors.publishing import PublisherHolder
from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.messaging import PretendInstagram
from tests.fakes.outbox import MemoryPictures
from tests.integration.hosting_support import FAST
from vestlus.assistant.port import Question
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, outbox_partition_of, partition_of
from vestlus.conversation.reply import Reply
from vestlus.errors import BusUnavailable
from vestlus.hosting import membership
from vestlus.hosting.assignment import assign_evenly
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.membership import Membership
from vestlus.hosting.run import until_failed
from vestlus.messages import encode, inbox_message
from vestlus.store.names import REGISTRY, inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind

TOPOLOGY = Topology(inbox=8, outbox=4)
ROOT = Member("c/registry", MemberKind.REGISTRY, "1", "h", 1)
USERS = 24
#: One account for each outbox partition.
ACCOUNTS = tuple(
    next(
        account
        for account in (f"1784140000{number:07}" for number in range(100))
        if outbox_partition_of(account, TOPOLOGY.outbox) == outbox
    )
    for outbox in range(TOPOLOGY.outbox)
)
NAMES = {
    MemberKind.CONVERSATION: [inbox_lease(one) for one in range(TOPOLOGY.inbox)],
    MemberKind.PUBLISHER: [outbox_lease(one) for one in range(TOPOLOGY.outbox)],
}


class SlowAssistant(ScriptedAssistant):
    """Takes a while, now more and now less."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def reply(self, question: Question) -> Reply:
        """See :class:`vestlus.assistant.port.Assistant`."""
        await asyncio.sleep(self._chance.uniform(0.02, 0.2))
        return await super().reply(question)


class Serving:
    """A member at work."""

    def __init__(self, kind: MemberKind, serving: Membership, stop: asyncio.Event) -> None:
        self.kind = kind
        self.membership = serving
        self.stop = stop
        self.task: asyncio.Task[None]


class Service:
    """Pools of hosts and publishers over one bus and one store, and the users."""

    def __init__(self, store: Store, bus: Bus, group: asyncio.TaskGroup) -> None:
        self._store = store
        self._bus = bus
        self._group = group
        self._chance = random.Random(5)  # noqa: S311 - reproducible
        self._numbers = count()
        self.instagram = PretendInstagram(latency=0.01)
        self.pools: dict[MemberKind, list[Serving]] = {kind: [] for kind in NAMES}
        self.written = [0] * USERS
        self.silent = asyncio.Event()

    async def resize(self, kind: MemberKind, size: int) -> None:
        """Starts or ends members, and waits until who is left has it all, evenly."""
        pool = self.pools[kind]
        ending = [pool.pop() for _ in range(len(pool) - size)]
        for one in ending:
            one.stop.set()
        for _ in range(size - len(pool)):
            started = self._group.create_task(self._member(kind), name=f"{kind}")
            # It is in the pool as soon as it serves.
            wanted = len(pool) + 1
            await until(lambda wanted=wanted: len(pool) == wanted)  # type: ignore[misc]
            pool[-1].task = started
        each = len(NAMES[kind]) // size
        await until(lambda: [len(one.membership.held) for one in pool] == [each] * size)
        for one in ending:
            await one.task

    async def _member(self, kind: MemberKind) -> None:
        member = Member(f"c/{kind}-{next(self._numbers)}", kind, "1", "h", 2)
        stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            if kind is MemberKind.CONVERSATION:
                host = await stack.enter_async_context(self._host())
                serving, failed = Membership(self._store, member, host), host.failed
            else:
                publisher = await stack.enter_async_context(self._publisher())
                holder = PublisherHolder(publisher)
                failed = asyncio.get_running_loop().create_future()
                watch = asyncio.create_task(holder.watch(failed), name="watch")
                stack.callback(watch.cancel)
                serving = Membership(self._store, member, holder, extended=publisher.lease_extended)
            self.pools[kind].append(Serving(kind, serving, stop))
            await until_failed(serving.run(stop, lambda: 15.0), failed)

    def _host(self) -> ConversationHost:
        return ConversationHost(
            store=self._store,
            bus=self._bus,
            assistant=SlowAssistant(self._chance),
            clock=system_clock,
            partitions=TOPOLOGY.inbox,
            outbox_partitions=TOPOLOGY.outbox,
            policies=FAST,
        )

    def _publisher(self) -> PublisherService:
        return PublisherService(
            bus=self._bus,
            store=self._store,
            messaging=self.instagram,
            pictures=MemoryPictures(),
            clock=system_clock,
            monotonic=time.monotonic,
            rules=SendingRules(),
            chance=self._chance,
        )

    async def assign(self) -> None:
        """What the registry does, round by round."""
        while True:
            lease = (await self._store.acquire([REGISTRY], ROOT, 60))[REGISTRY]
            for kind, names in NAMES.items():
                live = [one.id for one in await self._store.live(kind, 8.0)]
                present = await self._store.assignment(names[0].partition(".")[0] + ".")
                wanted = assign_evenly(names, live, present)
                if wanted and wanted != present:
                    await self._store.assign(lease, wanted)
            await asyncio.sleep(0.1)

    async def write(self, number: int) -> None:
        """A user writes, one message after the other, until told to be silent."""
        chance = random.Random(number)  # noqa: S311 - reproducible
        account, user = ACCOUNTS[number % len(ACCOUNTS)], f"u{number}"
        while not self.silent.is_set():
            mid = f"{user}-{self.written[number]}"
            event = Event(
                key=event_key(EventKind.MESSAGE, account, mid),
                kind=EventKind.MESSAGE,
                account=account,
                user=user,
                conversation=conversation_id(account, user),
                mid=mid,
                timestamp_ms=system_clock(),
                text=mid,
            )
            body = encode(inbox_message((event,), at_ms=system_clock()))
            partition = partition_of(account, user, TOPOLOGY.inbox)
            await self._publish(partition, body)
            self.written[number] += 1
            await asyncio.sleep(chance.uniform(0.05, 0.4))

    async def _publish(self, partition: int, body: bytes) -> None:
        """As Instagram does: what was not taken in time comes again, in the order of its user."""
        async with asyncio.timeout(60):
            while True:
                with suppress(BusUnavailable):
                    return await self._bus.publish(Queue.INBOX, partition, [body])

    def answered(self, number: int) -> list[str]:
        """The messages that the user's answers answer, in the order in which they were sent."""
        texts: Sequence[str] = self.instagram.texts(ACCOUNTS[number % len(ACCOUNTS)], f"u{number}")
        return [mid for text in texts for mid in text.split("; ")]

    async def more_answers(self) -> None:
        """Waits until as much more has been sent as there are users."""
        wanted = len(self.instagram.sent) + USERS
        await until(lambda: len(self.instagram.sent) >= wanted)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture(params=["embedded", "servers"])
async def adapters(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[Store, Bus]]:
    """A store and a bus, of either pair."""
    if request.param == "embedded":
        bus_url, prefix = f"sqlite:///{tmp_path / 'bus.sqlite'}", ""
        store_url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    else:
        space = request.getfixturevalue("amqp_space")
        bus_url, prefix = space.url, space.queue_prefix
        store_url = request.getfixturevalue("postgres_database")
    store = open_store(store_url, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
    async with store, open_bus(bus_url, TOPOLOGY, prefix=prefix) as bus:
        yield store, bus


async def test_pools_grow_and_shrink_under_load_and_every_message_is_answered_once_in_order(
    adapters: tuple[Store, Bus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "BEAT_SECONDS", 0.1)
    hosts, publishers = MemberKind.CONVERSATION, MemberKind.PUBLISHER
    async with asyncio.TaskGroup() as group:
        service = Service(*adapters, group)
        assigning = group.create_task(service.assign(), name="registry")
        await service.resize(hosts, 1)
        await service.resize(publishers, 1)
        users = [group.create_task(service.write(number)) for number in range(USERS)]
        await service.more_answers()
        for kind, size in ((hosts, 4), (publishers, 2), (hosts, 1), (publishers, 1)):
            await service.resize(kind, size)
            await service.more_answers()
        service.silent.set()
        await asyncio.wait(users)
        expected = [
            [f"u{number}-{at}" for at in range(written)]
            for number, written in enumerate(service.written)
        ]
        # Beyond what is expected would be a double, and is compared below.
        await until(
            lambda: all(
                len(service.answered(number)) >= len(all_) for number, all_ in enumerate(expected)
            )
        )
        for kind in (hosts, publishers):
            for one in service.pools[kind]:
                one.stop.set()
                await one.task
        assigning.cancel()
    assert [service.answered(number) for number in range(USERS)] == expected
