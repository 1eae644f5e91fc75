"""A process frozen in the middle of a turn, past its lease, and woken: it changes nothing."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.freezing import freeze
from tests.integration.host_process import TOPOLOGY
from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.history import Role
from vestlus.conversation.identity import conversation_id
from vestlus.messages import encode, inbox_message
from vestlus.store.names import REGISTRY, inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind

ACCOUNT, USER = "17841400000000001", "mari"
ROOT = Member("c/registry", MemberKind.REGISTRY, "1", "h", 3)


@dataclass(frozen=True, slots=True)
class Host:
    """A hosting process."""

    name: str
    process: asyncio.subprocess.Process

    async def says(self, wanted: str) -> None:
        """Waits for a line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(30):
            while (line := (await self.process.stdout.readline()).decode().strip()) != wanted:
                assert line, f"{self.name} ended before it said {wanted!r}"

    def answer(self) -> None:
        """Has its assistant answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@asynccontextmanager
async def hosting(name: str, bus: str, store: str) -> AsyncIterator[Host]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.host_process", name, bus, store),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    host = Host(name, process)
    try:
        await host.says("ready")
        yield host
    finally:
        process.kill()
        await process.wait()


async def assign(store: Store, name: str) -> None:
    """Does the registry's part."""
    leases = await store.acquire([REGISTRY], ROOT, 60)
    await store.assign(leases[REGISTRY], {inbox_lease(0): f"c/{name}"})


async def said(store: Store) -> list[str]:
    conversation = conversation_id(ACCOUNT, USER)
    found = (await store.load([conversation], 100)).get(conversation)
    return [one.text for one in found.history if one.role is Role.ASSISTANT] if found else []


async def test_a_host_frozen_past_its_lease_and_woken_is_refused_and_the_user_has_one_answer(
    new_store_url: str, tmp_path: Path
) -> None:
    bus_url = f"sqlite:///{tmp_path / 'bus.sqlite'}"
    event = Event(
        key=event_key(EventKind.MESSAGE, ACCOUNT, "mid-1"),
        kind=EventKind.MESSAGE,
        account=ACCOUNT,
        user=USER,
        conversation=conversation_id(ACCOUNT, USER),
        mid="mid-1",
        timestamp_ms=system_clock(),
        text="Tere!",
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(new_store_url, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
        )
        bus = await stack.enter_async_context(open_bus(bus_url, TOPOLOGY))
        frozen = await stack.enter_async_context(hosting("frozen", bus_url, new_store_url))
        awake = await stack.enter_async_context(hosting("awake", bus_url, new_store_url))
        await assign(store, "frozen")
        await bus.publish(Queue.INBOX, 0, [encode(inbox_message((event,), at_ms=system_clock()))])
        await frozen.says("asked")

        await freeze(frozen.process.pid, [new_store_url, bus_url])
        frozen.answer()  # read as soon as it wakes
        await assign(store, "awake")
        await awake.says("asked")  # its lease has expired, and is another's
        awake.answer()
        await awake.says("commit committed")
        frozen.process.send_signal(signal.SIGCONT)
        await frozen.says("commit lease_lost")

        assert await said(store) == ["awake answers Tere!"]
        assert [row.text for row in await store.unfinished(0, limit=10)] == ["awake answers Tere!"]
