"""A conversation that Instagram refuses to show costs no missed message of another, nor its own."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.missed_run import TRIES, Run
from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.measures import measured
from tests.fakes.messaging import Fault
from tests.unit.missed_stage import ACCOUNT, Stage, texts
from vestlus.instagram.port import Thread, ThreadPage


@pytest.mark.parametrize("refusals", range(1, TRIES))
def test_a_refused_reading_is_tried_again_and_what_was_missed_taken_in(refusals: int) -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        until = stage.ledger.looked[ACCOUNT]
        for user in ("u1", "u2"):
            stage.instagram.user_wrote(ACCOUNT, user, f"{user} missed")
        await asyncio.sleep(100)
        left = [Fault.REFUSE] * refusals
        stage.instagram.look_fault = lambda _, named: (
            left.pop() if left and named == "u1" else Fault.NONE
        )
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(120)
            assert set(texts(stage.taken_in())) == {"u1 missed", "u2 missed"}
            assert stage.ledger.looked[ACCOUNT] > until

    run_virtual(scenario())


def test_a_conversation_that_is_gone_is_counted_and_holds_nothing_back() -> None:
    def left_out() -> float:
        return measured("vestlus_missed_unreadable_total", account=ACCOUNT)

    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        until = stage.ledger.looked[ACCOUNT]
        for user in ("gone", "u1"):
            stage.instagram.user_wrote(ACCOUNT, user, "missed")
        await asyncio.sleep(100)
        stage.instagram.look_fault = lambda _, named: (
            Fault.REFUSE if named == "gone" else Fault.NONE
        )
        before = left_out()
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(300)
            assert texts(stage.taken_in()) == ["missed"]
            assert stage.ledger.looked[ACCOUNT] > until
            assert left_out() == before + 1
            # A person has it looked for when it is there again.
            stage.instagram.look_fault = lambda *_: Fault.NONE
            await stage.ask(hours=1)
            await asyncio.sleep(60)
            assert [one.user for one in stage.taken_in()] == ["gone"]

    run_virtual(scenario())


def refuse_the_gone(stage: Stage, count: int) -> None:
    for number in range(count):
        stage.instagram.user_wrote(ACCOUNT, f"gone {number}", "missed")
    stage.instagram.look_fault = lambda _, named: (
        Fault.REFUSE if named and named.startswith("gone") else Fault.NONE
    )


def test_many_conversations_that_are_gone_hold_a_look_up_no_longer_than_one() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        refuse_the_gone(stage, 10)
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        until = stage.ledger.looked[ACCOUNT]
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(120)
            assert texts(stage.taken_in()) == ["missed"]
            assert stage.ledger.looked[ACCOUNT] > until

    run_virtual(scenario())


def test_after_a_restore_what_is_gone_holds_sends_up_for_minutes() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked(hours_ago=2)
        stage.ledger.restored_ms = virtual_ms()
        refuse_the_gone(stage, 10)
        await asyncio.sleep(100)
        stage.ledger.add("r1", account=ACCOUNT, user="other")
        async with stage.service:
            await stage.hold()
            await asyncio.wait_for(stage.ledger.settled(), 300)

    run_virtual(scenario())


def test_what_is_refused_for_longer_than_a_look_tries_is_taken_in_by_a_later_one() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        well_again = virtual_ms() + 1000 * 1000
        stage.instagram.look_fault = lambda _, named: (
            Fault.REFUSE if named == "u1" and virtual_ms() < well_again else Fault.NONE
        )
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(900)
            assert stage.taken_in() == []
            await asyncio.sleep(1200)
            assert texts(stage.taken_in()) == ["missed"]

    run_virtual(scenario())


def test_a_stopped_account_spends_no_try_of_a_conversation() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        left = [Fault.TOKEN, Fault.STOP] * TRIES
        stage.instagram.look_fault = lambda _, named: (
            left.pop() if left and named == "u1" else Fault.NONE
        )
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(3000)
            assert not left
            assert texts(stage.taken_in()) == ["missed"]

    run_virtual(scenario())


@given(
    st.lists(st.lists(st.sampled_from(["refused", "failed", "read"]), min_size=5, max_size=5)),
)
def test_a_look_ends_complete_if_each_conversation_was_read_or_refused_every_time(
    becomes: list[list[str]],
) -> None:
    threads = tuple(Thread(str(number), 1000 + number) for number in range(len(becomes)))
    run, left_out, tries = Run(0, 0), 0, 0
    run.listed(ThreadPage(threads, None))
    while run.unread:
        tries += 1
        one = run.unread[0]
        outcome = becomes[int(one.thread.id)][one.failures]
        if outcome == "read":
            run.unread.popleft()
        else:
            left_out += run.put_back(refused=outcome == "refused") is not None
    unread = [outcomes for outcomes in becomes if "read" not in outcomes]
    refused = [outcomes for outcomes in unread if set(outcomes) == {"refused"}]
    assert left_out == len(refused)
    assert run.complete is (len(refused) == len(unread))
    assert tries <= TRIES * len(becomes)
