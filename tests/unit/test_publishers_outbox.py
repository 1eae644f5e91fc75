"""The worker: what is sent, in which order, and how fast."""

import asyncio
from dataclasses import replace

from publishers.bucket import Limit
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.outbox import Place, limited, reference
from tests.fakes.store_ledger import DAY_MS
from tests.unit.publishers_outbox_support import PROMPT, until
from vestlus.store.ledger import SendState


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
