"""Pauses of an account: what ends them, and what goes on meanwhile."""

import asyncio
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publishers.bucket import Limit
from publishers.outbox import OutboxWorker
from publishers.rate import AccountBudget
from publishers.rules import DEFAULT_LIMITS, SendingRules
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place, limited, told
from vestlus.store.ledger import SendState

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
    worker.usage("a1", told(100, minutes=60))


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


def test_a_new_token_puts_no_row_forward_of_an_account_that_waited_for_none() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(retry_seconds=20.0))
        place.instagram.fault = once(Fault.BUSY)
        place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(5)
            written = len(place.instagram.written)
            assert written == 1
            worker.token_renewed("a1")
            await asyncio.sleep(5)
            assert len(place.instagram.written) == written
            await asyncio.wait_for(place.ledger.settled(), 60)

    run_virtual(scenario())


def test_a_look_that_was_refused_for_its_token_is_made_soon_after_a_new_one() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(token_probe_seconds=500))
        place.instagram.fault = once(Fault.CUT)
        place.instagram.look_fault = once(Fault.TOKEN)
        place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(100)
            looks = len(place.instagram.looks)
            assert looks
            worker.token_renewed("a1")
            await asyncio.sleep(5)
            assert len(place.instagram.looks) > looks

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


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.TOKEN, Fault.UNREACHABLE])
def test_windows_that_close_in_a_pause_which_met_a_backlog_are_given_up_on_time(
    fault: Fault,
) -> None:
    async def scenario() -> None:
        rules = SendingRules(token_probe_seconds=3600, longest_unreachable_seconds=3600)
        place = Place(rules=rules)
        place.instagram.retry_after = 3600.0
        place.instagram.fault = lambda *_: fault if place.instagram.sent[50:] else Fault.NONE
        place.backlog("a1", 400)
        async with place.serving():
            await asyncio.sleep(30)
            closes_ms = virtual_ms() + 100_000
            place.ledger.add("dies", user="another", deadline_ms=closes_ms)
            while place.ledger.state("dies") is not SendState.DEAD:
                await asyncio.sleep(0.1)
            assert 0 < virtual_ms() - closes_ms < 2000
        assert place.ledger.rows["dies"].reason == "window_closed"

    run_virtual(scenario())


def test_an_echo_ends_a_doubt_while_instagram_refuses_readings_for_their_number() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.retry_after = 900.0
        place.instagram.fault = once(Fault.APPLY, Fault.APPLY)
        place.instagram.look_fault = once(Fault.THROTTLE)
        for user in ("u1", "u2"):
            place.instagram.user_wrote("a1", user)
            place.ledger.add(f"{user}.first", user=user)
            place.ledger.add(f"{user}.second", user=user)
        async with place.serving():
            await asyncio.sleep(4)
            assert len(place.instagram.looks) == 1
            for sent in place.instagram.sent:
                place.ledger.add_echo("a1", sent.user, sent.mid, sent.text, sent.at_ms)
            await asyncio.wait_for(place.ledger.settled(), 6)
        assert len(place.instagram.sent) == 4

    run_virtual(scenario())


@given(
    st.lists(st.floats(3, 50), min_size=1, max_size=8),
    st.lists(st.sampled_from([Fault.THROTTLE, Fault.CUT, Fault.STOP, Fault.NONE]), max_size=20),
    st.floats(1, 1000),
)
@settings(max_examples=50)
def test_an_echo_ends_a_doubt_within_seconds_whatever_becomes_of_the_readings(
    echoes: list[float], faults: list[Fault], retry_after: float
) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.retry_after = retry_after
        place.instagram.look_fault = once(Fault.NONE, *faults)
        loop, begin_ms = asyncio.get_running_loop(), virtual_ms()
        for number, after in enumerate(echoes):
            row = place.ledger.add(
                f"r{number}", user=f"u{number}", state=SendState.LOOKING, attempted_ms=begin_ms
            )
            at_ms = begin_ms + 1000
            echo = ("a1", row.user, f"m{number}", row.text, at_ms)
            loop.call_later(after, place.ledger.add_echo, *echo)
        async with place.serving():
            for number in sorted(range(len(echoes)), key=echoes.__getitem__):
                while place.ledger.state(f"r{number}") is not SendState.SENT:
                    await asyncio.sleep(0.1)
                # A look that is reading its conversation is at that first.
                assert loop.time() - echoes[number] < place.rules.echo_seconds + 2
        assert not place.instagram.sent

    run_virtual(scenario())


def test_no_conversation_is_read_once_draining_has_begun() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(look=Limit(0.1))))
        for number in range(3):
            place.ledger.add(f"r{number}", user=f"u{number}", state=SendState.LOOKING)
        async with place.serving() as worker:
            await asyncio.sleep(1)
            assert await worker.drain(60)
            await asyncio.sleep(100)
            assert not place.instagram.looks

    run_virtual(scenario())
