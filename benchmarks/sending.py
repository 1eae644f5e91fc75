"""The real publisher between a store full of answers and a simulator in a process of its own."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp

from publishers.pictures import PictureLink
from publishers.rules import SendingRules
from publishers.service import PublisherService
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.instagram.graph import GraphClient
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import (
    EventState,
    Lease,
    Member,
    MemberKind,
    NewEvent,
    NewSend,
    TurnCommit,
)

TOKEN = "benchmark"  # noqa: S105 - the simulator's, on this machine
ACCOUNT = "17841400000000001"
TOPOLOGY = Topology(inbox=4, outbox=2)
LEASE_SECONDS = 3600.0

#: Conversations written into the store in one transaction.
AT_ONCE = 200


class NoPictures:
    """An image bank without pictures."""

    async def link(self, picture_id: str, account: str, now_ms: int) -> PictureLink | None:  # noqa: ARG002 - the port's
        """See :class:`~publishers.pictures.PictureSource`."""
        return None


@dataclass
class Stage:
    """A store and a simulator. What users wrote and were answered is known to both."""

    store: Store
    url: str
    http: aiohttp.ClientSession
    folder: Path
    leases: dict[str, Lease] = field(default_factory=dict)
    #: By account and user, what is to be sent, in order.
    answers: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    async def control(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Call the simulator's control API."""
        async with self.http.post(f"{self.url}/control/{path}", json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def told(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        """Ask the simulator's control API."""
        async with self.http.get(f"{self.url}/control/{path}", params=query) as response:
            response.raise_for_status()
            return await response.json()

    async def wait_for_answers(self, users: Sequence[str], parts: int, account: str) -> None:
        """Write a question of each user, and its answer in so many parts, not sent yet."""
        said = [{"account": account, "user": user, "text": "Tere"} for user in users]
        await self.control("messages", said)
        by_partition = sorted(users, key=lambda user: partition_of(account, user, TOPOLOGY.inbox))
        for partition, some in groupby(
            by_partition, lambda user: partition_of(account, user, TOPOLOGY.inbox)
        ):
            for page in _pages(list(some)):
                await self.answer(self.leases[inbox_lease(partition)], page, parts, account)

    async def answer(
        self, lease: Lease, users: Sequence[str], parts: int, account: str
    ) -> list[NewSend]:
        """Record a question of each user and commit its answer, not sent yet."""
        now_ms = system_clock()
        events = [NewEvent(_said(account, user), EventState.PENDING) for user in users]
        (recorded,) = await self.store.record([(lease, events)], now_ms)
        conversations = {user: conversation_id(account, user) for user in users}
        rows = await self.store.load(list(conversations.values()), 1)
        seqs = {each.event.user: each.seq for each in recorded or ()}
        turns = []
        for user, conversation in conversations.items():
            texts = [f"{user} {part + 1}/{parts}" for part in range(parts)]
            self.answers[account, user] = texts
            sends = tuple(
                NewSend(
                    id=f"{account}.{text}",
                    account=account,
                    user=user,
                    conversation=conversation,
                    position=now_ms * 100 + number,
                    text=text,
                    answers=(),
                    due_ms=0,
                    deadline_ms=now_ms + 24 * 3600 * 1000,
                    turn=rows[conversation].version,
                )
                for number, text in enumerate(texts)
            )
            turns.append(
                TurnCommit(
                    lease=lease,
                    conversation=conversation,
                    version=rows[conversation].version,
                    answered=(seqs[user],),
                    history=(),
                    sends=sends,
                )
            )
        await self.store.commit_turns(turns, now_ms)
        return [send for turn in turns for send in turn.sends]

    @asynccontextmanager
    async def publishing(
        self, rules: SendingRules, *, member_id: str = "publisher"
    ) -> AsyncIterator[PublisherService]:
        """Serve all outbox partitions with the real service and the real Graph client.

        Waits until nobody else holds their leases.
        """
        member = Member(member_id, MemberKind.PUBLISHER, "1", "here", 1)
        names = [outbox_lease(number) for number in range(TOPOLOGY.outbox)]
        leases: dict[str, Lease] = {}
        while len(leases) < len(names):
            missing = [name for name in names if name not in leases]
            leases |= await self.store.acquire(missing, member, LEASE_SECONDS)
            await asyncio.sleep(0 if len(leases) == len(names) else 0.1)
        async with AsyncExitStack() as stack:
            bus = await stack.enter_async_context(
                open_bus(f"sqlite:///{self.folder}/bus.sqlite", TOPOLOGY)
            )
            graph = await stack.enter_async_context(
                GraphClient(
                    f"{self.url}/graph/v25.0",
                    lambda _: TOKEN,
                    on_usage=lambda account, usage: service.usage(account, usage),  # noqa: PLW0108
                )
            )
            service = await stack.enter_async_context(
                PublisherService(
                    bus=bus,
                    store=self.store,
                    messaging=graph,
                    pictures=NoPictures(),
                    clock=system_clock,
                    monotonic=time.monotonic,
                    rules=rules,
                    chance=random.Random(0),  # noqa: S311 - jitter, no secret
                )
            )
            service.lease_extended(names, time.monotonic() + LEASE_SECONDS)
            for lease in leases.values():
                await service.hold(lease)
            yield service

    async def until_finished(self) -> Counter[str]:
        """Wait until nothing is on its way any more; return how many rows are in each state."""
        while True:
            sends = Counter((await self.store.counts()).sends)
            if not sends["pending"] + sends["sending"] + sends["looking"]:
                return sends
            await asyncio.sleep(0.25)

    async def received(self) -> list[dict[str, Any]]:
        """Return every message that users received, in the order in which Instagram took them."""
        found: list[dict[str, Any]] = []
        after = 0
        while page := (
            await self.told("feed", after=after, direction="out", limit=1000, timeout=0)
        )["messages"]:
            found += page
            after = page[-1]["seq"]
        return found

    def wrong(self, received: Sequence[dict[str, Any]]) -> list[str]:
        """Return who did not receive exactly their answer, once and in order."""
        got: dict[tuple[str, str], list[str]] = {}
        for message in received:
            got.setdefault((message["account"], message["user"]), []).append(message["text"])
        return [
            user
            for (account, user), texts in self.answers.items()
            if got.get((account, user)) != texts
        ]


@asynccontextmanager
async def stage(
    folder: Path, *, database: str = "", accounts: Sequence[str] = (ACCOUNT,)
) -> AsyncIterator[Stage]:
    """Open a store and start a simulator beside this process; webhooks wait."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(
                database or f"sqlite:///{folder}/store.sqlite",
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
            )
        )
        url = await stack.enter_async_context(_simulator(folder, accounts))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        opened = Stage(store, url, http, folder)
        await opened.control("webhooks", {"paused": True})
        writer = Member("writer", MemberKind.CONVERSATION, "1", "here", 1)
        names = [inbox_lease(number) for number in range(TOPOLOGY.inbox)]
        opened.leases = await store.acquire(names, writer, LEASE_SECONDS)
        yield opened


@asynccontextmanager
async def _simulator(folder: Path, accounts: Sequence[str]) -> AsyncIterator[str]:
    arguments = [f"--account-id={account}" for account in accounts]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vestlus.simulator"),
        *("--data", str(folder / "simulator.sqlite"), "--port", "0", "--until-stdin-closes"),
        *("--webhook-url", "http://127.0.0.1:9/webhook"),
        *("--access-token", TOKEN, "--app-secret", TOKEN, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the simulator has no pipes")
        yield json.loads(await process.stdout.readline())["url"]
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _pages(users: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(users[at : at + AT_ONCE]) for at in range(0, len(users), AT_ONCE)]


def _said(account: str, user: str) -> Event:
    mid = f"in.{account}.{user}"
    return Event(
        key=event_key(EventKind.MESSAGE, account, mid),
        kind=EventKind.MESSAGE,
        account=account,
        user=user,
        conversation=conversation_id(account, user),
        mid=mid,
        timestamp_ms=system_clock(),
        text="Tere",
    )
