"""What a ConversationActor runs, without Ray: told to stop, it tells of what it has done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr

from actors import conversing
from actors.shell import Controls
from tests.fakes.measures import measured
from tests.integration.hosting_support import ACCOUNT, message
from tests.integration.test_stopping_hosts import SlowToCommit
from tests.unit.test_notify import Listener, listening
from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.hosting.turns import Conversing
from vestlus.messages import encode, inbox_message
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.names import REGISTRY, inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import Member, MemberKind

ROOT = Member("c/registry", MemberKind.REGISTRY, "1", "h", 3)
MEMBER = "c/conversation-0"
TOPOLOGY = Topology(inbox=1)
HANDED_OVER = {"account": ACCOUNT, "outcome": "handed_over"}


class Watched(SlowToCommit):
    """A store that is slow to commit, and notes what was counted when a process said farewell."""

    def __init__(self, store: Store, listener: Listener) -> None:
        super().__init__(store)
        self._listener = listener
        self.counted = 0.0
        self.told = 0

    async def withdraw_measures(self, process: str) -> None:
        """See :class:`vestlus.store.measure_port.ProcessMeasures`."""
        self.counted = measured("vestlus_turns_total", **HANDED_OVER)
        self.told = len(self._listener.bodies)
        await self._store.withdraw_measures(process)


def settings(folder: Path, listener: Listener) -> Settings:
    return Settings(
        data_dir=folder,
        partitions=TOPOLOGY.inbox,
        encryption_key=SecretStr("a key for tests, as long as it has to be"),
        public_url="https://example.org",
        openai_base_url="http://127.0.0.1:1/v1",
        accounts=(Account(id=ACCOUNT, notify_url=listener.url),),
    )


async def write(own: Settings, text: str) -> None:
    """A user writes, over the bus."""
    message_ = inbox_message((message("u", text),), at_ms=system_clock())
    async with open_bus(own.bus, TOPOLOGY) as bus:
        partition = partition_of(ACCOUNT, "u", TOPOLOGY.inbox)
        await bus.publish(Queue.INBOX, partition, [encode(message_)])


async def test_a_hand_over_that_is_committed_while_the_actor_ends_is_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[Watched] = []
    close = Conversing.close

    async def closing(self: Conversing) -> None:
        watched[0].gate.set()
        await close(self)

    # As late as it can be.
    monkeypatch.setattr(Conversing, "close", closing)
    monkeypatch.setattr(conversing, "collect_seldom", lambda: None)
    before = measured("vestlus_turns_total", **HANDED_OVER)
    async with (
        listening() as listener,
        open_store(
            f"sqlite:///{tmp_path / 'store.sqlite'}",
            partitions=TOPOLOGY.inbox,
            outbox_partitions=TOPOLOGY.outbox,
        ) as store,
    ):

        @asynccontextmanager
        async def opened(*_: object, **__: object) -> AsyncIterator[Store]:
            watched.append(Watched(store, listener))
            yield cast("Store", watched[-1])

        monkeypatch.setattr(conversing, "open_store", opened)
        root = (await store.acquire([REGISTRY], ROOT, 60))[REGISTRY]
        await store.assign(root, {inbox_lease(0): MEMBER})
        own, controls = settings(tmp_path, listener), Controls()
        serving = asyncio.create_task(conversing.serve_conversations(own, MEMBER, controls))
        await write(own, "Palun saatke mulle minu andmed")
        try:
            async with asyncio.timeout(30):
                while not (watched and watched[0].asked.is_set()):
                    assert not serving.done(), serving.exception()
                    await asyncio.sleep(0.02)
        finally:
            controls.stop.set()
            async with asyncio.timeout(30):
                await serving
    assert [body["conversation"] for body in listener.bodies] == [conversation_id(ACCOUNT, "u")]
    assert (watched[0].counted, watched[0].told) == (before + 1, 1)
