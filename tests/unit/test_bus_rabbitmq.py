"""The RabbitMQ adapter's own decisions, without a broker."""

from __future__ import annotations

import asyncio
import inspect
import random

import aio_pika.exceptions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.bus.port import Queue, Topology
from vestlus.bus.rabbitmq_calls import call_broker, close_quietly
from vestlus.bus.rabbitmq_link import Link
from vestlus.bus.rabbitmq_subscription import _death_reason
from vestlus.bus.rabbitmq_topology import DELIVERY_LIMIT, Layout
from vestlus.errors import BusUnavailable

LIBRARY_ERRORS = [
    error
    for _, error in inspect.getmembers(aio_pika.exceptions, inspect.isclass)
    if issubclass(error, Exception)
]


def test_the_library_has_errors_to_translate() -> None:
    assert len(LIBRARY_ERRORS) > 15


@pytest.mark.parametrize("error", LIBRARY_ERRORS)
async def test_every_error_of_the_library_becomes_ours(error: type[Exception]) -> None:
    async def fail() -> None:
        raise error.__new__(error)

    with pytest.raises(BusUnavailable) as caught:
        await call_broker("try", fail(), 1.0)
    assert isinstance(caught.value.__cause__, error)


async def test_a_call_that_is_not_answered_ends_in_time() -> None:
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(BusUnavailable, match="no answer"):
        await call_broker("try", hang(), 0.01)
    async with asyncio.timeout(1):
        await cancelled.wait()


async def test_a_cancellation_by_the_library_is_a_lost_connection() -> None:
    async def cancelled_from_inside() -> None:
        raise asyncio.CancelledError

    with pytest.raises(BusUnavailable, match="went away"):
        await call_broker("try", cancelled_from_inside(), 1.0)


async def test_a_cancellation_of_the_caller_is_one_and_reaches_the_call() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    task = asyncio.create_task(call_broker("try", hang(), 60.0))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(1):
        await cancelled.wait()


async def test_a_mistake_in_the_program_is_not_taken_for_a_broker_s_fault() -> None:
    async def wrong() -> None:
        message = "wrong"
        raise KeyError(message)

    with pytest.raises(KeyError):
        await call_broker("try", wrong(), 1.0)


async def test_closing_what_is_broken_does_not_fail() -> None:
    async def fail() -> None:
        raise ConnectionResetError

    await close_quietly("it", fail(), 1.0)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("amqp://u:p@h/%2F", "amqp://u:p@h/%2F?heartbeat=5&name=here"),
        ("amqps://h:5671/v", "amqps://h:5671/v?heartbeat=5&name=here"),
        ("amqp://h/v?heartbeat=9", "amqp://h/v?heartbeat=9&name=here"),
    ],
)
async def test_an_address_gets_a_heartbeat_and_keeps_the_rest(given: str, used: str) -> None:
    link = Link(given, name="here", timeout=1.0, chance=random.Random(1))  # noqa: S311 - jitter
    assert link.url == used


def test_names_carry_the_prefix() -> None:
    layout = Layout(Topology(inbox=4, outbox=2), "mine.")
    assert layout.exchange(Queue.INBOX) == "mine.vestlus.inbox"
    assert layout.queue(Queue.OUTBOX, 1) == "mine.outbox.1"
    assert layout.arguments(Queue.INBOX)["x-dead-letter-exchange"] == "mine.vestlus.dead"
    assert layout.arguments(Queue.INBOX)["x-dead-letter-routing-key"] == "mine.dead.0"


def test_only_partitions_that_exist_have_names() -> None:
    layout = Layout(Topology(inbox=4, outbox=2))
    assert layout.queue(Queue.INBOX, 3) == "inbox.3"
    for queue, partition in ((Queue.INBOX, 4), (Queue.OUTBOX, 2), (Queue.DEAD, 1)):
        with pytest.raises(ValueError, match="no partition"):
            layout.queue(queue, partition)


@pytest.mark.parametrize("queue", list(Queue))
def test_every_queue_is_a_quorum_queue_with_one_consumer_and_a_stated_limit(queue: Queue) -> None:
    arguments = Layout(Topology()).arguments(queue)
    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-single-active-consumer"] is True
    assert arguments["x-delivery-limit"] == DELIVERY_LIMIT
    assert ("x-dead-letter-exchange" in arguments) is (queue is not Queue.DEAD)


def test_the_newest_death_gives_the_reason() -> None:
    deaths = [{"reason": "delivery_limit", "queue": "inbox.3"}, {"reason": "expired"}]
    assert _death_reason({"x-death": deaths}) == "delivery_limit"


scalar = st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5)
death = scalar | st.dictionaries(st.sampled_from(["reason", "queue"]), scalar, max_size=2)
anything = death | st.lists(death, max_size=3)


@given(headers=st.dictionaries(st.sampled_from(["x-death", "other"]), anything, max_size=2))
def test_headers_of_any_form_give_a_text(headers: dict[str, object]) -> None:
    assert isinstance(_death_reason(headers), str)
