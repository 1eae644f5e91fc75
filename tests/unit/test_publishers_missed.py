"""Looking for missed messages: how far back, how often, and behind what else."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.bus import MemoryBus
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from tests.fakes.measures import measured
from tests.fakes.messaging import Fault, PretendInstagram, once
from tests.fakes.outbox import MemoryPictures
from tests.fakes.store_ledger import MemoryLedger
from vestlus.bus.port import Queue, Topology
from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.errors import BusUnavailable, Refused, Throttled
from vestlus.instagram.port import ThreadPage
from vestlus.messages import SearchRequest, decode_inbox, encode, outbox_message
from vestlus.store.ledger import SendState
from vestlus.store.rows import RecordedMessage

ACCOUNT = "a1"
TOPOLOGY = Topology(inbox=2, outbox=1)
HOUR_MS = 3_600_000
RULES = SendingRules()


class Stage:
    """A publisher of one account between fakes; what is published is recorded at once."""

    def __init__(self, rules: SendingRules = RULES) -> None:
        self.bus = MemoryBus()
        self.ledger = MemoryLedger()
        self.instagram = PretendInstagram()
        self.service = PublisherService(
            bus=self.bus,
            store=self.ledger,
            messaging=self.instagram,
            pictures=MemoryPictures(),
            clock=virtual_ms,
            monotonic=virtual_monotonic,
            rules=rules,
            chance=random.Random(0),  # noqa: S311 - no secret
            accounts=[ACCOUNT],
            topology=TOPOLOGY,
        )
        self.read = 0

    async def hold(self) -> None:
        lease = self.ledger.take_over(0)
        self.service.lease_extended([lease.name], virtual_monotonic() + 100_000)
        await self.service.hold(lease)

    def looked(self, hours_ago: float = 0.0) -> None:
        """An earlier holder carried a look through so long ago."""
        self.ledger.looked[ACCOUNT] = virtual_ms() - round(hours_ago * HOUR_MS)

    def taken_in(self) -> list[Event]:
        """Everything published since the last time, as the inbox has it."""
        bodies = [
            body
            for partition in range(TOPOLOGY.inbox)
            for body in self.bus.messages[Queue.INBOX, partition]
        ]
        events = [event for body in bodies for event in decode_inbox(body).events]
        new, self.read = events[self.read :], len(events)
        for one in new:
            self.record(one)
        return new

    def record(self, one: Event) -> None:
        known = RecordedMessage(
            one.mid, one.text or "", one.timestamp_ms, from_user=one.kind is EventKind.MESSAGE
        )
        self.ledger.messages.append((str(one.conversation), known))

    async def ask(self, hours: float) -> None:
        request = SearchRequest(account=ACCOUNT, since_ms=virtual_ms() - round(hours * HOUR_MS))
        message = outbox_message((), at_ms=virtual_ms(), searches=(request,))
        await self.bus.publish(Queue.OUTBOX, 0, [encode(message)])


def texts(events: list[Event]) -> list[str | None]:
    return [one.text for one in events]


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
