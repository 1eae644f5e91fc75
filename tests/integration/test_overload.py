"""One user's flood, or one user's failures, beside others who want an answer: on both pairs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, FAST, TOPOLOGY, World, message
from vestlus.assistant.port import Question
from vestlus.bus.open import open_bus
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.reply import Reply
from vestlus.conversation.turn import MOST_TOGETHER, BurstPolicy, FailurePolicy
from vestlus.errors import AssistantUnavailable
from vestlus.hosting.turn_places import Limits
from vestlus.messages import encode, inbox_message
from vestlus.store.open import open_store

#: Messages of the flood, and how many come in one webhook.
FLOOD, IN_ONE = 1500, 25
OTHERS = 20
MODEL_SECONDS = 0.1


class PatientAssistant(ScriptedAssistant):
    """Takes its time, and is always away for the user ``unlucky``."""

    async def reply(self, question: Question) -> Reply:
        """See :class:`vestlus.assistant.port.Assistant`."""
        await asyncio.sleep(MODEL_SECONDS)
        if question.user == "unlucky":
            raise AssistantUnavailable("away")
        return await super().reply(question)


@pytest.fixture(params=["embedded", "servers"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A world on either pair of bus and store."""
    if request.param == "embedded":
        bus_url, prefix = f"sqlite:///{tmp_path / 'bus.sqlite'}", ""
        store_url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    else:
        space = request.getfixturevalue("amqp_space")
        bus_url, prefix = space.url, space.queue_prefix
        store_url = request.getfixturevalue("postgres_database")
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(store_url, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
        )
        bus = await stack.enter_async_context(open_bus(bus_url, TOPOLOGY, prefix=prefix))
        yield World(store, bus, stack)


async def flood(world: World, user: str) -> list[str]:
    """One user writes very much at once; the texts in order."""
    texts = [f"nr {number}" for number in range(FLOOD)]
    # One millisecond after the other, as Meta's timestamps have it.
    began = system_clock()
    events = [
        replace(message(user, text), timestamp_ms=began + at) for at, text in enumerate(texts)
    ]
    partition = partition_of(ACCOUNT, user, TOPOLOGY.inbox)
    for first in range(0, FLOOD, IN_ONE):
        some = tuple(events[first : first + IN_ONE])
        body = encode(inbox_message(some, at_ms=system_clock()))
        await world.bus.publish(Queue.INBOX, partition, [body])
    return texts


async def history(world: World, user: str) -> list[str]:
    """Everything that was said in the conversation."""
    conversation = conversation_id(ACCOUNT, user)
    rows = await world.store.load([conversation], 10 * FLOOD, unanswered=0)
    return [one.text for one in rows[conversation].history] if conversation in rows else []


async def test_a_flood_is_answered_in_pieces_without_loss_and_holds_up_nobody(
    pair: World, say: Callable[[str], None]
) -> None:
    assistant = PatientAssistant(lambda _: "Vastus.")
    policies = replace(
        FAST,
        burst=BurstPolicy(longest_ms=50),
        failure=FailurePolicy(most=1000, first_wait_ms=10, longest_wait_ms=20),
    )
    await pair.host(assistant, policies=policies)
    began = time.monotonic()
    await pair.write("unlucky", "Kas keegi kuuleb?")
    texts = await flood(pair, "flooder")

    async def ask(number: int) -> float:
        asked = time.monotonic()
        await pair.write(f"u{number}", "Tere!")
        await pair.said(f"u{number}", 2)
        return time.monotonic() - asked

    waits = sorted(await asyncio.gather(*(ask(number) for number in range(OTHERS))))

    async with asyncio.timeout(60):
        while texts[-1] not in (said := await history(pair, "flooder")):
            await asyncio.sleep(0.1)
    lasted = time.monotonic() - began
    say(
        f"a flood of {FLOOD} took {lasted:.1f} s; others waited {waits[len(waits) // 2]:.2f} s "
        f"(median), {waits[-1]:.2f} s (longest)"
    )
    answered = [
        [one.text for one in question.messages]
        for question in assistant.asked
        if question.user == "flooder"
    ]
    assert max(map(len, answered)) <= MOST_TOGETHER
    assert [text for text in said if text != "Vastus."] == texts
    # Those whose answer was called off by what came after them were asked about again.
    assert set(texts) <= {text for piece in answered for text in piece}
    # Nobody else waited for more than half of it. By the clock: benchmarks/fairness.py.
    asked = [question.user for question in assistant.asked if question.user != "unlucky"]
    pieces = asked.count("flooder")
    last = max(at for at, user in enumerate(asked) if user != "flooder")
    assert asked[:last].count("flooder") <= pieces / 2, asked


async def test_with_more_waiting_than_memory_is_given_to_the_bus_keeps_the_rest(
    pair: World,
) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    host = await pair.host(assistant, limits=Limits(turns=3, waiting=5, live=10))
    # RabbitMQ hands out 200 of each of two partitions, which it does not count as waiting.
    users = [f"u{number}" for number in range(600)]
    for user in users:
        await pair.write(user, "Tere!")
    await assistant.was_asked(3)
    async with asyncio.timeout(20):
        while host.counts().waiting < 5:
            await asyncio.sleep(0.02)
    assert host.counts().in_flight == 3
    # What was received in one go was recorded; the others are still the bus's.
    assert host.counts().recorded < len(users)
    assert sum([await pair.bus.depth(Queue.INBOX, p) for p in range(TOPOLOGY.inbox)])
    assistant.gate.set()
    async with asyncio.timeout(60):
        while (await pair.store.counts()).events != {"message/answered": len(users)}:
            await asyncio.sleep(0.05)
    assert [len(one.messages) for one in assistant.asked] == [1] * len(users)
    async with asyncio.timeout(10):
        while host.counts().in_flight:
            await asyncio.sleep(0.02)
    host.conversations.passivate(0)
    assert host.counts().conversations <= 10
