"""The simulator's webhooks and Graph API, a bus, a store, a host and a publisher, without Ray."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.outbox import MemoryPictures
from tests.integration.hosting_support import FAST
from tests.integration.simulator_harness import FIRST, SECRET, Client
from tests.unit.webhook_front import Answer
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.operating import Act, operator_event
from vestlus.delivery_gaps import GapTeller
from vestlus.hosting.host import ConversationHost
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.handler import WebhookHandler
from vestlus.messages import encode, inbox_message
from vestlus.privacy.graves import Graves
from vestlus.settings_account import Account
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import ConversationRow, DeadLetter, Lease, Member, MemberKind

TOPOLOGY = Topology(inbox=2, outbox=1)
QUICK = SendingRules(
    poll_seconds=0.1,
    first_look_seconds=0.1,
    echo_seconds=0.2,
    settling_seconds=1.5,
    look_retry_seconds=0.2,
    look_give_up_seconds=0.5,
    request_seconds=2.0,
    lease_margin_seconds=0.2,
    clock_tolerance_seconds=2.0,
    missed_grace_seconds=0.5,
    missed_pause_seconds=0.5,
    missed_sweep_seconds=600.0,
)
GRAVES = Graves("the key of this stage")


@dataclass
class Stage:
    """The parts, and what tests do with them."""

    client: Client
    store: Store
    bus: Bus
    graph: GraphClient
    stack: AsyncExitStack
    assistant: ScriptedAssistant = field(default_factory=ScriptedAssistant)
    services: list[PublisherService] = field(default_factory=list)
    inbox: dict[str, Lease] = field(default_factory=dict)
    hosts: list[ConversationHost] = field(default_factory=list)
    #: Who converses.
    member: Member | None = None

    async def host(self, **settings: Any) -> None:  # noqa: ANN401 - settings of any type
        """Begin to converse."""
        member = self.member = Member("c/0", MemberKind.CONVERSATION, uuid4().hex, "here", 1)
        made = {"disclosure": False, "language": "et", **settings}
        account = Account(id=FIRST, access_token=SecretStr("t"), **made)
        host = await self.stack.enter_async_context(
            ConversationHost(
                store=self.store,
                bus=self.bus,
                assistant=self.assistant,
                clock=system_clock,
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
                policies=FAST,
                account_of=lambda _: account,
                graves=GRAVES,
            )
        )
        self.hosts.append(host)
        names = [inbox_lease(number) for number in range(TOPOLOGY.inbox)]
        self.inbox = await self.store.acquire(names, member, 600)
        for lease in self.inbox.values():
            await host.hold(lease)

    async def publish(self, *, until_ms: int | None = None) -> None:
        """Begin to send, and to look for what was missed since ``until_ms``."""
        name = outbox_lease(0)
        member = Member("p/0", MemberKind.PUBLISHER, uuid4().hex, "here", 2)
        lease = (await self.store.acquire([name], member, 600))[name]
        if until_ms is not None:
            await self.store.note_looked(lease, FIRST, until_ms)
        service = await self.stack.enter_async_context(
            PublisherService(
                bus=self.bus,
                store=self.store,
                messaging=self.graph,
                pictures=MemoryPictures(),
                clock=system_clock,
                monotonic=time.monotonic,
                rules=QUICK,
                chance=random.Random(0),  # noqa: S311 - no secret
                accounts=[FIRST],
                topology=TOPOLOGY,
            )
        )
        service.lease_extended([name], time.monotonic() + 600)
        await service.hold(lease)
        self.services.append(service)

    async def outage(self, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
        """Users write these, and nobody ever hears of it."""
        await self.client.control("webhooks", {"paused": True})
        wrote: list[dict[str, Any]] = await self.client.control("messages", list(bodies))
        return wrote

    async def over(self) -> None:
        """Webhooks come again; those of the outage are lost."""
        await self.client.control("webhooks/discard", {})
        await self.client.control("webhooks", {"paused": False})
        # Younger messages may have their webhook on the way.
        await asyncio.sleep(1.6)

    async def got(self, user: str, count: int) -> list[str]:
        """What the user received, once it is so many messages."""
        async with asyncio.timeout(30):
            while len(sent := await self.client.sent(user)) < count:
                await asyncio.sleep(0.05)
        return sent

    async def row(self, user: str) -> ConversationRow:
        """The conversation as the store has it."""
        id_ = conversation_id(FIRST, user)
        return (await self.store.load([id_], 100))[id_]

    async def until(self, is_so: Callable[[], Any]) -> None:
        """Wait until an awaitable condition gives something true."""
        async with asyncio.timeout(30):
            while not await is_so():
                await asyncio.sleep(0.05)

    async def searched(self, times: int = 1) -> None:
        """Wait until that many looks were carried through."""
        async with asyncio.timeout(30):
            while self.services[-1].stats().searched < times:
                await asyncio.sleep(0.05)

    async def replay(self, letter: DeadLetter, *, although: bool = False) -> None:
        """Ask for it as the command does."""
        user = str(letter.user)
        event = operator_event(
            Act.REPLAY,
            account=FIRST,
            user=user,
            identity=uuid4().hex,
            at_ms=system_clock(),
            text="mari",
            turn=1 if although else None,
            letter=letter.id,
        )
        message = encode(inbox_message((event,), at_ms=system_clock()))
        partition = partition_of(FIRST, user, TOPOLOGY.inbox)
        await self.bus.publish(Queue.INBOX, partition, [message])


@asynccontextmanager
async def opened_stage(
    folder: Path, bus: Bus, *, webhook_bus: Bus | None = None, store_url: str = ""
) -> AsyncIterator[Stage]:
    """Everything but the host and the publisher runs, on these buses."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                store_url or f"sqlite:///{folder / 'store.sqlite'}",
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
            )
        )
        gaps = await stack.enter_async_context(
            GapTeller(webhook_bus or bus, outbox_partitions=TOPOLOGY.outbox, clock=system_clock)
        )
        handler = await stack.enter_async_context(
            WebhookHandler(
                secrets=(SECRET,),
                verify_token="",
                bus=webhook_bus or bus,
                partitions=TOPOLOGY.inbox,
                clock=system_clock,
                on_counts=lambda _: None,
                on_refused=lambda accounts: gaps.suspect(accounts, "webhook_refused"),
            )
        )

        async def take(request: web.Request) -> web.Response:
            answer = Answer()
            await handler(
                {
                    "type": "http",
                    "method": "POST",
                    "query_string": b"",
                    "headers": [(key.lower(), value) for key, value in request.raw_headers],
                },
                _receiver(await request.read()),
                answer.send,
            )
            return web.Response(status=answer.status)

        app = web.Application()
        app.add_routes([web.post("/webhook", take)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        simulator = await stack.enter_async_context(
            Simulator(
                SimulatorConfig(
                    data=folder / "simulator.sqlite",
                    webhook_url=f"http://127.0.0.1:{runner.addresses[0][1]}/webhook",
                    app_secret=SECRET,
                    access_token="graph-token",
                    account_ids=(FIRST,),
                    model_label="none",
                )
            )
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        graph = await stack.enter_async_context(
            GraphClient(f"{simulator.url}/graph/v25.0", lambda _: "graph-token")
        )
        yield Stage(Client(simulator.url, http), store, bus, graph, stack)


def _receiver(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    """ASGI's ``receive`` for one body."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    return receive


def said(user: str, text: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  of several types
    return {"user": user, "text": text, **fields}
