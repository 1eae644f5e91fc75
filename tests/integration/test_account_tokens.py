"""A token that is taken away stops its account; a new one sets it going, in the same process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from publishers.service import PublisherService
from tests.fakes.clock import virtual_monotonic, virtual_ms
from tests.integration.simulator_harness import (
    FIRST,
    SECOND,
    Client,
    running_service,
    running_simulator,
)
from tests.integration.test_publishers import INBOX, OUTBOX, QUICK, Stage
from vestlus.accounts.connecting import Lasting, keep, whose
from vestlus.accounts.keeper import TokenKeeper
from vestlus.accounts.open import being_read, token_book, token_cipher, token_refresher
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.token_api import TokenApi
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Member, MemberKind
from vestlus.store.token_rows import TokenRow, TokenState

#: For what takes seconds at most; a probe of a stopped account comes only after a minute.
WAIT_SECONDS = 40


class Scene:
    """The publisher as its actor puts it together, with the simulator as Instagram."""

    def __init__(self, client: Client, settings: Settings, stage: Stage, calls: TokenApi) -> None:
        self.client = client
        self.settings = settings
        self.stage = stage
        self.calls = calls
        self.service: PublisherService
        self.reading: asyncio.Task[None]

    async def serve(self, stack: AsyncExitStack) -> None:
        store = self.stage.store
        book = token_book(self.settings, store, self.renewed)
        graph = GraphClient(
            self.settings.graph_url, book.token_of, on_rejected=book.rejected, timeout=5
        )
        await stack.enter_async_context(graph)
        service = PublisherService(
            bus=self.stage.bus,
            store=store,
            messaging=graph,
            pictures=self.stage.pictures,
            clock=virtual_ms,
            monotonic=virtual_monotonic,
            rules=QUICK,
            chance=random.Random(0),  # noqa: S311 - no secret
        )
        self.service = await stack.enter_async_context(service)
        self.reading = await stack.enter_async_context(being_read(book))
        names = [outbox_lease(outbox) for outbox in range(OUTBOX)]
        member = Member("publisher", MemberKind.PUBLISHER, "1", "here", 2)
        service.lease_extended(names, virtual_monotonic() + 600)
        for lease in (await store.acquire(names, member, 600)).values():
            await service.hold(lease)

    def renewed(self, account: str) -> None:
        self.service.token_renewed(account)

    async def row(self, account: str = FIRST) -> TokenRow:
        (row,) = [one for one in await self.stage.store.tokens() if one.account == account]
        return row

    async def connect(self, account: str = FIRST) -> None:
        """As `vestlus accounts connect` does."""
        token = await self.issued(account)
        await keep(
            await whose(token, account, self.calls),
            Lasting(token, 0, ""),
            seed=None,
            store=self.stage.store,
            cipher=token_cipher(self.settings),
            clock=virtual_ms,
        )

    async def issued(self, account: str) -> str:
        token: str = (await self.client.control("tokens", {"account": account}))["token"]
        return token

    async def answer(self, account: str, text: str) -> None:
        await self.client.control("messages", {"account": account, "user": "u1", "text": "Tere"})
        await self.stage.answer(account, "u1", text)

    async def received(
        self, account: str, count: int, *, seconds: float = WAIT_SECONDS
    ) -> list[str]:
        """The texts that the user has, once there are so many."""
        async with asyncio.timeout(seconds):
            while True:
                body = await self.client.get("/control/conversation", account=account, user="u1")
                texts = [one["text"] for one in body["messages"] if one["direction"] == "out"]
                if len(texts) >= count:
                    return texts
                await asyncio.sleep(0.05)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        client = await enter(running_simulator(await enter(running_service()), tmp_path))
        tokens = {
            one: (await client.control("tokens", {"account": one}))["token"]
            for one in (FIRST, SECOND)
        }
        settings = Settings(
            encryption_key=SecretStr("a key for tests, as long as it has to be"),
            graph_url=f"{client.url}/graph/v25.0",
            accounts=tuple(
                Account(id=one, access_token=SecretStr(token)) for one, token in tokens.items()
            ),
        )
        store = await enter(
            open_store(
                f"sqlite:///{tmp_path}/store.sqlite", partitions=INBOX, outbox_partitions=OUTBOX
            )
        )
        topology = Topology(inbox=INBOX, outbox=OUTBOX)
        bus = await enter(open_bus(f"sqlite:///{tmp_path}/bus.sqlite", topology))
        stage = Stage(store, bus)
        names = [inbox_lease(inbox) for inbox in range(INBOX)]
        stage.leases = await store.acquire(names, stage.writer, 600)
        calls = await enter(TokenApi(settings.graph_url))
        keeper = TokenKeeper(
            store=store,
            member=Member("registry", MemberKind.REGISTRY, "1", "here", 3),
            refresher=token_refresher(settings, store, calls),
            clock=virtual_ms,
        )
        await keeper.round()
        scene = Scene(client, settings, stage, calls)
        await scene.serve(stack)
        yield scene


async def test_a_revoked_token_keeps_its_messages_waiting_until_there_is_a_new_one(
    scene: Scene,
) -> None:
    await scene.answer(FIRST, "enne")
    assert await scene.received(FIRST, 1) == ["enne"]
    kept = token_cipher(scene.settings).decrypt(FIRST, (await scene.row()).token)
    await scene.client.control("revoke-token", {"token": kept})

    for text in ("ootab", "ootab ka"):
        await scene.answer(FIRST, text)
    async with asyncio.timeout(WAIT_SECONDS):
        while (await scene.row()).state is TokenState.USABLE:
            await asyncio.sleep(0.05)
    assert (await scene.row()).reason == "password_changed"
    # The other account is not stopped with it.
    await scene.answer(SECOND, "teine")
    assert await scene.received(SECOND, 1) == ["teine"]
    assert await scene.received(FIRST, 1) == ["enne"]
    # The ledger learns of a send a moment after the user has it.
    async with asyncio.timeout(WAIT_SECONDS):
        while (await scene.stage.store.counts()).sends != {"sent": 2, "pending": 2}:
            await asyncio.sleep(0.05)

    await scene.connect()

    # Far sooner than the next probe, which would be a minute after the last.
    assert await scene.received(FIRST, 3) == ["enne", "ootab", "ootab ka"]
    assert scene.service.stats().token_rejected >= 1
    assert (await scene.row()).state is TokenState.USABLE


async def test_an_account_without_a_token_waits_for_its_first(scene: Scene) -> None:
    await scene.client.control("revoke-token", {})
    await scene.answer(SECOND, "hiljem")
    async with asyncio.timeout(WAIT_SECONDS):
        while not scene.service.stats().token_rejected:
            await asyncio.sleep(0.05)

    await scene.connect(SECOND)

    assert await scene.received(SECOND, 1) == ["hiljem"]
