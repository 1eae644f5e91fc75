"""Looking for missed messages stays behind what else there is, and survives trouble."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tests.fakes.clock import run_virtual, virtual_monotonic
from tests.fakes.messaging import Fault, once
from tests.unit.missed_stage import ACCOUNT, RULES, Stage, texts
from vestlus.errors import BusUnavailable, Refused
from vestlus.instagram.port import ThreadPage
from vestlus.store.ledger import SendState


def test_a_look_under_way_that_begins_anew_forgets_no_longer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.instagram.user_wrote(ACCOUNT, "u1", "old")
        await asyncio.sleep(3 * 3600)
        stage.looked()
        listing, failures = stage.instagram.threads, 0

        async def failing(account: str, after: str | None = None) -> ThreadPage:
            nonlocal failures
            failures += 1
            if failures == 1:
                await stage.ask(hours=4)
            if failures <= 5:
                raise Refused("invalid_parameter", 100)
            return await listing(account, after)

        monkeypatch.setattr(stage.instagram, "threads", failing)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(600)
            assert texts(stage.taken_in()) == ["old"]

    run_virtual(scenario())


def test_three_hundred_conversations_are_read_within_two_calls_a_second() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        for number in range(300):
            stage.instagram.user_wrote(ACCOUNT, f"u{number}", f"missed {number}")
        await asyncio.sleep(100)
        began = virtual_monotonic()
        async with stage.service:
            await stage.hold()
            while not stage.service.stats().searched:
                await asyncio.sleep(1)
            assert len(stage.taken_in()) == 300
        times = [at for at, _ in stage.instagram.look_calls]
        assert len(times) >= 450
        assert all(later - earlier > 0.5 for earlier, later in pairwise(times))
        # With two conversations a page, half as many calls list as read.
        assert virtual_monotonic() - began < 450 * 0.6

    run_virtual(scenario())


def test_ambiguous_sends_are_looked_for_first() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        stage.instagram.latency = 0.01
        for number in range(100):
            stage.instagram.user_wrote(ACCOUNT, f"u{number}", f"missed {number}")
        await asyncio.sleep(100)
        stage.instagram.fault = once(Fault.APPLY)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(5)
            row = stage.ledger.add("r1", account=ACCOUNT, user="u1")
            began = virtual_monotonic()
            while stage.ledger.state(row.id) is not SendState.SENT:
                await asyncio.sleep(0.1)
            # Found by reading: 2 s until the poll, 2 s until the first look, two calls.
            assert virtual_monotonic() - began < 8
            assert stage.service.stats().searched == 0

    run_virtual(scenario())


def test_a_look_that_is_not_carried_through_moves_nothing_on() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        until = stage.ledger.looked[ACCOUNT]
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        stage.instagram.user_wrote(ACCOUNT, "u2", "missed too")
        await asyncio.sleep(100)
        broken = True
        stage.instagram.look_fault = lambda _, named: (
            Fault.BUG if broken and named == "u1" else Fault.NONE
        )
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(300)
            # The others do not wait for the one that cannot be read.
            assert texts(stage.taken_in()) == ["missed too"]
            assert stage.ledger.looked[ACCOUNT] == until
            broken = False
            await asyncio.sleep(900)
            assert texts(stage.taken_in()) == ["missed"]
            assert stage.ledger.looked[ACCOUNT] > until

    run_virtual(scenario())


def test_a_bus_that_is_away_delays_and_loses_nothing() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        stage.bus.fail = lambda _: BusUnavailable()
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(30)
            stage.bus.fail = lambda _: None
            await asyncio.sleep(1500)
            assert texts(stage.taken_in()) == ["missed"]

    run_virtual(scenario())


def test_a_look_that_waits_for_the_bus_goes_on_when_a_sign_comes_by_it() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(100)
            stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
            stage.bus.fail = lambda _: BusUnavailable()
            # A look has begun by itself, has failed four times, and waits for 80 s by now.
            await asyncio.sleep(RULES.missed_sweep_seconds - 10)
            stage.bus.fail = lambda _: None
            await stage.ask(0, sign="bus_was_away")
            await asyncio.sleep(5)
            assert texts(stage.taken_in()) == ["missed"]

    run_virtual(scenario())


def test_throttling_of_looks_does_not_stop_sending() -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        stage.instagram.look_fault = once(Fault.THROTTLE)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(1)
            stage.ledger.add("r1", account=ACCOUNT)
            await asyncio.wait_for(stage.ledger.settled(), 5)
            assert stage.taken_in() == []
            await asyncio.sleep(60)
            assert texts(stage.taken_in()) == ["missed"]

    run_virtual(scenario())


def test_cursors_that_lead_in_a_circle_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        stage.instagram.user_wrote(ACCOUNT, "u1", "missed")
        await asyncio.sleep(100)
        listing = stage.instagram.threads

        async def circling(account: str, after: str | None = None) -> ThreadPage:
            page = await listing(account, None)
            return ThreadPage(page.threads, "a" if after == "b" else "b")

        monkeypatch.setattr(stage.instagram, "threads", circling)
        async with stage.service:
            until = stage.ledger.looked[ACCOUNT]
            await stage.hold()
            await asyncio.sleep(60)
            assert texts(stage.taken_in()) == ["missed"]
            assert stage.service.stats().searched == 1
            # Who knows what it did not list.
            assert stage.ledger.looked[ACCOUNT] == until

    run_virtual(scenario())


def test_a_cursor_that_expires_begins_the_listing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        stage = Stage()
        stage.looked()
        for number in range(5):
            stage.instagram.user_wrote(ACCOUNT, f"u{number}", f"missed {number}")
        await asyncio.sleep(100)
        listing = stage.instagram.threads
        asked: list[str | None] = []

        async def expiring(account: str, after: str | None = None) -> ThreadPage:
            asked.append(after)
            if after is not None and asked.count(None) == 1:
                raise Refused("invalid_parameter", 100)
            return await listing(account, after)

        monkeypatch.setattr(stage.instagram, "threads", expiring)
        async with stage.service:
            await stage.hold()
            await asyncio.sleep(400)
            assert len(stage.taken_in()) == 5

    run_virtual(scenario())
