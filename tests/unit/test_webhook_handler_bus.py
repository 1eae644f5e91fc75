"""What ``/webhook`` does when a publish fails, hangs, or outlives its request."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from tests.fakes.bus import MemoryBus
from tests.unit.webhook_front import (
    PARTITIONS,
    SECRET,
    TEXT,
    Front,
    batch,
    bus,
    durable,
    front,
    signed,
)
from vestlus.conversation.identity import partition_of
from vestlus.errors import BusUnavailable
from vestlus.instagram.parsing import parse_webhook

__all__ = ["bus", "front"]


async def test_a_publish_goes_on_when_its_request_is_cancelled(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert bus.cancelled == 0
    bus.gate.set()
    async with front.handler:
        pass
    assert sum(map(len, durable(bus).values())) == 1
    assert front.counts == {"request_accepted": 1, "event_message": 1}


async def test_a_publish_that_fails_after_its_request_was_cancelled_is_logged(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    bus.fail = lambda _: BusUnavailable()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    request.cancel()
    bus.gate.set()
    with structlog.testing.capture_logs() as logs:
        async with front.handler:
            pass
    assert [log["event"] for log in logs] == ["webhook_not_durable"]
    assert "request_accepted" not in front.counts


async def test_leaving_waits_for_the_publishes_that_have_begun(
    bus: MemoryBus, front: Front
) -> None:
    bus.gate.clear()
    request = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(1)
    leaving = asyncio.create_task(front.handler.__aexit__(None, None, None))
    await asyncio.sleep(0)
    assert not leaving.done()
    bus.gate.set()
    await leaving
    assert (await request).status == 200


# When the bus cannot.


async def refused_for_now(front: Front) -> None:
    answer = await front.post(TEXT)
    assert (answer.status, answer.body) == (503, b"Service Unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "request_accepted" not in front.counts


async def test_a_bus_that_does_not_confirm_is_service_unavailable(
    bus: MemoryBus, front: Front
) -> None:
    bus.fail = lambda _: BusUnavailable()
    await refused_for_now(front)
    assert front.counts == {"request_bus_unavailable": 1}


async def test_a_bus_that_recovers_is_used_again(bus: MemoryBus, front: Front) -> None:
    bus.fail = lambda _: BusUnavailable()
    await refused_for_now(front)
    bus.fail = lambda _: None
    assert (await front.post(TEXT)).status == 200


async def test_a_bus_that_hangs_is_service_unavailable_in_time(bus: MemoryBus) -> None:
    front = Front(bus, publish_timeout=0.01)
    bus.gate.clear()
    await refused_for_now(front)
    assert front.counts == {"request_bus_timeout": 1}
    # What hung is over: it holds no place among those in flight.
    assert bus.cancelled == 1


async def test_one_partition_that_fails_is_enough_for_503_and_the_others_are_finished(
    bus: MemoryBus, front: Front
) -> None:
    body = batch(100)
    partitions = {partition_of(e.account, e.user or "", PARTITIONS) for e in parse_webhook(body)}
    failing = min(partitions)
    bus.fail = lambda partition: BusUnavailable() if partition == failing else None
    assert (await front.post(body)).status == 503
    assert set(durable(bus)) == partitions - {failing}


async def test_a_defect_of_the_bus_is_service_unavailable_and_its_words_are_not_logged(
    bus: MemoryBus, front: Front
) -> None:
    bus.fail = lambda _: RuntimeError("Omg from 900000000000002")
    with structlog.testing.capture_logs() as logs:
        await refused_for_now(front)
    assert [(log["event"], log["error"]) for log in logs] == [
        ("webhook_publish_failed", "RuntimeError")
    ]
    assert "Omg" not in repr(logs)
    assert "900000000000002" not in repr(logs)


async def test_beyond_so_many_in_flight_the_answer_is_503_at_once(bus: MemoryBus) -> None:
    front = Front(bus, max_in_flight=2)
    bus.gate.clear()
    waiting = [asyncio.create_task(front.post(TEXT)) for _ in range(2)]
    await bus.wait_begun(2)
    async with asyncio.timeout(2):
        await refused_for_now(front)
    assert front.counts == {"request_busy": 1}
    bus.gate.set()
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200, 200]
    assert (await front.post(TEXT)).status == 200


async def test_the_accounts_of_what_was_refused_are_told_and_no_others(bus: MemoryBus) -> None:
    told: list[set[str]] = []
    front = Front(bus, on_refused=lambda accounts: told.append(set(accounts)), max_in_flight=1)
    assert (await front.post(TEXT)).status == 200
    assert told == []
    bus.fail = lambda _: BusUnavailable()
    assert (await front.post(TEXT)).status == 503
    (account,) = {event.account for event in parse_webhook(TEXT)}
    assert told == [{account}]
    bus.fail = lambda _: None
    bus.gate.clear()
    waiting = asyncio.create_task(front.post(TEXT))
    await bus.wait_begun(3)
    assert (await front.post(TEXT)).status == 503
    assert told == [{account}, {account}]
    bus.gate.set()
    assert (await waiting).status == 200
    assert (await front.post(TEXT, ())).status == 401
    assert len(told) == 2


async def test_nothing_of_a_request_is_logged(bus: MemoryBus, front: Front) -> None:
    with structlog.testing.capture_logs() as logs:
        await front.post(TEXT)
        await front.post(TEXT, [])
        await front.post(b"Omg", signed(b"Omg"))
        bus.fail = lambda _: BusUnavailable()
        await front.post(TEXT)
    words = repr(logs)
    assert "Omg" not in words
    assert "900000000000002" not in words
    assert SECRET not in words
