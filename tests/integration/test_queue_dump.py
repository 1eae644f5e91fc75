"""A dump of the queues shows whose every message is, and what each answer answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.services import AmqpSpace
from tests.unit.webhook_front import Front
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.turn import BurstPolicy
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.turn_parts import TurnPolicies
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Member, MemberKind

ACCOUNT = "17841400000000001"
TOPOLOGY = Topology(inbox=4, outbox=2)
USERS = ("900000000000001", "900000000000002", "900000000000003")


@pytest.fixture(params=["embedded", "rabbitmq"])
def bus_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Return the address and the prefix of an empty bus."""
    if request.param == "embedded":
        yield f"sqlite:///{tmp_path / 'bus.sqlite'}", ""
    else:
        space: AmqpSpace = request.getfixturevalue("amqp_space")
        yield space.url, space.queue_prefix


def webhook() -> bytes:
    """One POST of Meta's with a message of each user."""
    items = [
        {
            "sender": {"id": user},
            "recipient": {"id": ACCOUNT},
            "timestamp": system_clock(),
            "message": {"mid": f"mid-{user}", "text": "Mis kell te avate?"},
        }
        for user in USERS
    ]
    entry = {"id": ACCOUNT, "time": system_clock(), "messaging": items}
    return json.dumps({"object": "instagram", "entry": [entry]}).encode()


async def dump(bus: Bus, queue: Queue) -> list[dict[str, Any]]:
    """Every message of a queue, left where it is."""
    found = []
    for partition in range(TOPOLOGY.partitions(queue)):
        if not await bus.depth(queue, partition):
            continue
        subscription = await bus.subscribe(queue, partition)
        for delivery in await subscription.receive(100):
            found.append(json.loads(delivery.body))  # noqa: PERF401 - receive waits
        await subscription.close()
    return found


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_every_queued_message_names_account_user_conversation_and_mids(
    bus_place: tuple[str, str], tmp_path: Path, say: Callable[[str], None]
) -> None:
    url, prefix = bus_place
    store = open_store(
        f"sqlite:///{tmp_path / 'store.sqlite'}",
        partitions=TOPOLOGY.inbox,
        outbox_partitions=TOPOLOGY.outbox,
    )
    async with open_bus(url, TOPOLOGY, prefix=prefix) as bus, store:
        front = Front(bus, partitions=TOPOLOGY.inbox, clock=system_clock)
        async with front.handler:
            assert (await front.post(webhook())).status == 200
        incoming = await dump(bus, Queue.INBOX)
        events = [event for message in incoming for event in message["events"]]
        assert {(one["account"], one["user"], one["mid"]) for one in events} == {
            (ACCOUNT, user, f"mid-{user}") for user in USERS
        }
        assert all(one["conversation"] == conversation_id(ACCOUNT, one["user"]) for one in events)

        member = Member("c/conversation-0", MemberKind.CONVERSATION, "1", "h", 1)
        host = ConversationHost(
            store=store,
            bus=bus,
            assistant=ScriptedAssistant(lambda _: "Kell 9."),
            clock=system_clock,
            partitions=TOPOLOGY.inbox,
            outbox_partitions=TOPOLOGY.outbox,
            policies=TurnPolicies(burst=BurstPolicy(longest_ms=0)),
        )
        async with host:
            names = [inbox_lease(partition) for partition in range(TOPOLOGY.inbox)]
            for lease in (await store.acquire(names, member, 60)).values():
                await host.hold(lease)

            outgoing: list[dict[str, Any]] = []

            async def rung() -> bool:
                # What was looked at is back in its queue a moment later only.
                outgoing[:] = await sends(bus)
                return len(outgoing) == len(USERS)

            await until(rung)
        assert {(one["account"], one["user"], tuple(one["answers"])) for one in outgoing} == {
            (ACCOUNT, user, (f"mid-{user}",)) for user in USERS
        }
        assert all(one["conversation"] == conversation_id(ACCOUNT, one["user"]) for one in outgoing)
        say(f"inbox: {json.dumps(incoming[0])}\noutbox: {json.dumps(outgoing[0])}")


async def sends(bus: Bus) -> list[dict[str, Any]]:
    """What the outbox queues ring for."""
    return [send for message in await dump(bus, Queue.OUTBOX) for send in message["sends"]]
