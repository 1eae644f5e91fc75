"""A conversation host on a real store and the embedded bus, with an assistant that is free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.known import ACCOUNT
from benchmarks.measuring import Round, measured
from vestlus.assistant.port import Past, Question
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.reply import Reply, TextPart
from vestlus.conversation.turn import BurstPolicy
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.membership import LEASE_SECONDS, Membership
from vestlus.hosting.turn_parts import TurnPolicies
from vestlus.messages import encode, inbox_message
from vestlus.store.names import REGISTRY, inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import EventState, Lease, Member, MemberKind, NewEvent

PARTITIONS = 16
_TOPOLOGY = Topology(inbox=PARTITIONS, outbox=4)

#: Events in one message of the bus, as a busy webhook groups them.
IN_ONE = 100

_ANSWER = (
    "Tere! Meie teenindussaal on avatud esmaspäevast reedeni kell 9–17, neljapäeval kuni kella "
    "18-ni. Homme oleme avatud tavapärasel ajal. Kas saan veel millegagi aidata?"
)


class Unthinking:
    """Says always the same, at once, and tells who asked."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def reply(self, question: Question) -> Reply:  # noqa: ARG002 - the port's
        """See :class:`vestlus.assistant.port.Assistant`."""
        self.asked.set()
        return Reply(parts=(TextPart(_ANSWER),))

    async def summarise(self, past: Past) -> str:  # noqa: ARG002 - the port's
        """See :class:`vestlus.assistant.port.Assistant`."""
        return "They asked when the office is open, and were told."

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class Stage:
    """A host that holds all partitions."""

    store: Store
    bus: Bus
    host: ConversationHost
    leases: dict[str, Lease]
    assistant: Unthinking
    _numbers: count[int] = field(default_factory=count)

    async def write(self, users: Sequence[str]) -> None:
        """Each user writes a message over the bus; returns when all were answered."""
        answered = self.host.counts().answered + len(users)
        by_partition: dict[int, list[str]] = {}
        for user in users:
            by_partition.setdefault(partition_of(ACCOUNT, user, PARTITIONS), []).append(user)
        for partition, some in by_partition.items():
            for first in range(0, len(some), IN_ONE):
                events = tuple(self._said(user) for user in some[first : first + IN_ONE])
                body = encode(inbox_message(events, at_ms=system_clock()))
                await self.bus.publish(Queue.INBOX, partition, [body])
        await self._quiet(answered, 0.02)

    async def read(self, users: Sequence[str]) -> None:
        """Has each user's conversation read into memory; returns when all are there."""
        for user in users:
            lease = self.leases[inbox_lease(partition_of(ACCOUNT, user, PARTITIONS))]
            self.host.conversations.reread(lease, [conversation_id(ACCOUNT, user)])
        await self._quiet(0, 0.02)

    async def wake(self, user: str) -> Round:
        """From a message that is in the store to the assistant's being asked."""
        answered = self.host.counts().answered + 1
        lease = self.leases[inbox_lease(partition_of(ACCOUNT, user, PARTITIONS))]
        event = NewEvent(self._said(user), EventState.PENDING)
        (recorded,) = await self.store.record([(lease, [event])], system_clock())
        self.assistant.asked.clear()
        taken = Round()
        with measured(taken, 1):
            self.host.conversations.deliver(lease, recorded or [])
            await self.assistant.asked.wait()
        await self._quiet(answered, 0.001)
        return taken

    async def _quiet(self, answered: int, pause: float) -> None:
        async with asyncio.timeout(600):
            while self.host.conversations.counts.answered < answered:
                await asyncio.sleep(pause)
            while self.host.conversations.in_flight:
                await asyncio.sleep(pause)

    def _said(self, user: str) -> Event:
        mid = f"aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDAw{'0' * 90}{user}{next(self._numbers)}"
        return Event(
            key=event_key(EventKind.MESSAGE, ACCOUNT, mid),
            kind=EventKind.MESSAGE,
            account=ACCOUNT,
            user=user,
            conversation=conversation_id(ACCOUNT, user),
            mid=mid,
            timestamp_ms=system_clock(),
            text="Tere! Kas teie kontor on homme avatud ja mis kellani?",
        )


@asynccontextmanager
async def stage(url: str, bus_file: Path) -> AsyncIterator[Stage]:
    """Opens store and bus, and a host whose membership has been given everything."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(url, partitions=PARTITIONS, outbox_partitions=_TOPOLOGY.outbox)
        )
        bus = await stack.enter_async_context(open_bus(f"sqlite:///{bus_file}", _TOPOLOGY))
        assistant = Unthinking()
        host = await stack.enter_async_context(
            ConversationHost(
                store=store,
                bus=bus,
                assistant=assistant,
                clock=system_clock,
                partitions=PARTITIONS,
                outbox_partitions=_TOPOLOGY.outbox,
                policies=TurnPolicies(burst=BurstPolicy(longest_ms=0)),
            )
        )
        registry = Member("registry", MemberKind.REGISTRY, "1", "here", 1)
        member = Member("conversation", MemberKind.CONVERSATION, str(time.time_ns()), "here", 1)
        names = [inbox_lease(number) for number in range(PARTITIONS)]
        lease = (await store.acquire([REGISTRY], registry, 3600))[REGISTRY]
        await store.heartbeat(member)
        await store.assign(lease, dict.fromkeys(names, member.id))
        membership = Membership(store, member, host)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(membership.run(stop, lambda: 10.0), name="membership")
            async with asyncio.timeout(60):
                while len(membership.held) < PARTITIONS:
                    await asyncio.sleep(0.01)
            # What this incarnation holds it keeps.
            leases = await store.acquire(names, member, LEASE_SECONDS)
            yield Stage(store, bus, host, leases, assistant)
            stop.set()
