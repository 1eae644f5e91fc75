"""Accounts that may not send: what waits for them, and that nobody else waits with them."""

import asyncio
from collections.abc import Callable

import pytest

from publishers.bucket import Limit
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.outbox import Place, limited, reference, told
from tests.fakes.store_ledger import DAY_MS
from vestlus.store.ledger import SendState

#: The real proportions, a hundredth of the size.
SMALL = SendingRules(page=10, longest_page=160, known=40)

PENDING, SENT, DEAD, LOOKING = (
    SendState.PENDING,
    SendState.SENT,
    SendState.DEAD,
    SendState.LOOKING,
)


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def failing(place: Place, fault: Fault) -> None:
    place.instagram.fault = lambda account, _: Fault.NONE if account == "fine" else fault


@pytest.mark.parametrize("fault", [Fault.TOKEN, Fault.STOP, Fault.THROTTLE, Fault.UNREACHABLE])
def test_a_stopped_accounts_backlog_hides_no_row_that_was_there_at_a_restart(fault: Fault) -> None:
    async def scenario() -> None:
        place = Place(rules=SMALL)
        failing(place, fault)
        place.backlog("stopped", 400, deadline_ms=virtual_ms() + DAY_MS // 2)
        place.ledger.add("r1", account="fine")
        async with place.serving():
            await asyncio.wait_for(until(lambda: place.ledger.state("r1") is SENT), 15)
            await asyncio.wait_for(until(lambda: place.states("stopped") == {PENDING: 400}), 5)

    run_virtual(scenario())


def test_a_stopped_accounts_bells_deafen_nobody_to_the_others() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(page=10, longest_page=160, known=40, poll_seconds=10_000))
        failing(place, Fault.TOKEN)
        async with place.serving() as worker:
            for bell in place.backlog("stopped", 400, deadline_ms=virtual_ms() + DAY_MS // 2):
                worker.ring([bell])
                await asyncio.sleep(0.02)
            worker.ring([reference(place.ledger.add("r1", account="fine"))])
            await asyncio.wait_for(until(lambda: place.ledger.state("r1") is SENT), 1)

    run_virtual(scenario())


def test_several_stopped_accounts_together_hide_nobody() -> None:
    async def scenario() -> None:
        place = Place(rules=SMALL)
        failing(place, Fault.TOKEN)
        for number in range(30):
            place.backlog(f"a{number}", 30, deadline_ms=virtual_ms() + DAY_MS // 2)
        async with place.serving():
            await asyncio.sleep(100)
            place.ledger.add("r1", account="fine")
            await asyncio.wait_for(until(lambda: place.ledger.state("r1") is SENT), 5)

    run_virtual(scenario())


def test_a_busy_accounts_backlog_hides_nobody_and_is_sent_at_its_own_rate() -> None:
    async def scenario() -> None:
        rules = SendingRules(
            page=100, longest_page=400, known=400, poll_seconds=2, limits=limited(text=Limit(20))
        )
        place = Place(rules=rules)
        place.backlog("busy", 3000, deadline_ms=virtual_ms() + DAY_MS // 2)
        place.ledger.add("r1", account="fine")
        async with place.serving() as worker:
            await asyncio.wait_for(until(lambda: place.ledger.state("r1") is SENT), 2)
            readings = place.ledger.readings
            await asyncio.sleep(60)
            assert worker.waiting <= 500
            place.ledger.add("r2", account="fine", user="other")
            await asyncio.wait_for(until(lambda: place.ledger.state("r2") is SENT), 5)
            # One for each send, whose conversation is read anew, and few besides.
            assert place.ledger.readings - readings < 62 * 20 * 1.5
            await asyncio.wait_for(place.ledger.settled(), 3000 / 20)
        assert len(place.instagram.sent) == 3002

    run_virtual(scenario())


def test_many_rows_looked_for_hide_neither_their_own_accounts_others_nor_anyone() -> None:
    async def scenario() -> None:
        place = Place(rules=SMALL)
        place.backlog(
            "a1",
            30,
            state=LOOKING,
            attempted_ms=virtual_ms(),
            deadline_ms=virtual_ms() + DAY_MS // 2,
            due_ms=virtual_ms() + 10**6,
        )
        place.ledger.add("own", account="a1", user="another")
        place.ledger.add("r1", account="fine")
        async with place.serving():
            both = ("own", "r1")
            sent = until(lambda: all(place.ledger.state(one) is SENT for one in both))
            await asyncio.wait_for(sent, 20)

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.TOKEN, Fault.STOP, Fault.THROTTLE])
def test_all_that_waits_comes_back_when_the_account_goes_on(fault: Fault) -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(page=50, known=200, poll_seconds=2))
        failing(place, fault)
        place.backlog("stopped", 300)
        async with place.serving() as worker:
            await asyncio.sleep(300)
            # In memory there is the probe alone.
            assert worker.waiting == 1
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 60 + 20)
        assert len(place.instagram.sent) == 300

    run_virtual(scenario())


def test_a_renewed_token_brings_everything_back_without_a_poll_or_a_bell() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(poll_seconds=10_000, token_probe_seconds=5000))
        failing(place, Fault.TOKEN)
        place.backlog("stopped", 100)
        async with place.serving() as worker:
            await asyncio.sleep(100)
            place.instagram.fault = lambda *_: Fault.NONE
            worker.token_renewed("stopped")
            await asyncio.wait_for(place.ledger.settled(), 3)

    run_virtual(scenario())


def test_lost_access_that_usage_headers_tell_of_leaves_the_backlog_in_the_ledger() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(poll_seconds=2))
        place.backlog("a1", 300)
        async with place.serving() as worker:
            await asyncio.sleep(1)
            worker.usage("a1", told(140, minutes=5))
            await asyncio.sleep(20)
            before = len(place.instagram.sent)
            assert worker.waiting == 1
            await asyncio.sleep(280)
            assert len(place.instagram.sent) - before < 2
            await asyncio.wait_for(place.ledger.settled(), 5)

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.TOKEN, Fault.STOP])
def test_windows_that_close_during_a_stop_are_given_up_on_time_and_never_sent(
    fault: Fault,
) -> None:
    async def scenario() -> None:
        place = Place(rules=SMALL)
        failing(place, fault)
        place.backlog("stopped", 200)
        async with place.serving():
            await asyncio.sleep(200)
            begin = virtual_ms()
            for number in range(100):
                place.ledger.add(
                    f"dies{number}",
                    account="stopped",
                    user=f"v{number}",
                    deadline_ms=begin + 100_000 + 1000 * number,
                )
            for number in (0, 50, 99):
                row = f"dies{number}"
                while place.ledger.state(row) is not DEAD:
                    await asyncio.sleep(0.01)
                late_ms = virtual_ms() - begin - 100_000 - 1000 * number
                assert 0 < late_ms < 2000
        assert {place.ledger.rows[f"dies{n}"].reason for n in range(100)} == {"window_closed"}
        assert place.states("stopped") == {PENDING: 200, DEAD: 100}

    run_virtual(scenario())


def test_more_windows_than_a_page_that_close_at_once_are_all_given_up_on_time() -> None:
    async def scenario() -> None:
        place = Place(rules=SMALL)
        failing(place, Fault.TOKEN)
        place.backlog("stopped", 150, deadline_ms=virtual_ms() + 300_000)
        async with place.serving():
            await until(lambda: place.states("stopped")[DEAD] == 150)
            assert 300 < virtual_monotonic() < 302
        assert not place.instagram.sent

    run_virtual(scenario())


def test_an_account_that_meta_stopped_keeps_everything_and_is_probed_by_one_row_a_minute() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.STOP
        place.backlog("a1", 500)
        async with place.serving():
            await asyncio.sleep(30)
            burnt = len(place.instagram.written)
            assert burnt <= 16
            await asyncio.sleep(600)
            assert len(place.instagram.written) - burnt == 10
            assert place.states("a1") == {PENDING: 500}
            stats = place.tally.stats(in_flight=0, waiting=0, looking=0)
            assert (stats.account_stopped, stats.token_rejected) == (burnt + 10, 0)
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 70)
        assert len(place.instagram.sent) == 500

    run_virtual(scenario())


def test_a_look_that_meets_a_stopped_account_waits_and_then_finds_its_message() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.user_wrote("a1", "u1")
        left = [Fault.HANG_DONE]
        place.instagram.fault = lambda *_: left.pop() if left else Fault.NONE
        place.instagram.look_fault = lambda *_: Fault.STOP
        place.ledger.add("r1")
        async with place.serving():
            await asyncio.sleep(400)
            assert place.ledger.state("r1") is LOOKING
            place.instagram.look_fault = lambda *_: Fault.NONE
            await asyncio.wait_for(place.ledger.settled(), 65)
        assert place.ledger.state("r1") is SENT
        assert len(place.instagram.written) == 1

    run_virtual(scenario())


def test_a_row_that_is_due_later_does_not_hold_up_a_stopped_accounts_probe() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.TOKEN
        place.ledger.add(
            "later",
            user="another",
            due_ms=virtual_ms() + 10**7,
            deadline_ms=virtual_ms() + 2 * 10**7,
        )
        place.backlog("a1", 20)
        async with place.serving():
            await asyncio.sleep(100)
            place.instagram.fault = lambda *_: Fault.NONE
            await asyncio.wait_for(until(lambda: len(place.instagram.sent) == 20), 65)
        assert place.ledger.state("later") is PENDING

    run_virtual(scenario())


def test_answers_to_requests_made_before_a_stop_do_not_end_it() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.latency = 4.0
        place.backlog("a1", 100)
        async with place.serving() as worker:
            await until(lambda: len(place.instagram.written) >= 20)
            worker.usage("a1", told(101, minutes=50 / 60))
            await until(lambda: len(place.instagram.sent) >= 20)
            await asyncio.sleep(56 - virtual_monotonic())
            # The first after the pause went alone, and only its answer let the others go.
            after = [time for time, *_ in place.instagram.written if time > 40]
            assert after[1] - after[0] >= place.instagram.latency

    run_virtual(scenario())
