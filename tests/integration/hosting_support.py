"""The conversation host on a real bus and a real store, without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vestlus.assistant.port import Assistant
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import Clock, system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, outbox_partition_of, partition_of
from vestlus.conversation.turn import BurstPolicy, FailurePolicy, RestartPolicy, SuspectPolicy
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.turn_parts import HandedOver, TurnPolicies
from vestlus.hosting.turn_places import Limits
from vestlus.messages import encode, inbox_message
from vestlus.privacy.chat import ChatEraser
from vestlus.privacy.graves import Graves
from vestlus.privacy.operations import Privacy
from vestlus.settings_account import Account
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Lease, Member, MemberKind, SendRow

ACCOUNT = "17841400000000001"
TOPOLOGY = Topology(inbox=2, outbox=1)
FAST = TurnPolicies(
    burst=BurstPolicy(longest_ms=0),
    restart=RestartPolicy(),
    failure=FailurePolicy(most=3, patience_ms=150, first_wait_ms=20, longest_wait_ms=50),
)
GRAVES = Graves("the key of this world")


@dataclass
class World:
    """A bus, a store, and hosts of them."""

    store: Store
    bus: Bus
    stack: AsyncExitStack
    incarnation: int = 0
    handed_over: list[HandedOver] = field(default_factory=list)
    leases: dict[str, Lease] = field(default_factory=dict)

    async def host(
        self,
        assistant: Assistant,
        *,
        policies: TurnPolicies = FAST,
        suspects: SuspectPolicy | None = None,
        account: Account | None = None,
        limits: Limits | None = None,
        clock: Clock = system_clock,
        spent_until: Callable[[str], int] = lambda _: 0,
    ) -> ConversationHost:
        """A host that holds every partition; its predecessor's leases are taken over."""
        self.incarnation += 1
        member = Member("c/conversation-0", MemberKind.CONVERSATION, str(self.incarnation), "h", 1)
        host = await self.stack.enter_async_context(
            ConversationHost(
                store=self.store,
                bus=self.bus,
                assistant=assistant,
                clock=clock,
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
                policies=policies,
                suspects=suspects,
                account_of=lambda _: account,
                handed_over=self.handed_over.append,
                limits=limits,
                spent_until=spent_until,
                graves=GRAVES,
                eraser=ChatEraser(self.privacy, "https://vestlus.test"),
            )
        )
        names = [inbox_lease(partition) for partition in range(TOPOLOGY.inbox)]
        self.leases = await self.store.acquire(names, member, 60)
        for lease in self.leases.values():
            await host.hold(lease)
        return host

    @property
    def privacy(self) -> Privacy:
        """What erases users of this world."""
        return Privacy(self.store, self.bus, GRAVES, clock=system_clock, partitions=TOPOLOGY.inbox)

    async def write(self, user: str, *texts: str, kind: EventKind = EventKind.MESSAGE) -> None:
        """The user writes messages, one webhook each."""
        for text in texts:
            await self.deliver(message(user, text, kind=kind))

    async def deliver(self, event: Event) -> None:
        """One event comes in over the bus."""
        partition = partition_of(ACCOUNT, event.user or "", TOPOLOGY.inbox)
        await self.bus.publish(
            Queue.INBOX, partition, [encode(inbox_message((event,), at_ms=system_clock()))]
        )

    async def sends(self, user: str) -> list[SendRow]:
        """The ledger's first unfinished row of the user's conversation, if any."""
        rows = await self.store.unfinished(outbox_partition_of(ACCOUNT, TOPOLOGY.outbox), limit=100)
        return [row for row in rows if row.user == user]

    async def history(self, user: str) -> list[str]:
        """What was said in the conversation, as the store has it."""
        conversation = conversation_id(ACCOUNT, user)
        rows = await self.store.load([conversation], 100)
        found = rows.get(conversation)
        return [one.text for one in found.history] if found else []

    async def said(self, user: str, count: int) -> list[str]:
        """Waits until the history has that many messages."""
        async with asyncio.timeout(15):
            while len(history := await self.history(user)) < count:
                await asyncio.sleep(0.02)
        return history


def message(user: str, text: str, *, kind: EventKind = EventKind.MESSAGE) -> Event:
    mid = f"mid-{user}-{text}"
    return Event(
        key=event_key(kind, ACCOUNT, mid),
        kind=kind,
        account=ACCOUNT,
        user=user,
        conversation=conversation_id(ACCOUNT, user),
        mid=mid,
        timestamp_ms=system_clock(),
        text=text,
    )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                f"sqlite:///{tmp_path / 'store.sqlite'}",
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
            )
        )
        bus = await stack.enter_async_context(
            open_bus(f"sqlite:///{tmp_path / 'bus.sqlite'}", TOPOLOGY)
        )
        yield World(store, bus, stack)
