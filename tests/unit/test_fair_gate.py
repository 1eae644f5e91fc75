"""So many at a time, and one of each party in turn."""

from __future__ import annotations

import asyncio

from vestlus.fair_gate import FairGate


class Room:
    """People who go through a gate and stay until they are told to leave."""

    def __init__(self, places: int) -> None:
        self.gate = FairGate(places)
        self.came: list[str] = []
        self.leave = asyncio.Event()

    async def visit(self, name: str) -> None:
        async with self.gate.place(name[0]):
            self.came.append(name)
            await self.leave.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_there_are_places_are_in_and_the_others_come_in_turn() -> None:
    room = Room(2)
    names = ("a1", "a2", "a3", "a4", "b1", "c1")
    tasks = [asyncio.create_task(room.visit(name)) for name in names]
    await settle()
    assert room.came == ["a1", "a2"]
    room.leave.set()
    await asyncio.gather(*tasks)
    assert room.came == ["a1", "a2", "a3", "b1", "c1", "a4"]


async def test_who_gives_up_waiting_takes_no_place() -> None:
    room = Room(1)
    tasks = [asyncio.create_task(room.visit(name)) for name in ("a1", "a2", "b1")]
    await settle()
    tasks[1].cancel()
    await settle()
    room.leave.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert room.came == ["a1", "b1"]


async def test_a_place_given_in_the_moment_of_giving_up_is_free_again() -> None:
    gate = FairGate(1)
    first = gate.place("a")
    await first.__aenter__()
    waiting = asyncio.create_task(gate.place("b").__aenter__())
    await settle()
    await first.__aexit__(None, None, None)  # the place is given, and `waiting` has not run since
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    async with asyncio.timeout(1), gate.place("c"):
        pass
