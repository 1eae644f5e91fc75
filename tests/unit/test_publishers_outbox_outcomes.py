"""What the worker makes of each outcome: tried again, put off, stopped, or given up."""

import asyncio

import pytest

from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place
from tests.unit.publishers_outbox_support import PROMPT, until
from vestlus.store.ledger import SendState


def test_a_row_whose_window_closed_is_given_up_and_not_sent() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("late", deadline_ms=virtual_ms() - 1)
        place.ledger.add("next", text="veel")
        async with place.serving():
            await place.ledger.settled()
        assert place.ledger.rows["late"].reason == "window_closed"
        assert place.instagram.texts("a1", "u1") == ["veel"]

    run_virtual(scenario())


def test_windows_that_close_while_an_account_is_stopped_are_given_up_on_time() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(token_probe_seconds=10_000))
        place.instagram.fault = lambda *_: Fault.TOKEN
        place.ledger.add("first", user="u1")
        place.ledger.add("tried", user="u3", deadline_ms=virtual_ms() + 50_000)
        async with place.serving():
            await asyncio.sleep(1)
            place.ledger.add("r", user="u2", deadline_ms=virtual_ms() + 60_000)
            await until(lambda: place.ledger.state("tried") is SendState.DEAD)
            assert 50 < virtual_monotonic() < 51
            await until(lambda: place.ledger.state("r") is SendState.DEAD)
            assert 60 < virtual_monotonic() < 62
        assert place.ledger.state("first") is SendState.PENDING

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.THROTTLE, Fault.UNREACHABLE, Fault.TOKEN])
def test_what_was_certainly_not_done_is_tried_again_without_a_look(fault: Fault) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(fault)
        place.ledger.add("r1")
        place.ledger.add("r2", text="teine")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 70)
        assert place.instagram.texts("a1", "u1") == ["Tere!", "teine"]
        assert place.ledger.rows["r1"].row.attempts == 2
        assert not place.instagram.looks

    run_virtual(scenario())


def test_a_row_that_graph_keeps_putting_off_is_given_up_after_eight_tries() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.BUSY
        place.ledger.add("r1")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 300)
        assert place.ledger.rows["r1"].reason == "temporary"
        assert len(place.instagram.written) == 8

    run_virtual(scenario())


def test_an_outage_of_graph_gives_nothing_up_and_is_over_soon_after_it_ends() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.UNREACHABLE
        for number in range(100):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await asyncio.sleep(3600)
            assert len(place.instagram.written) < 400
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 35)
        assert len(place.instagram.sent) == 100

    run_virtual(scenario())


def test_throttling_stops_the_whole_account_for_as_long_as_told() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.retry_after = 120
        place.instagram.fault = lambda _, text: Fault.THROTTLE if text == "x" else Fault.NONE
        place.ledger.add("x", user="ux", text="x", deadline_ms=virtual_ms() + 60_000)
        for number in range(200):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await asyncio.sleep(100)
            before = len(place.instagram.written)
            assert before < 20
            await asyncio.sleep(20)
            await asyncio.wait_for(until(lambda: len(place.instagram.sent) == 200), 5)

    run_virtual(scenario())


def test_a_rejected_token_keeps_everything_waiting_and_is_probed_by_one_row_at_a_time() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.TOKEN
        for number in range(50):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await asyncio.sleep(30)
            burnt = len(place.instagram.written)
            assert burnt <= 16
            await asyncio.sleep(600)
            assert len(place.instagram.written) - burnt == 10
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 62)
        assert len(place.instagram.sent) == 50

    run_virtual(scenario())


def test_a_renewed_token_is_used_at_once() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.TOKEN)
        place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(5)
            assert place.ledger.state("r1") is SendState.PENDING
            worker.token_renewed("a1")
            await asyncio.wait_for(place.ledger.settled(), 1)

    run_virtual(scenario())


def test_a_refused_row_is_given_up_with_graphs_reason_and_the_next_one_goes() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.REFUSE)
        place.ledger.add("r1")
        place.ledger.add("r2", text="teine")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), PROMPT)
        assert place.ledger.rows["r1"].reason == "outside_window"
        assert place.instagram.texts("a1", "u1") == ["teine"]
        assert place.tally.stats(in_flight=0, waiting=0, looking=0).dead == {"outside_window": 1}

    run_virtual(scenario())
