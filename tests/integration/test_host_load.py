"""What a host says of its load, by which the registry decides whether there are enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, TOPOLOGY, World, message, world
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.identity import partition_of
from vestlus.hosting.turn_places import Limits
from vestlus.messages import encode, inbox_message

__all__ = ["world"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_host_is_as_full_as_its_places_for_turns(world: World) -> None:
    assistant = ScriptedAssistant()
    assistant.gate.clear()
    host = await world.host(assistant, limits=Limits(turns=4))
    assert host.full == 0
    await world.write("anna", "Tere!")
    await world.write("bert", "Tere!")
    await until(lambda: host.full == 0.5)
    assistant.gate.set()
    await until(lambda: host.full == 0)


async def test_a_host_tells_how_long_what_it_takes_in_lay_on_the_bus(world: World) -> None:
    host = await world.host(ScriptedAssistant())
    await world.write("anna", "Tere!")
    await world.said("anna", 2)
    assert host.backlog_seconds < 5
    old = inbox_message((message("anna", "Ammu!"),), at_ms=system_clock() - 60_000)
    partition = partition_of(ACCOUNT, "anna", TOPOLOGY.inbox)
    await world.bus.publish(Queue.INBOX, partition, [encode(old)])
    await until(lambda: 60 <= host.backlog_seconds < 90)
