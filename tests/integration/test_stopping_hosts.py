"""A host that is told to stop while the model hangs or the bus says nothing."""

from __future__ import annotations

import asyncio
import time

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.test_hosting import TOPOLOGY, World, world
from vestlus.hosting.turn_places import Limits
from vestlus.store.names import inbox_lease

__all__ = ["world"]


async def test_a_model_that_hangs_costs_the_deadline_and_the_next_owner_answers(
    world: World,
) -> None:
    hanging = ScriptedAssistant()
    hanging.gate.clear()
    host = await world.host(hanging)
    await world.write("u", "Tere!")
    await hanging.was_asked(1)
    began = time.monotonic()
    await asyncio.gather(*(host.let_go(inbox_lease(p), 0.3) for p in range(TOPOLOGY.inbox)))
    assert 0.3 <= time.monotonic() - began < 5
    assert hanging.cancelled == 1
    assert (host.counts().in_flight, host.counts().conversations) == (0, 0)
    await world.host(ScriptedAssistant())
    assert await world.said("u", 2) == ["Tere!", "Tere!"]


async def test_a_turn_that_ends_in_time_is_committed_by_who_began_it(world: World) -> None:
    slow = ScriptedAssistant()
    slow.gate.clear()
    host = await world.host(slow)
    await world.write("u", "Tere!")
    await slow.was_asked(1)
    asyncio.get_running_loop().call_later(0.1, slow.gate.set)
    await asyncio.gather(*(host.let_go(inbox_lease(p), 30) for p in range(TOPOLOGY.inbox)))
    assert await world.history("u") == ["Tere!", "Tere!"]


async def test_with_turns_waiting_for_a_place_only_those_under_way_are_let_end(
    world: World,
) -> None:
    slow = ScriptedAssistant()
    slow.gate.clear()
    host = await world.host(slow, limits=Limits(turns=2))
    for number in range(10):
        await world.write(f"u{number}", "Tere!")
    await slow.was_asked(2)
    async with asyncio.timeout(10):
        while host.counts().waiting < 8:
            await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.2, slow.gate.set)
    await asyncio.gather(*(host.let_go(inbox_lease(p), 30) for p in range(TOPOLOGY.inbox)))
    assert host.counts().waiting == 0
    await world.host(ScriptedAssistant())
    for number in range(10):
        assert await world.said(f"u{number}", 2) == ["Tere!", "Tere!"]
    assert (await world.store.counts()).events == {"message/answered": 10}
