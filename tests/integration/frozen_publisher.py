"""A publisher that is to be frozen at a point of its first send, in a process of its own.

It tells that it has come there, and goes no further until it is told to, by which time it has been
frozen and woken. Then it goes on for a moment and tells what it made of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from benchmarks.sending import TOKEN, TOPOLOGY, NoPictures
from publishers.rules import SendingRules
from publishers.service import PublisherService
from vestlus.bus.open import open_bus
from vestlus.clock import system_clock
from vestlus.errors import LeaseLost
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.port import Gate
from vestlus.store.ledger import SendState
from vestlus.store.names import outbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Lease, Member, MemberKind, Transition, TransitionResult

#: The next one waits for its end.
LEASE_SECONDS = 6.0
#: Renewed for as long as a busy machine needs to come to the point.
RENEW_SECONDS = 3.0
QUICK = SendingRules(
    request_seconds=0.8,
    lease_margin_seconds=0.2,
    write_within_seconds=0.5,
    settling_seconds=0.5,
    first_look_seconds=0.1,
    look_retry_seconds=0.2,
    clock_tolerance_seconds=1.0,
    poll_seconds=0.2,
)


class Point(StrEnum):
    """Where it freezes."""

    BEFORE_CLAIM = "before claim"
    AFTER_CLAIM = "after claim"
    WHILE_WRITING = "while writing"
    AFTER_WRITING = "after writing"
    AFTER_ANSWER = "after answer"


def await_freeze(parent: Connection) -> None:
    """Do nothing more, transactions of other threads excepted, until told to go on."""
    parent.send("here")
    parent.recv()


class FreezableStore:
    """A store before whose steps the process waits to be frozen."""

    def __init__(
        self,
        store: Any,  # noqa: ANN401 - any store
        point: Point,
        parent: Connection,
    ) -> None:
        self._store = store
        self._point = point
        self._parent = parent

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)

    async def transitions(
        self, groups: Sequence[tuple[Lease, Sequence[Transition]]]
    ) -> list[list[TransitionResult]]:
        """See the port."""
        after = {step.after for _, steps in groups for step in steps}
        if (self._point is Point.BEFORE_CLAIM and SendState.SENDING in after) or (
            self._point is Point.AFTER_ANSWER and SendState.SENT in after
        ):
            await_freeze(self._parent)
        results: list[list[TransitionResult]] = await self._store.transitions(groups)
        return results


class FreezableGraph(GraphClient):
    """A Graph client that waits to be frozen before, at, or right after a send's first byte."""

    def __init__(self, url: str, point: Point, parent: Connection) -> None:
        super().__init__(url, lambda _: TOKEN)
        self._point = point
        self._wait = partial(await_freeze, parent)

    async def send_text(
        self,
        account: str,
        user: str,
        text: str,
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """See the port."""
        assert gate is not None

        async def freezing() -> bool:
            if self._point is Point.AFTER_CLAIM:
                self._wait()
            goes = await gate()
            if self._point is Point.WHILE_WRITING:
                self._wait()
            elif self._point is Point.AFTER_WRITING:
                asyncio.get_running_loop().call_soon(self._wait)
            return goes

        return await super().send_text(account, user, text, human_agent=human_agent, gate=freezing)


def databases(folder: Path) -> tuple[str, str]:
    """The URLs of the store and of the bus."""
    return f"sqlite:///{folder}/store.sqlite", f"sqlite:///{folder}/bus.sqlite"


def run(folder: Path, url: str, point: Point, parent: Connection) -> None:
    """Serve until the lease is lost or nothing happens any more."""
    asyncio.run(_run(folder, url, point, parent))


async def _run(folder: Path, url: str, point: Point, parent: Connection) -> None:
    graph = FreezableGraph(f"{url}/graph/v25.0", point, parent)
    store_url, bus_url = databases(folder)
    store = open_store(
        store_url,
        partitions=TOPOLOGY.inbox,
        outbox_partitions=TOPOLOGY.outbox,
    )
    member = Member("frozen", MemberKind.PUBLISHER, "1", "here", 1)
    names = [outbox_lease(number) for number in range(TOPOLOGY.outbox)]
    bus = open_bus(bus_url, TOPOLOGY)
    async with store, bus, graph:
        until = time.monotonic() + LEASE_SECONDS
        leases = await store.acquire(names, member, LEASE_SECONDS)
        service = PublisherService(
            bus=bus,
            store=cast("Any", FreezableStore(store, point, parent)),
            messaging=graph,
            pictures=NoPictures(),
            clock=system_clock,
            monotonic=time.monotonic,
            rules=QUICK,
            chance=random.Random(0),  # noqa: S311 - no secret
        )
        service.lease_extended(names, until)
        for lease in leases.values():
            await service.hold(lease)

        async def renew() -> None:
            kept = frozenset(names)
            while kept:
                await asyncio.sleep(RENEW_SECONDS)
                asked = time.monotonic()
                kept = await store.renew(list(leases.values()), member, LEASE_SECONDS)
                service.lease_extended(kept, asked + LEASE_SECONDS)

        renewing = asyncio.create_task(renew())
        failure = await asyncio.wait_for(service.failed(), 60)
        renewing.cancel()
        lost = isinstance(failure.error, LeaseLost)
        parent.send("lease lost" if lost else repr(failure.error))
        for name in names:
            await service.let_go(name, drain_seconds=0)
