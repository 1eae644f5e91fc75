"""Typing and read marks: shown while there is room, never in an answer's way."""

import asyncio
from typing import Literal

import pytest

from publishers.bucket import Limit
from publishers.outbox import OutboxWorker
from publishers.rules import SendingRules
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.messaging import Fault
from tests.fakes.outbox import Place, limited, reference, told
from vestlus.messages import ActionRequest
from vestlus.store.ledger import SendState

Action = Literal["mark_seen", "typing_on"]


def asked(user: str, action: Action = "typing_on", *, seconds: float = 2.0) -> ActionRequest:
    until_ms = virtual_ms() + round(seconds * 1000)
    return ActionRequest(account="a1", user=user, action=action, until_ms=until_ms)


def shown(place: Place) -> list[tuple[str, str]]:
    return [(user, action) for _, _, user, action in place.instagram.actions]


def counted(place: Place) -> tuple[int, int]:
    stats = place.tally.stats(in_flight=0, waiting=0, looking=0)
    return stats.acted, stats.actions_dropped


async def show(worker: OutboxWorker, *requests: ActionRequest, wait: float = 3.0) -> None:
    worker.show(requests)
    await asyncio.sleep(wait)


def test_a_user_sees_at_once_that_the_message_is_read_and_then_that_somebody_types() -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving() as worker:
            await asyncio.sleep(1)
            await show(worker, asked("u1", "mark_seen"), asked("u1"), wait=0.3)
            assert shown(place) == [("u1", "mark_seen"), ("u1", "typing_on")]
            assert place.instagram.most_acting == 1
        assert counted(place) == (2, 0)

    run_virtual(scenario())


def test_what_is_asked_before_anything_can_be_shown_is_shown_if_it_is_not_late() -> None:
    async def scenario() -> None:
        place = Place()
        worker = place.worker()
        worker.show([asked("u1", seconds=60), asked("u2", seconds=1)])
        await asyncio.sleep(5)
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.wait({running})
        assert shown(place) == [("u1", "typing_on")]

    run_virtual(scenario())


def test_nothing_is_shown_late() -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving() as worker:
            await show(worker, asked("u1", seconds=-0.001))
            # While the account waits for its turn, the time runs out.
            place.until = lambda: 0.0
            await show(worker, asked("u2"), wait=5)
            place.until = lambda: virtual_monotonic() + 60
            await asyncio.sleep(5)
        assert shown(place) == []
        assert counted(place) == (0, 2)

    run_virtual(scenario())


def test_answers_go_first_and_no_slower_however_much_is_asked_for() -> None:
    async def scenario() -> float:
        place = Place()
        async with place.serving() as worker:
            await asyncio.sleep(0.5)
            began = virtual_monotonic()
            worker.ring(place.backlog("a1", 500))
            for number in range(500):
                worker.show([asked(f"v{number}", seconds=20)])
            while place.states("a1")[SendState.SENT] < 500:
                await asyncio.sleep(0.01)
            took = virtual_monotonic() - began
            await asyncio.sleep(20)
        # The last answers' pause is too short for a burst to be saved up.
        assert sum(1 for time, *_ in place.instagram.actions if time < began + took - 0.3) <= 2
        assert len(place.instagram.actions) > 50
        calls = sorted(
            [time for time, *_ in place.instagram.actions]
            + [time for time, *_ in place.instagram.written]
        )
        for index, first in enumerate(calls):
            assert sum(1 for time in calls[index : index + 150] if time < first + 1) <= 100
        return took

    assert run_virtual(scenario()) < 500 / 95


def test_an_answer_on_its_way_makes_typing_pointless() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(limits=limited(text=Limit(1))))
        async with place.serving() as worker:
            await asyncio.sleep(0.5)
            worker.show([asked("u1", seconds=30)])
            worker.ring([reference(place.ledger.add("r1"))])
            await asyncio.sleep(30)
        assert shown(place) == []
        assert place.instagram.texts("a1", "u1") == ["Tere!"]

    run_virtual(scenario())


@pytest.mark.parametrize("fault", [Fault.TOKEN, Fault.STOP, Fault.UNREACHABLE, Fault.THROTTLE])
def test_a_stopped_account_shows_nothing(fault: Fault) -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(unreachable_seconds=30))
        place.instagram.fault = lambda *_: fault
        place.ledger.add("r1")
        async with place.serving() as worker:
            await asyncio.sleep(1)
            await show(worker, asked("u2", seconds=20), wait=25)
        assert shown(place) == []
        assert counted(place) == (0, 1)

    run_virtual(scenario())


def test_an_account_near_metas_limit_shows_nothing() -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving() as worker:
            await show(worker, asked("u1"), wait=1)
            worker.usage("a1", told(97))
            await show(worker, asked("u2"))
            worker.usage("a1", told(50))
            await show(worker, asked("u3"))
        assert shown(place) == [("u1", "typing_on"), ("u3", "typing_on")]

    run_virtual(scenario())


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_happens_to_an_action_nothing_else_notices(fault: Fault) -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.action_fault = lambda *_: fault
        async with place.serving() as worker:
            await asyncio.sleep(1)
            worker.show([asked("u1", "mark_seen", seconds=60), asked("u1", seconds=60)])
            worker.ring([reference(place.ledger.add("r1", user="u2"))])
            await asyncio.wait_for(place.ledger.settled(), 0.5)
            await asyncio.sleep(70)
            # Each was tried once at most.
            assert len(shown(place)) == len(set(shown(place)))
            place.instagram.action_fault = lambda *_: Fault.NONE
            await show(worker, asked("u3"))
        assert shown(place)[-1] == ("u3", "typing_on")

    run_virtual(scenario())


def test_a_throttled_action_keeps_actions_back_and_not_answers() -> None:
    async def scenario() -> None:
        place = Place()
        place.instagram.retry_after = 30
        place.instagram.action_fault = lambda *_: Fault.THROTTLE
        async with place.serving() as worker:
            await show(worker, asked("u1"), wait=1)
            await show(worker, asked("u2", seconds=10), wait=1)
            worker.ring([reference(place.ledger.add("r1"))])
            await asyncio.wait_for(place.ledger.settled(), 0.5)
            assert len(shown(place)) == 1
            await asyncio.sleep(30)
            await show(worker, asked("u4"))
            assert len(shown(place)) == 2

    run_virtual(scenario())


def test_the_same_thing_is_shown_once_and_too_much_is_dropped() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(actions_waiting=3))
        place.instagram.action_fault = lambda *_: Fault.HANG
        async with place.serving() as worker:
            await show(worker, asked("u1"), wait=0.5)
            # Of one user one is under way: the rest waits, the same thing once.
            for _ in range(3):
                await show(worker, asked("u1", seconds=60), wait=0.1)
            assert len(shown(place)) == 1
            for number in range(2, 9):
                await show(worker, asked(f"u{number}"), wait=0.1)
            assert place.instagram.most_acting == 1
            await asyncio.sleep(10)
        assert shown(place).count(("u1", "typing_on")) == 2

    run_virtual(scenario())


def test_a_worker_that_drains_shows_nothing_more() -> None:
    async def scenario() -> None:
        place = Place()
        async with place.serving() as worker:
            await asyncio.sleep(1)
            assert await worker.drain(5)
            await show(worker, asked("u1"))
        assert shown(place) == []

    run_virtual(scenario())


def test_a_process_shows_so_many_a_second_and_no_more_whatever_its_accounts_may() -> None:
    async def scenario() -> None:
        place = Place(rules=SendingRules(actions_a_second=5))
        async with place.serving() as worker:
            await asyncio.sleep(1)
            began = virtual_monotonic()
            many = [asked(f"u{number}", seconds=5) for number in range(40)]
            await show(worker, *many, wait=2.0)
            acted, dropped = counted(place)
            # A second's worth was saved up.
            assert 5 <= acted <= 5 * (virtual_monotonic() - began + 1)
            assert acted + dropped == len(many)
            await show(worker, asked("last"), wait=1.0)
            assert shown(place)[-1] == ("last", "typing_on")

    run_virtual(scenario())
