"""The worker at its edges: leases that run low, a store that is away, and draining."""

import asyncio

import pytest

from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic
from tests.fakes.messaging import Fault
from tests.fakes.outbox import Place, reference
from tests.fakes.store_ledger import MemoryLedger
from tests.unit.publishers_outbox_support import PROMPT, until
from vestlus.errors import LeaseLost
from vestlus.store.ledger import SendState


def test_nothing_is_sent_when_too_little_of_the_lease_remains() -> None:
    async def scenario() -> None:
        place = Place()
        lasts = [12.0]
        place.until = lambda: lasts[0]
        place.ledger.add("r1")
        async with place.serving():
            await asyncio.sleep(10)
            assert not place.instagram.written
            assert place.ledger.rows["r1"].row.attempts == 0
            lasts[0] = 60.0
            await asyncio.wait_for(place.ledger.settled(), PROMPT)

    run_virtual(scenario())


def test_a_lease_that_runs_short_between_claim_and_request_gives_the_row_back() -> None:
    async def scenario() -> None:
        place = Place()
        # Enough when the row is claimed, and no more when its request would be written.
        place.until = lambda: 60.0 if place.ledger.state("r1") is SendState.PENDING else 0.0
        place.ledger.add("r1")
        async with place.serving():
            await until(lambda: len(place.ledger.history) >= 2)
        assert place.ledger.history[:2] == [
            ("r1", SendState.PENDING, SendState.SENDING),
            ("r1", SendState.SENDING, SendState.PENDING),
        ]
        assert not place.instagram.written

    run_virtual(scenario())


def test_a_worker_that_was_overtaken_stops_and_says_so() -> None:
    async def scenario() -> None:
        place = Place()
        worker = place.worker()
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(1)
        place.ledger.take_over(0)
        worker.ring([reference(place.ledger.add("r1"))])
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(running, PROMPT)
        assert not place.instagram.written

    run_virtual(scenario())


def test_a_worker_that_is_overtaken_from_the_start_says_so() -> None:
    async def scenario() -> None:
        place = Place()
        worker = place.worker()
        place.ledger.take_over(0)
        with pytest.raises(LeaseLost):
            await worker.run()

    run_virtual(scenario())


def test_an_outcome_survives_a_store_that_is_away() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("r1")
        async with place.serving():
            await until(lambda: place.instagram.sent)
            place.ledger.unavailable = 12
            await asyncio.wait_for(place.ledger.settled(), 60)
        assert place.ledger.rows["r1"].sent_mid == place.instagram.sent[0].mid
        assert len(place.instagram.written) == 1

    run_virtual(scenario())


@pytest.mark.parametrize("skipped", [0, 1])
def test_a_step_whose_confirmation_was_lost_is_not_made_twice(skipped: int) -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("r1")
        async with place.serving():
            await until(lambda: len(place.ledger.history) == skipped)
            place.ledger.in_doubt = 1
            await asyncio.wait_for(place.ledger.settled(), 10)
            await asyncio.sleep(5)
        assert place.ledger.state("r1") is SendState.SENT
        assert len(place.instagram.written) == 1

    run_virtual(scenario())


def test_an_outcome_that_is_known_is_recorded_although_the_worker_is_stopped() -> None:
    async def scenario() -> None:
        place = Place(ledger=MemoryLedger(latency=0.5))
        place.ledger.add("r1")
        async with place.serving():
            await until(lambda: place.instagram.sent and not place.instagram.in_flight["a1"])
            assert place.ledger.state("r1") is SendState.SENDING
            place.ledger.unavailable = 3
        assert place.ledger.state("r1") is SendState.SENT

    run_virtual(scenario())


def test_draining_lets_requests_in_flight_settle_and_begins_none() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.latency = 3.0
        for number in range(300):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving() as worker:
            await asyncio.sleep(1)
            assert await worker.drain(30)
            states = [kept.row.state for kept in place.ledger.rows.values()]
        assert states.count(SendState.SENT) == len(place.instagram.written) > 50
        assert states.count(SendState.PENDING) == 300 - states.count(SendState.SENT)

    run_virtual(scenario())


def test_draining_ends_at_its_deadline() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(request_seconds=50))
        place.instagram.fault = lambda *_: Fault.HANG
        place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(1)
            assert not await worker.drain(5)
            assert virtual_monotonic() == pytest.approx(6, abs=0.1)

    run_virtual(scenario())
