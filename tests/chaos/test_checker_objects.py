"""Services that break one promise each, against the real simulator: its checker objects.

They answer as ours does, through Graph, to webhooks that they took in; only one thing is wrong.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.report import BREACHES
from tests.integration.simulator_harness import Client, running_service, running_simulator, settled

USER, OTHER = "ub1", "ub2"
MARKERS = ("#ub1-1", "#ub1-2", "#ub1-3")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A simulator whose users have written, each webhook answered 200."""
    async with running_service() as service, running_simulator(service, tmp_path) as client:
        for marker in MARKERS:
            await client.control("messages", {"user": USER, "text": f"Mis kell? {marker}"})
            await settled(client, USER)
        yield client


async def answers(client: Client, *markers: str) -> None:
    for marker in markers:
        status, _ = await client.send(f"9-17 {marker}", USER)
        assert status == 200


async def good(client: Client) -> None:
    await answers(client, *MARKERS)


async def drops_one(client: Client) -> None:
    await answers(client, MARKERS[0], MARKERS[2])


async def doubles_one(client: Client) -> None:
    await answers(client, *MARKERS, MARKERS[1])


async def swaps_two(client: Client) -> None:
    await answers(client, MARKERS[1], MARKERS[0], MARKERS[2])


async def answers_somebody_else(client: Client) -> None:
    await good(client)
    await client.control("messages", {"user": OTHER, "text": "Tere!", "expects_answer": False})
    await client.send(f"9-17 {MARKERS[0]}", OTHER)


async def answers_after_a_person(client: Client) -> None:
    await answers(client, *MARKERS[:2])
    await client.control("personal-answer", {"user": USER, "text": "Siin Mari."})
    body = await client.get("/control/conversation", user=USER)
    while body["messages"][-1]["echoed_at"] is None:
        body = await client.get("/control/conversation", user=USER)
    await answers(client, MARKERS[2])


async def answers_after_a_take_over(client: Client) -> None:
    await answers(client, *MARKERS[:2])
    await client.control("taken-over", {"user": USER})
    await answers(client, MARKERS[2])


async def answers_after_the_window(client: Client) -> None:
    await good(client)
    yesterday = round(time.time() * 1000) - 25 * 3600 * 1000
    await client.control(
        "messages",
        {"user": OTHER, "text": "Tere!", "timestamp_ms": yesterday, "expects_answer": False},
    )
    status, _ = await client.send("Tere!", OTHER)
    assert status == 400


async def exceeds_the_rate(client: Client) -> None:
    await client.control("limits", {"sends_per_second": 3})
    await good(client)
    status, _ = await client.send("9-17", USER)
    assert status == 400


BROKEN: Mapping[Callable[[Client], Awaitable[None]], str] = {
    drops_one: "lost",
    doubles_one: "duplicated",
    swaps_two: "out_of_order",
    answers_somebody_else: "misdirected",
    answers_after_a_person: "after_person",
    answers_after_a_take_over: "after_person",
    answers_after_the_window: "outside_window",
    exceeds_the_rate: "over_limit",
}


def test_each_promise_has_a_service_that_breaks_it() -> None:
    assert set(BROKEN.values()) == set(BREACHES)


async def verdict(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = await client.get("/control/check", user_prefix="ub")
    return found


async def test_nothing_is_said_against_a_service_that_keeps_them(client: Client) -> None:
    await good(client)
    found = await verdict(client)
    assert found["ok"]
    assert found["answered"] == len(MARKERS)


@pytest.mark.parametrize("service", BROKEN)
async def test_a_broken_promise_is_told_and_no_other(
    client: Client, service: Callable[[Client], Awaitable[None]]
) -> None:
    await service(client)
    found = await verdict(client)
    assert not found["ok"]
    assert [name for name in BREACHES if found[name]] == [BROKEN[service]]


async def test_what_a_fault_throttled_is_not_held_against_the_service(client: Client) -> None:
    await client.control("faults", {"rules": [{"kind": "throttle", "next": 1}]})
    status, _ = await client.send("9-17", USER)
    assert status == 400
    await good(client)
    assert (await verdict(client))["ok"]
