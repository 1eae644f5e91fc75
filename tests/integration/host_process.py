"""A process of its own that hosts conversations, for the tests that freeze one.

``python -m tests.integration.host_process MEMBER BUS STORE``. It joins the members, acts for what
it is assigned, and answers every question with its own name: as soon as a line comes on its
standard input, once for each. It prints ``asked`` when it is asked, and ``commit RESULT`` for
each turn that it commits.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

from vestlus.assistant.port import Past, Question
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.reply import Reply, TextPart
from vestlus.conversation.turn import BurstPolicy
from vestlus.hosting import membership
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.membership import Membership
from vestlus.hosting.run import until_failed
from vestlus.hosting.turn_parts import TurnPolicies
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import CommitResult, Member, MemberKind, TurnCommit

TOPOLOGY = Topology(inbox=1, outbox=1)

#: So that a freeze outlasts it soon. In production it is 20 s.
LEASE_SECONDS = 2.0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the test reads


class Waiting:
    """An assistant that answers when it is told to."""

    def __init__(self, name: str, lines: asyncio.StreamReader) -> None:
        self._name = name
        self._lines = lines

    async def reply(self, question: Question) -> Reply:
        say("asked")
        await self._lines.readline()
        return Reply(parts=(TextPart(f"{self._name} answers {question.messages[-1].text}"),))

    async def summarise(self, past: Past) -> str:
        return past.summary

    async def aclose(self) -> None:
        """Nothing to close."""


class Telling:
    """A store that says how each commit went."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)

    async def commit_turns(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        results = await self._store.commit_turns(turns, now_ms)
        for result in results:
            say(f"commit {result.value}")
        return results


async def main(name: str, bus_url: str, store_url: str) -> None:
    membership.LEASE_SECONDS = LEASE_SECONDS
    membership.RENEW_SECONDS = LEASE_SECONDS / 4
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    member = Member(f"c/{name}", MemberKind.CONVERSATION, name, "host", os.getpid())
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(
            open_store(store_url, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
        )
        store = cast("Store", Telling(opened))
        bus = await stack.enter_async_context(open_bus(bus_url, TOPOLOGY))
        host = await stack.enter_async_context(
            ConversationHost(
                store=store,
                bus=bus,
                assistant=Waiting(name, lines),
                clock=system_clock,
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
                policies=TurnPolicies(burst=BurstPolicy(longest_ms=0)),
            )
        )
        say("ready")
        serving = Membership(store, member, host).run(asyncio.Event(), lambda: 1.0)
        await until_failed(serving, host.failed)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
