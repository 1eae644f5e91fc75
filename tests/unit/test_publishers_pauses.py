"""Pauses of an account: what ends them, and what goes on meanwhile."""

import asyncio
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.outbox import OutboxWorker
from publishers.rate import AccountBudget
from publishers.rules import DEFAULT_LIMITS, SendingRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place

events = st.lists(
    st.tuples(
        st.floats(0, 100),
        st.sampled_from(["limited", "unrenewed", "renewed"]),
        st.floats(0, 300),
    ),
    max_size=30,
)


@given(events, st.floats(0, 300))
def test_a_new_token_ends_only_what_waits_for_one(
    happened: list[tuple[float, str, float]], later: float
) -> None:
    now = 0.0
    budget = AccountBudget(DEFAULT_LIMITS.calls, lambda: now)
    limited = unrenewed = -math.inf
    for after, event, seconds in happened:
        now += after
        match event:
            case "limited":
                budget.pause(seconds)
                limited = max(limited, now + seconds)
            case "unrenewed":
                budget.pause(seconds, until_renewed=True)
                unrenewed = max(unrenewed, now + seconds)
            case _:
                assert budget.resume() is (unrenewed > now)
                unrenewed = -math.inf
    now += later
    assert budget.paused_seconds() == max(0.0, limited - now, unrenewed - now)


def says_the_header(worker: OutboxWorker) -> None:
    worker.usage("a1", 100, regain_seconds=3600)


@pytest.mark.parametrize(("fault", "told"), [(Fault.THROTTLE, None), (Fault.NONE, says_the_header)])
def test_a_new_token_changes_nothing_for_an_account_that_meta_limits(
    fault: Fault, told: Callable[[OutboxWorker], None] | None
) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.retry_after = 3600.0
        place.instagram.fault = lambda *_: fault
        async with place.serving() as worker:
            if told is not None:
                # An account is known from its first row on.
                place.ledger.add("first")
                await asyncio.wait_for(place.ledger.settled(), 5)
                told(worker)
            place.backlog("a1", 10)
            await asyncio.sleep(30)
            before = len(place.instagram.written)
            for _ in range(3):
                worker.token_renewed("a1")
                await asyncio.sleep(5)
            assert len(place.instagram.written) == before
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 3600)

    run_virtual(scenario())


def test_an_account_that_is_limited_and_rejected_waits_for_the_limit_after_a_new_token() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(token_probe_seconds=500))
        place.instagram.retry_after = 100.0
        place.instagram.fault = once(Fault.TOKEN, Fault.THROTTLE)
        place.backlog("a1", 2)
        async with place.serving() as worker:
            await asyncio.sleep(10)
            assert len(place.instagram.written) == 2
            worker.token_renewed("a1")
            await asyncio.sleep(85)
            assert len(place.instagram.written) == 2
            await asyncio.wait_for(place.ledger.settled(), 10)

    run_virtual(scenario())


def test_a_held_row_is_tried_no_more_often_after_a_new_token() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = once(Fault.TOKEN)
        row = place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(5)
            place.ledger.undetermined.add(row.conversation)
            worker.token_renewed("a1")
            tried = place.tally.events["held"]
            await asyncio.sleep(10)
            assert place.tally.events["held"] - tried in range(15, 25)
            place.ledger.undetermined.clear()
            await asyncio.wait_for(place.ledger.settled(), 2)

    run_virtual(scenario())


def test_a_held_row_is_given_up_when_its_window_closes() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(held_seconds=50))
        row = place.ledger.add("r1", deadline_ms=virtual_ms() + 10_000)
        place.ledger.undetermined.add(row.conversation)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 11)
        assert place.ledger.rows["r1"].reason == "window_closed"

    run_virtual(scenario())
