"""What waits for a publisher, and not for an account's rate or for Instagram."""

import asyncio

import pytest

from publishers.bucket import Limit
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual
from tests.fakes.messaging import Fault, PretendInstagram
from tests.fakes.outbox import Place, limited
from tests.fakes.store_ledger import MemoryLedger

SECONDS = 20


def held_up(place: Place, backlog: int = 4 * SECONDS) -> list[float]:
    """How long rows are said to wait for the publisher, a second apart, while it sends."""

    async def scenario() -> list[float]:
        place.backlog("busy", backlog)
        said = []
        async with place.serving() as worker:
            for _ in range(SECONDS):
                await asyncio.sleep(1)
                said.append(worker.held_up_seconds)
        return said

    return run_virtual(scenario())


@pytest.mark.parametrize("rate", [100, 20, 1])
def test_what_waits_for_an_accounts_rate_waits_for_nobody_else(rate: int) -> None:
    rules = SendingRules(limits=limited(text=Limit.at_the_wire(rate)))
    # More than the account may send meanwhile.
    assert set(held_up(Place(rules=rules), (rate + 1) * SECONDS)) == {0.0}


@pytest.mark.parametrize("fault", [Fault.TOKEN, Fault.STOP, Fault.THROTTLE, Fault.UNREACHABLE])
def test_what_waits_for_a_stopped_account_waits_for_nobody_else(fault: Fault) -> None:
    place = Place()
    place.instagram.fault = lambda _account, _text: fault
    assert set(held_up(place)) == {0.0}


def test_what_waits_for_instagrams_answers_waits_for_nobody_else() -> None:
    slow = Place(instagram=PretendInstagram(latency=9.0))
    assert set(held_up(slow, 60 * SECONDS)) == {0.0}


def test_what_the_publisher_does_not_get_done_waits_for_it_ever_longer() -> None:
    # A ledger that is slow stands for all that makes a process fall behind.
    late = held_up(Place(ledger=MemoryLedger(latency=0.5)), 60 * SECONDS)[10:]
    assert late == sorted(late)
    assert SECONDS / 2 <= late[-1] <= SECONDS


def test_who_has_nothing_due_waits_for_nobody() -> None:
    async def scenario() -> float:
        place = Place()
        async with place.serving() as worker:
            await asyncio.sleep(5)
            return worker.held_up_seconds

    assert run_virtual(scenario()) == 0.0
