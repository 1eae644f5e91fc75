"""A process tells what it measured; with a store that is away it does so later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from structlog.testing import capture_logs

from tests.fakes.measures import measured, total
from vestlus.counting import Counting
from vestlus.errors import StoreUnavailable, ValuesRefused
from vestlus.measuring import reporter
from vestlus.measuring.exposition import Exposition
from vestlus.measuring.minutes import MinuteTally
from vestlus.measuring.processes import Identity
from vestlus.measuring.reporter import Reporter, identity_of, new_identity, reporting
from vestlus.measuring.series import KEPT_MS
from vestlus.store.measure_rows import MINUTE_MS, Heard, MinuteRow, OpenWork, Told
from vestlus.store.rows import Member, MemberKind

T = TypeVar("T")

MINE = Identity(process="publisher-0.1", name="c/publisher-0", kind="publisher", node="host-a")
NOW_MS = 100 * MINUTE_MS + 1


@dataclass
class KeptMeasures:
    """What the store keeps of measures, in memory; it may be away."""

    away: bool = False
    #: Accounts whose minutes it refuses, and those that it cannot write just now.
    refused: set[str] = field(default_factory=set)
    unwritable: set[str] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)
    rows: list[MinuteRow] = field(default_factory=list)
    backlogs: list[int] = field(default_factory=list)
    forgotten: list[tuple[str, float]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    def _call(self) -> None:
        self.tried.set()
        if self.away:
            raise StoreUnavailable("away")

    async def add_minutes(self, rows: Sequence[MinuteRow]) -> None:
        self._call()
        accounts = {row.account for row in rows}
        if accounts & self.refused:
            raise ValuesRefused("the database failed: DataError 22003")
        if accounts & self.unwritable:
            raise StoreUnavailable("away")
        self.rows += rows

    async def minutes(
        self, since_ms: int, until_ms: int, *, account: str | None = None
    ) -> tuple[MinuteRow, ...]:
        raise NotImplementedError

    async def note_backlogs(self, minute_ms: int) -> None:
        self._call()
        self.backlogs.append(minute_ms)

    async def forget_minutes(self, before_ms: int) -> int:
        self._call()
        self.forgotten.append(("minutes", before_ms))
        return 0

    async def tell_measures(self, told: Told) -> None:
        self._call()
        self.told.append(told)

    async def measures(self, within_seconds: float) -> tuple[Heard, ...]:
        self._call()
        assert within_seconds > 0
        return tuple(
            Heard(
                process=one.process,
                name=one.name,
                kind=one.kind,
                node=one.node,
                body=one.body,
                silent_ms=0,
            )
            for one in self.told[-1:]
        )

    async def withdraw_measures(self, process: str) -> None:
        self._call()
        self.withdrawn.append(process)

    async def forget_measures(self, after_seconds: float) -> int:
        self._call()
        self.forgotten.append(("measures", after_seconds))
        return 0

    async def open_work(self) -> OpenWork:
        self._call()
        return OpenWork(waiting=2)

    async def check(self) -> None:
        self._call()


class World:
    """A process, what it measures, and the store it tells."""

    def __init__(self, *, tidies: bool = False) -> None:
        self.store = KeptMeasures()
        self.now_ms = NOW_MS
        self.registry = CollectorRegistry()
        self.sent = Counter("vestlus_sent_total", "Sent.", registry=self.registry)
        self.held = Gauge("vestlus_held", "Held.", registry=self.registry)
        self.minutes = MinuteTally()
        self.reporter = Reporter(
            self.store,
            MINE,
            clock=lambda: self.now_ms,
            tidies=tidies,
            registry=self.registry,
            minutes=self.minutes,
        )
        self.reporter.reads_off(lambda: self.held.set(7))

    async def exposed(self, mine: Identity, *, bus_problem: str | None = None) -> bytes:
        """What another process, which measures nothing itself, tells of them all."""
        exposition = Exposition(
            mine, Counting(lambda: 0.0), lambda: self.now_ms, CollectorRegistry()
        )
        return await exposition.body(self.store, _soon(bus_problem), _soon(4))


@dataclass
class Breaking:
    """What is read off breaks so many times."""

    times: int
    error: Exception

    def read_off(self) -> None:
        if self.times:
            self.times -= 1
            raise self.error


async def _soon(answer: T) -> T:
    return answer


async def test_what_a_process_counted_is_told_by_another_one() -> None:
    world = World()
    world.sent.inc(3)
    await world.reporter.tell()
    body = await world.exposed(new_identity("webhook", "host-b/boot/ns"))
    assert total(body, "vestlus_sent_total", process="publisher-0.1") == 3
    # Set by looking, right before it was told.
    assert total(body, "vestlus_held", process="publisher-0.1") == 7
    assert total(body, "vestlus_process_info", kind="publisher", node="host-a") == 1
    assert total(body, "vestlus_process_info", kind="webhook", node="host-b") == 1
    assert total(body, "vestlus_store_up") == 1
    assert total(body, "vestlus_bus_up") == 1
    assert total(body, "vestlus_inbox_messages") == 4
    assert total(body, "vestlus_conversations_waiting") == 2


async def test_while_the_store_is_away_a_process_tells_of_itself() -> None:
    world = World()
    world.store.away = True
    world.sent.inc()
    exposition = Exposition(MINE, Counting(lambda: 0.0), lambda: NOW_MS, world.registry)
    for store in (world.store, None):
        body = await exposition.body(store, _soon("does not answer"), _soon(None))
        assert total(body, "vestlus_store_up") == 0
        assert total(body, "vestlus_bus_up") == 0
        assert total(body, "vestlus_inbox_counted") == 0
        assert b"\nvestlus_inbox_messages " not in body
        assert total(body, "vestlus_sent_total", process="publisher-0.1") == 1
        assert b"vestlus_conversations_waiting" not in body


async def test_minutes_that_could_not_be_written_are_written_with_the_next() -> None:
    world = World()
    world.store.away = True
    world.minutes.received("a", NOW_MS)
    with pytest.raises(StoreUnavailable):
        await world.reporter.tell()
    world.store.away = False
    world.minutes.received("a", NOW_MS)
    await world.reporter.tell()
    await world.reporter.tell()
    assert world.store.rows == [MinuteRow(minute_ms=100 * MINUTE_MS, account="a", received=2)]


def minute(account: str) -> MinuteRow:
    return MinuteRow(minute_ms=100 * MINUTE_MS, account=account, received=1)


async def test_minutes_that_the_store_refuses_are_dropped_and_counted_and_the_rest_is_told() -> (
    None
):
    world, before = World(), measured("vestlus_measures_not_told_total")
    world.store.refused = {"b"}
    for account in "abc":
        world.minutes.received(account, NOW_MS)
    with capture_logs() as logs:
        await world.reporter.tell()
    assert world.store.rows == [minute("a"), minute("c")]
    assert len(world.store.told) == 1
    assert measured("vestlus_measures_not_told_total") == before + 1
    assert [(log["event"], log["error"]) for log in logs] == [
        ("measures_not_told", "ValuesRefused")
    ]
    world.store.refused = set()
    await world.reporter.tell()
    assert world.store.rows == [minute("a"), minute("c")]
    assert len(world.store.told) == 2


async def test_a_store_that_goes_away_after_a_refusal_is_told_the_rest_later() -> None:
    world = World()
    world.store.refused, world.store.unwritable = {"b"}, {"c"}
    for account in "abc":
        world.minutes.received(account, NOW_MS)
    with pytest.raises(StoreUnavailable):
        await world.reporter.tell()
    world.store.unwritable = set()
    await world.reporter.tell()
    assert world.store.rows == [minute("a"), minute("c")]


async def test_a_process_that_ends_is_heard_of_no_more_though_its_minutes_are_refused() -> None:
    world = World()
    world.store.refused = {"a"}
    world.minutes.failed("a", NOW_MS)
    await world.reporter.end()
    assert world.store.withdrawn == ["publisher-0.1"]


async def test_what_is_opened_later_is_read_off_from_then_on() -> None:
    world = World()
    world.reporter.reads_off(world.sent.inc)
    await world.reporter.tell()
    body = await world.exposed(new_identity("webhook", "host-b"))
    assert total(body, "vestlus_sent_total", process="publisher-0.1") == 1
    assert total(body, "vestlus_held", process="publisher-0.1") == 7


async def test_one_that_tidies_notes_backlogs_and_forgets_what_is_old_once_a_minute() -> None:
    world = World(tidies=True)
    await world.reporter.tell()
    world.now_ms += 5_000
    await world.reporter.tell()
    assert world.store.backlogs == [100 * MINUTE_MS] * 2
    assert world.store.forgotten == [("minutes", NOW_MS - KEPT_MS), ("measures", 600.0)]
    world.now_ms += MINUTE_MS
    await world.reporter.tell()
    assert len(world.store.forgotten) == 4
    assert world.store.backlogs[-1] == 101 * MINUTE_MS


async def test_the_others_leave_that_alone() -> None:
    world = World()
    await world.reporter.tell()
    assert (world.store.backlogs, world.store.forgotten) == ([], [])


async def test_a_process_that_ends_writes_its_last_minutes_and_is_heard_of_no_more() -> None:
    world = World()
    async with reporting(world.reporter):
        await world.store.tried.wait()
        world.minutes.failed("a", NOW_MS)
    assert world.store.rows == [MinuteRow(minute_ms=100 * MINUTE_MS, account="a", failed=1)]
    assert world.store.withdrawn == ["publisher-0.1"]


async def test_a_store_that_is_away_stops_neither_the_process_nor_its_end() -> None:
    world = World()
    world.store.away = True
    with capture_logs() as logs:
        async with reporting(world.reporter):
            await world.store.tried.wait()
    assert {log["event"] for log in logs} <= {"measures_not_told_yet"}


@pytest.mark.parametrize("error", [ZeroDivisionError(), ValuesRefused("no text")])
async def test_measures_that_break_are_counted_and_logged_each_time_until_they_can_be_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "TELL_SECONDS", 0.0)
    world, before = World(), measured("vestlus_measures_not_told_total")
    broken = Breaking(3, error)
    mended = Reporter(world.store, MINE, clock=lambda: NOW_MS)
    mended.reads_off(broken.read_off)
    with capture_logs() as logs:
        async with asyncio.timeout(5), reporting(mended):
            # The process goes on, and so do its measures.
            while not world.store.told:
                await asyncio.sleep(0)
    assert measured("vestlus_measures_not_told_total") == before + 3
    assert [(log["event"], log["error"], log["log_level"]) for log in logs] == [
        ("measures_not_told", type(error).__name__, "error")
    ] * 3


def test_a_process_is_known_by_its_name_and_by_its_start() -> None:
    member = Member("c1/publisher-0", MemberKind.PUBLISHER, "18f-0a1b2c3d", "host-a/boot/ns", 1)
    assert identity_of(member) == Identity(
        process="publisher-0.0a1b2c3d", name="c1/publisher-0", kind="publisher", node="host-a"
    )
    one, other = new_identity("webhook", "host-a"), new_identity("webhook", "host-a")
    assert one.process != other.process
