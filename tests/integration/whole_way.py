"""A message's whole way in one process: webhook, bus, host, model, publisher, Graph."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.outbox import MemoryPictures
from tests.integration.hosting_support import ACCOUNT, TOPOLOGY, World
from tests.unit.webhook_front import SECRET, TOKEN
from tests.unit.webhook_front import Front as Webhook
from vestlus.accounts.budgets import open_budgets
from vestlus.assistant.open import open_assistant
from vestlus.bus.open import open_bus
from vestlus.clock import system_clock
from vestlus.instagram.graph import GraphClient
from vestlus.settings import Settings
from vestlus.store.names import outbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Member, MemberKind

#: What must never be seen outside.
GRAPH_TOKEN = "IGAA-graph-token-of-the-account"
OPENAI_KEY = "sk-key-of-the-account-0123456789"
USER = "987654321098765"


@dataclass
class FakeGraph:
    """Takes messages; answers with ``statuses`` first, then well."""

    statuses: list[int] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            error = {"message": f"no: {body}", "type": "OAuthException", "code": 100}
            return web.json_response({"error": error}, status=status)
        if "message" in body:
            self.sent.append(body)
            self._came.set()
        return web.json_response({"message_id": f"out-{len(self.sent)}", "recipient_id": USER})

    async def took(self, count: int) -> list[dict[str, Any]]:
        """Waits until so many messages were sent."""
        async with asyncio.timeout(20):
            while len(self.sent) < count:
                self._came.clear()
                await self._came.wait()
        return self.sent


@dataclass
class Way:
    """All of it. ``webhook`` may have another bus or tracer than what comes after it."""

    webhook: Webhook
    world: World
    model: FakeOpenAI
    graph: FakeGraph

    async def writes(self, *texts: str, user: str = USER, mid: str = "in") -> int:
        """The user writes messages that come in one webhook; its status."""
        items = [
            {
                "sender": {"id": user},
                "recipient": {"id": ACCOUNT},
                "timestamp": system_clock(),
                "message": {"mid": f"{mid}-{place}", "text": text},
            }
            for place, text in enumerate(texts)
        ]
        return await self.posts(*items)

    async def posts(self, *items: dict[str, Any]) -> int:
        """Meta delivers these; the webhook's status."""
        entry = {"id": ACCOUNT, "time": system_clock(), "messaging": items}
        body = json.dumps({"object": "instagram", "entry": [entry]}).encode()
        return (await self.webhook.post(body)).status


def configured(model: str, **account: Any) -> Settings:  # noqa: ANN401 - settings of any type
    one = {"id": ACCOUNT, "disclosure": False, "openai_api_key": OPENAI_KEY, "vision": False}
    more = account.pop("settings", {})
    return Settings.model_validate(
        {
            "openai_base_url": model,
            "model": "small-model",
            "encryption_key": "k" * 32,
            "app_secrets": (SECRET,),
            "verify_token": TOKEN,
            "accounts": [one | account],
            **more,
        }
    )


@asynccontextmanager
async def whole_way(folder: Path, **account: Any) -> AsyncIterator[Way]:  # noqa: ANN401
    """Runs it all over real buses, stores and HTTP."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(FakeOpenAI())
        graph = FakeGraph()
        await stack.enter_async_context(_served(graph))
        settings = configured(model.url, **account)
        store = await stack.enter_async_context(
            open_store(
                f"sqlite:///{folder / 'store.sqlite'}",
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
            )
        )
        bus = await stack.enter_async_context(
            open_bus(f"sqlite:///{folder / 'bus.sqlite'}", TOPOLOGY)
        )
        world = World(store, bus, stack)
        budgets = await stack.enter_async_context(open_budgets(settings, store, system_clock))
        assistant = open_assistant(settings, clock=system_clock, store=store, spender=budgets)
        stack.push_async_callback(assistant.aclose)
        await world.host(assistant, account=settings.accounts[0], spent_until=budgets.spent_until)
        await _publishing(stack, world, graph)
        webhook = Webhook(bus, clock=system_clock, partitions=TOPOLOGY.inbox)
        await stack.enter_async_context(webhook.handler)
        yield Way(webhook, world, model, graph)


@asynccontextmanager
async def _served(graph: FakeGraph) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_post("/v25.0/{account}/messages", graph.take)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    graph.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v25.0"
    try:
        yield
    finally:
        await runner.cleanup()


async def _publishing(stack: AsyncExitStack, world: World, graph: FakeGraph) -> None:
    client = await stack.enter_async_context(GraphClient(graph.url, lambda _: GRAPH_TOKEN))
    service = PublisherService(
        bus=world.bus,
        store=world.store,
        messaging=client,
        pictures=MemoryPictures(),
        clock=system_clock,
        monotonic=time.monotonic,
        rules=SendingRules(retry_seconds=0.05),
        chance=random.Random(0),  # noqa: S311 - no secret
    )
    await stack.enter_async_context(service)
    member = Member("p/publisher-0", MemberKind.PUBLISHER, "1", "h", 2)
    names = [outbox_lease(outbox) for outbox in range(TOPOLOGY.outbox)]
    leases = await world.store.acquire(names, member, 600)
    service.lease_extended(names, time.monotonic() + 600)
    for lease in leases.values():
        await service.hold(lease)
