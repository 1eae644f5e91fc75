"""Looking for missed messages: what is found, how far back, and when it is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.clock import run_virtual, virtual_ms
from tests.fakes.measures import measured
from tests.fakes.messaging import Fault
from tests.unit.missed_stage import ACCOUNT, RULES, TOPOLOGY, Stage, texts
from vestlus.bus.port import Queue
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.errors import Throttled
from vestlus.store.ledger import SendState


def test_after_an_outage_what_was_missed_is_taken_in_once_and_in_order() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        for user in ("u1", "u2", "u3"):
            stage.instagram.user_wrote(ACCOUNT, user, f"{user} first")
            await asyncio.sleep(60)
            stage.instagram.user_wrote(ACCOUNT, user, f"{user} second")
        await asyncio.sleep(100)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(30)
            events = stage.taken_in()
            for user in ("u1", "u2", "u3"):
                mine = [one for one in events if one.user == user]
                assert texts(mine) == [f"{user} first", f"{user} second"]
                assert mine[0].conversation == conversation_id(ACCOUNT, user)
            places = {
                partition
                for partition in range(TOPOLOGY.inbox)
                if stage.bus.messages[Queue.INBOX, partition]
            }
            assert places == {
                partition_of(ACCOUNT, user, TOPOLOGY.inbox) for user in ("u1", "u2", "u3")
            }
            await asyncio.sleep(3000)
            assert stage.taken_in() == []
            assert stage.service.stats().missed == 6

    run_virtual(scenario())


def test_how_old_the_last_look_is_shows_though_the_next_one_is_put_off() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked(hours_ago=2)
        until_ms = stage.ledger.looked[ACCOUNT]
        stage.instagram.look_fault = lambda *_: Fault.THROTTLE
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(100)
            assert stage.ledger.looked[ACCOUNT] == until_ms
            shown = measured("vestlus_missed_looked_until_timestamp_seconds", account=ACCOUNT)
            assert shown == until_ms / 1000

    run_virtual(scenario())


def test_the_first_look_of_an_account_takes_nothing_in() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.user_wrote(ACCOUNT, "u1", "before the service")
        await asyncio.sleep(1000)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(100)
            assert stage.taken_in() == []
            assert not stage.instagram.look_calls
            stage.instagram.user_wrote(ACCOUNT, "u2", "missed")
            await asyncio.sleep(1300)
            assert texts(stage.taken_in()) == ["missed"]

    run_virtual(scenario())


def test_a_person_s_look_goes_back_as_far_as_is_asked() -> None:
    async def scenario() -> None:
        stage = Stage(replace(RULES, missed_sweep_seconds=0))
        stage.instagram.user_wrote(ACCOUNT, "u1", "old")
        await asyncio.sleep(3 * 3600)
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u2", "new")
        await asyncio.sleep(600)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(1000)
            assert not stage.instagram.look_calls
            await stage.ask(hours=2)
            await asyncio.sleep(20)
            assert texts(stage.taken_in()) == ["new"]
            await stage.ask(hours=4)
            await asyncio.sleep(20)
            assert texts(stage.taken_in()) == ["old"]

    run_virtual(scenario())


def test_what_a_person_asked_for_is_not_forgotten_when_the_look_cannot_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.user_wrote(ACCOUNT, "u1", "old")
        await asyncio.sleep(3 * 3600)
        stage.looked()
        own_ids, left = stage.instagram.own_ids, [Throttled("throttled", 4, 0, 60.0)]

        async def throttled(account: str) -> frozenset[str]:
            if left:
                raise left.pop()
            return await own_ids(account)

        monkeypatch.setattr(stage.instagram, "own_ids", throttled)
        async with stage.service:
            await stage.ask(hours=4)
            await stage.hold()
            await asyncio.sleep(300)
            assert not left
            assert texts(stage.taken_in()) == ["old"]

    run_virtual(scenario())


def test_without_sweeps_nothing_is_asked_of_instagram() -> None:
    async def scenario() -> None:
        stage = Stage(replace(RULES, missed_sweep_seconds=0))
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(5000)
            assert not stage.instagram.look_calls

    run_virtual(scenario())


@pytest.mark.parametrize("sweep", [600.0, 0.0])
def test_after_a_restore_nothing_is_sent_before_a_look_finds_nothing_new(sweep: float) -> None:
    async def scenario() -> None:
        stage = Stage(replace(RULES, missed_sweep_seconds=sweep))
        stage.looked(hours_ago=1)
        stage.instagram.user_wrote(ACCOUNT, "u1", "since the backup")
        await asyncio.sleep(100)
        stage.ledger.restored_ms = virtual_ms()
        row = stage.ledger.add("r", user="u2").id
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(20)
            assert texts(stage.taken_in()) == ["since the backup"]
            assert stage.ledger.state(row) is SendState.PENDING
            await asyncio.sleep(2 * RULES.missed_grace_seconds + 20)
            assert stage.ledger.state(row) is SendState.SENT
            assert stage.ledger.looked[ACCOUNT] >= stage.ledger.restored_ms

    run_virtual(scenario())


def test_a_store_restored_long_ago_holds_nothing() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.ledger.restored_ms = virtual_ms()
        await asyncio.sleep(100)
        stage.looked()
        row = stage.ledger.add("r").id
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(5)
            assert stage.ledger.state(row) is SendState.SENT

    run_virtual(scenario())
