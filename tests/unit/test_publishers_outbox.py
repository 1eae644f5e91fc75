"""The worker: what is sent, in which order, how fast, and what each outcome makes of a row."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from publishers.bucket import Limit
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault, once
from tests.fakes.outbox import Place, limited, reference
from tests.fakes.store_ledger import DAY_MS, MemoryLedger
from vestlus.errors import LeaseLost
from vestlus.store.ledger import SendState

PROMPT = 1.0


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_a_row_is_sent_and_its_mid_recorded() -> None:
    async def scenario() -> None:
        place = Place()
        place.ledger.add("r1", text="Tere!")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), PROMPT)
        assert place.instagram.texts("a1", "u1") == ["Tere!"]
        assert place.ledger.rows["r1"].sent_mid == place.instagram.sent[0].mid
        assert place.ledger.rows["r1"].row.attempts == 1

    run_virtual(scenario())


def test_a_bell_starts_a_send_at_once() -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving() as worker:
            await asyncio.sleep(0.5)
            worker.ring([reference(place.ledger.add("r1"))])
            await asyncio.wait_for(place.ledger.settled(), 0.3)

    run_virtual(scenario())


def test_without_a_bell_a_row_is_found_within_the_poll_time() -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving():
            await asyncio.sleep(0.5)
            place.ledger.add("r1")
            await asyncio.wait_for(place.ledger.settled(), 2.3)

    run_virtual(scenario())


def test_a_row_that_is_not_due_waits_for_its_time_without_a_poll() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(poll_seconds=1000))
        place.ledger.add("r1", due_ms=virtual_ms() + 30_000)
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 31)
            assert virtual_monotonic() >= 30

    run_virtual(scenario())


def test_a_users_rows_go_one_after_the_other_in_order_and_promptly() -> None:
    async def scenario() -> None:
        place = Place()
        for number in range(10):
            place.ledger.add(f"r{number}", text=f"osa {number}")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 10 * 0.2)
        assert place.instagram.texts("a1", "u1") == [f"osa {number}" for number in range(10)]
        assert place.instagram.most_in_flight["a1"] == 1

    run_virtual(scenario())


def test_users_are_served_side_by_side_up_to_the_bound() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(in_flight=20))
        place.instagram.latency = 2.0
        for number in range(100):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await asyncio.wait_for(place.ledger.settled(), 15)
        assert place.instagram.most_in_flight["a1"] == 20

    run_virtual(scenario())


def test_the_nearest_deadline_goes_first() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(text=Limit(1))))
        now = virtual_ms()
        for number in range(10):
            place.ledger.add(
                f"r{number}", user=f"u{number}", text=str(number), deadline_ms=now + DAY_MS - number
            )
        async with place.serving() as worker:
            await asyncio.sleep(5.5)
            worker.ring(
                [reference(place.ledger.add("x", user="ux", text="x", deadline_ms=now + 60_000))]
            )
            await place.ledger.settled()
        texts = [sent.text for sent in place.instagram.sent]
        assert texts == ["9", "8", "7", "6", "5", "x", "4", "3", "2", "1", "0"]

    run_virtual(scenario())


def test_two_thousand_waiting_answers_keep_to_the_rate_and_use_it() -> None:
    async def scenario() -> None:
        place = Place()
        for number in range(2000):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await place.ledger.settled()
        times = [time for time, _, _ in place.instagram.written]
        for index, first in enumerate(times):
            assert sum(1 for time in times[index : index + 150] if time < first + 1) <= 100
        assert len(times) == 2000
        assert (len(times) - 1) / (times[-1] - times[0]) >= 95

    run_virtual(scenario())


def test_a_store_that_stalls_lets_no_crowd_go_at_once() -> None:
    async def scenario() -> None:
        place = Place()
        for number in range(300):
            place.ledger.add(f"r{number}", user=f"u{number}")
        async with place.serving():
            await asyncio.sleep(1)
            place.ledger.unavailable = 8
            await place.ledger.settled()
        times = [time for time, _, _ in place.instagram.written]
        for index, first in enumerate(times):
            assert sum(1 for time in times[index:] if time < first + 1) <= 100

    run_virtual(scenario())


def test_a_kill_leaves_few_rows_ambiguous_when_the_store_is_slow() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.fault = lambda *_: Fault.HANG
        for number in range(300):
            place.ledger.add(f"r{number}", user=f"u{number}")
        place.ledger.unavailable = 10**6
        async with place.serving() as worker:
            place.ledger.unavailable = 0
            await until(lambda: worker.in_flight >= 16)
            place.ledger.unavailable = 10**6
            await asyncio.sleep(5)
            assert worker.in_flight - len(place.instagram.written) <= place.rules.unwritten

    run_virtual(scenario())


def test_one_account_in_trouble_delays_no_other() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(page=200))
        place.instagram.fault = lambda account, _: {
            "hangs": Fault.HANG,
            "revoked": Fault.TOKEN,
            "throttled": Fault.THROTTLE,
            "gone": Fault.UNREACHABLE,
        }.get(account, Fault.NONE)
        near = virtual_ms() + DAY_MS // 2
        for account in ("hangs", "revoked", "throttled", "gone"):
            for number in range(100):
                place.ledger.add(
                    f"{account}{number}", account=account, user=f"u{number}", deadline_ms=near
                )
        async with place.serving():
            await asyncio.sleep(20)
            place.ledger.add("fine", account="fine")
            await until(lambda: place.ledger.state("fine") is SendState.SENT)
            assert virtual_monotonic() < 23

    run_virtual(scenario())


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


def test_a_page_full_of_rows_that_cannot_go_hides_no_other_account() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(page=10))
        place.instagram.fault = lambda account, _: (
            Fault.TOKEN if account == "revoked" else Fault.NONE
        )
        for number in range(60):
            place.ledger.add(
                f"r{number}",
                account="revoked",
                user=f"u{number}",
                deadline_ms=virtual_ms() + DAY_MS // 2,
            )
        place.ledger.add("fine", account="fine")
        async with place.serving():
            await until(lambda: place.ledger.state("fine") is SendState.SENT)
            assert virtual_monotonic() < 20

    run_virtual(scenario())


def test_the_rules_can_be_narrowed() -> None:
    assert replace(SendingRules(), settling_seconds=3.0).settling_seconds == 3.0
