"""How much waits in the inbox is told by a replica, whoever else is alive."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from vestlus.bus.port import Queue
from vestlus.errors import BusUnavailable
from vestlus.measuring import inbox
from vestlus.measuring.inbox import COUNT_SECONDS, InboxCounting, families_of_inbox


@dataclass
class CountedQueues:
    """A bus that has so many messages in each partition; it may be away, or never answer."""

    waiting: list[int]
    away: bool = False
    hangs: bool = False
    asked: list[Queue] = field(default_factory=list)

    async def depths(self, queue: Queue) -> tuple[int, ...]:
        self.asked.append(queue)
        if self.away:
            raise BusUnavailable("away")
        if self.hangs:
            await asyncio.Event().wait()
        return tuple(self.waiting)


@dataclass
class Time:
    """The clock of the counting."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def told(messages: int | None) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in families_of_inbox(messages)
        for sample in family.samples
    }


async def test_all_partitions_of_the_inbox_are_added_up() -> None:
    bus = CountedQueues([3, 0, 4])
    assert await InboxCounting(Time()).messages(bus) == 7
    assert bus.asked == [Queue.INBOX]


async def test_the_bus_is_asked_once_in_a_while_however_many_ask() -> None:
    bus, time = CountedQueues([1]), Time()
    counting = InboxCounting(time)
    assert await asyncio.gather(*(counting.messages(bus) for _ in range(5))) == [1] * 5
    bus.waiting = [2]
    time.now += COUNT_SECONDS - 0.1
    assert await counting.messages(bus) == 1
    time.now += 0.1
    assert await counting.messages(bus) == 2
    assert len(bus.asked) == 2


async def test_a_bus_that_is_away_leaves_no_old_number_and_is_not_asked_more_often() -> None:
    bus, time = CountedQueues([5]), Time()
    counting = InboxCounting(time)
    await counting.messages(bus)
    bus.away = True
    time.now += COUNT_SECONDS
    with capture_logs() as logs:
        assert [await counting.messages(bus) for _ in range(3)] == [None] * 3
    assert [(log["event"], log["error"]) for log in logs] == [
        ("inbox_not_counted", "BusUnavailable")
    ]
    bus.away = False
    time.now += COUNT_SECONDS
    assert await counting.messages(bus) == 5


async def test_a_bus_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "COUNTING_SECONDS", 0.0)
    hanging = CountedQueues([1], hangs=True)
    assert await InboxCounting(Time()).messages(hanging) is None


async def test_before_the_bus_is_reached_nothing_is_known_of_it() -> None:
    counting = InboxCounting(Time())
    assert await counting.messages(None) is None
    # And it is asked as soon as it is there.
    assert await counting.messages(CountedQueues([2])) == 2


def test_a_number_that_is_not_known_is_left_out_and_that_is_told() -> None:
    assert told(0) == {"vestlus_inbox_counted": 1, "vestlus_inbox_messages": 0}
    assert told(12) == {"vestlus_inbox_counted": 1, "vestlus_inbox_messages": 12}
    assert told(None) == {"vestlus_inbox_counted": 0}
