"""Bodies that are too large, too slow or too many, and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from tests.fakes.bus import MemoryBus
from tests.unit.webhook_front import (
    PARTITIONS,
    TEXT,
    Front,
    batch,
    bus,
    durable,
    front,
    signature,
    signed,
)
from vestlus.instagram.handler import FREE_BYTES, MAX_BODY_BYTES

__all__ = ["bus", "front"]


# Sizes, slowness and clients that go away.


async def test_a_declared_size_over_the_limit_is_refused_unread(front: Front) -> None:
    length = (b"content-length", str(MAX_BODY_BYTES + 1).encode())
    # There is nothing to receive: reading would wait for ever.
    async with asyncio.timeout(2):
        answer = await front.ask("POST", headers=[length, signature(b"")])
    assert answer.status == 413


async def test_a_body_that_grows_over_the_limit_is_refused(bus: MemoryBus, front: Front) -> None:
    piece: dict[str, object] = {"type": "http.request", "body": b" " * 2**20, "more_body": True}
    asked = 0

    def pieces() -> Iterable[dict[str, object]]:
        nonlocal asked
        while True:
            asked += 1
            yield piece

    answer = await front.ask("POST", headers=[signature(b"")], messages=pieces())
    assert (answer.status, bus.begun) == (413, 0)
    assert asked == MAX_BODY_BYTES // 2**20 + 1


async def test_a_thousand_updates_fit(bus: MemoryBus, front: Front) -> None:
    body = batch(1000)
    length = (b"content-length", str(len(body)).encode())
    assert (await front.post(body, [length, signature(body)])).status == 200
    assert sum(map(len, durable(bus).values())) == 1000


async def test_a_body_of_exactly_the_limit_is_read(bus: MemoryBus, front: Front) -> None:
    body = TEXT.ljust(MAX_BODY_BYTES)
    length = (b"content-length", str(len(body)).encode())
    assert (await front.post(body, [length, signature(body)])).status == 200
    assert bus.begun == 1


@pytest.mark.parametrize(
    "lengths", [[b"x"], [b""], [b"-1"], [b"+5"], [b"5", b"5"], [b"5, 5"], [b"9" * 5000]]
)
async def test_a_content_length_that_is_none_is_a_bad_request(
    front: Front, lengths: list[bytes]
) -> None:
    headers = [(b"content-length", value) for value in lengths]
    assert (await front.post(TEXT, [*headers, signature(TEXT)])).status == 400


async def test_a_body_that_does_not_arrive_is_not_waited_for(bus: MemoryBus) -> None:
    front = Front(bus, read_timeout=0.01)
    first: dict[str, object] = {"type": "http.request", "body": b"{", "more_body": True}
    answer = await front.ask("POST", headers=signed(TEXT), messages=[first])
    assert answer.status == 408


async def test_a_client_that_went_away_gets_no_answer_and_publishes_nothing(
    bus: MemoryBus, front: Front
) -> None:
    answer = await front.ask(
        "POST",
        headers=signed(TEXT),
        messages=[
            {"type": "http.request", "body": TEXT, "more_body": True},
            {"type": "http.disconnect"},
        ],
    )
    assert (answer.status, bus.begun) == (0, 0)
    assert front.counts == {"request_client_gone": 1}


# Much at once.


async def test_large_bodies_that_leave_no_room_are_put_off_and_small_ones_are_not(
    bus: MemoryBus,
) -> None:
    front = Front(bus, room_bytes=200_000)
    bus.gate.clear()
    large = batch(1200)
    assert FREE_BYTES < len(large) < 200_000 + FREE_BYTES
    first = asyncio.create_task(front.post(large))
    await bus.wait_begun(PARTITIONS)
    refused = await front.post(large)
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    small = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(PARTITIONS + 1)
    bus.gate.set()
    assert ((await first).status, (await small).status) == (200, 200)
    assert (await front.post(large)).status == 200
    assert front.counts["request_busy"] == 1


async def test_the_room_of_refused_and_broken_bodies_is_free_again(front: Front) -> None:
    front = Front(MemoryBus(), room_bytes=200_000)
    large = batch(1200)
    for _ in range(3):
        assert (await front.post(large, headers=signed(b"other"))).status == 401
        gone: dict[str, object] = {"type": "http.disconnect"}
        piece: dict[str, object] = {"type": "http.request", "body": large, "more_body": True}
        await front.ask("POST", headers=signed(large), messages=[piece, gone])
        assert (await front.post(large[:-1])).status == 400
    assert (await front.post(large)).status == 200
