"""The machine's clock is put back or forward by an hour while conversations go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import FAST, World, world
from vestlus.assistant.port import Question
from vestlus.clock import system_clock
from vestlus.conversation.turn import BurstPolicy, FailurePolicy
from vestlus.errors import AssistantUnavailable

__all__ = ["world"]

HOUR_MS = 60 * 60 * 1000

#: Far less than an hour.
SOON_SECONDS = 10


class PutClock:
    """The machine's clock, put by so many milliseconds."""

    def __init__(self) -> None:
        self.by_ms = 0

    def __call__(self) -> int:
        return system_clock() + self.by_ms


@pytest.mark.parametrize("by_ms", [-HOUR_MS, HOUR_MS])
async def test_a_burst_under_way_is_waited_for_no_longer_than_any(world: World, by_ms: int) -> None:
    clock = PutClock()
    policies = replace(FAST, burst=BurstPolicy(longest_ms=2_000))
    host = await world.host(ScriptedAssistant(), policies=policies, clock=clock)
    await world.write("u", "tere")
    async with asyncio.timeout(SOON_SECONDS):
        while not host.counts().in_flight:
            await asyncio.sleep(0.01)
    clock.by_ms = by_ms
    await world.write("u", "Mis kell te avate?")
    async with asyncio.timeout(SOON_SECONDS):
        assert {"tere", "Mis kell te avate?"} <= set(await world.said("u", 3))


@pytest.mark.parametrize("by_ms", [-HOUR_MS, HOUR_MS])
async def test_a_failed_turn_is_tried_again_in_its_time_and_not_given_up_before(
    world: World, by_ms: int
) -> None:
    clock = PutClock()
    tries: list[int] = []

    def script(_: Question) -> str:
        tries.append(clock.by_ms)
        if len(tries) == 2:
            clock.by_ms = by_ms
        if len(tries) < 4:
            raise AssistantUnavailable("away")
        return "nüüd"

    failure = FailurePolicy(most=2, patience_ms=60_000, first_wait_ms=20, longest_wait_ms=50)
    await world.host(
        ScriptedAssistant(script), policies=replace(FAST, failure=failure), clock=clock
    )
    await world.write("u", "Tere!")
    async with asyncio.timeout(SOON_SECONDS):
        assert await world.said("u", 2) == ["Tere!", "nüüd"]
    assert world.handed_over == []


async def test_a_new_owner_does_not_wait_for_a_time_from_before_the_clock_was_put_back(
    world: World,
) -> None:
    clock = PutClock()
    failure = FailurePolicy(most=100, first_wait_ms=60_000, longest_wait_ms=60_000)

    def away(_: Question) -> str:
        raise AssistantUnavailable("away")

    before = await world.host(
        ScriptedAssistant(away), policies=replace(FAST, failure=failure), clock=clock
    )
    await world.write("u", "Tere!")
    async with asyncio.timeout(SOON_SECONDS):
        while not before.counts().failed:
            await asyncio.sleep(0.01)
    clock.by_ms = -HOUR_MS
    await world.host(ScriptedAssistant(lambda _: "nüüd"), clock=clock)
    async with asyncio.timeout(SOON_SECONDS):
        assert await world.said("u", 2) == ["Tere!", "nüüd"]
