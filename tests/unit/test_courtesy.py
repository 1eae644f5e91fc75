"""Signs that Instagram shows are asked for together, and never in an answer's way."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.bus import MemoryBus
from vestlus.bus.port import Queue
from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import BusUnavailable
from vestlus.hosting import courtesy
from vestlus.hosting.courtesy import WORTH_MS, Courtesy
from vestlus.messages import decode_outbox

PARTITIONS = 4
NOW_MS = 1_800_000_000_000
USERS = [(f"account{number % 3}", f"user{number}") for number in range(20)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "AFTER_SECONDS", 0.0)


def opened(bus: MemoryBus) -> Courtesy:
    return Courtesy(bus, lambda: NOW_MS, PARTITIONS)


async def test_signs_of_many_users_are_asked_for_with_one_bell_for_each_partition() -> None:
    bus = MemoryBus()
    async with opened(bus) as signs:
        await asyncio.gather(*(signs.show(*one) for one in USERS))
    asked = []
    for number in range(PARTITIONS):
        bells = bus.messages[Queue.OUTBOX, number]
        assert len(bells) <= 1
        for message in map(decode_outbox, bells):
            assert message.sends == ()
            for one in message.actions:
                assert outbox_partition_of(one.account, PARTITIONS) == number
                assert one.until_ms == NOW_MS + WORTH_MS
                asked.append((one.account, one.user, one.action))
    assert sorted(asked) == sorted(
        (*user, action) for user in USERS for action in ("mark_seen", "typing_on")
    )
    assert signs.asked == len(USERS)


async def test_signs_that_cannot_be_asked_for_are_left_out() -> None:
    bus = MemoryBus()
    bus.fail = lambda *_: BusUnavailable("away")
    async with opened(bus) as signs:
        await asyncio.gather(*(signs.show(*one) for one in USERS))
    assert signs.asked == 0


async def test_a_sign_whose_answer_comes_first_is_not_asked_for() -> None:
    bus = MemoryBus()
    async with opened(bus) as signs:
        late = asyncio.create_task(signs.show(*USERS[0]))
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.wait({late})
    assert not any(bus.messages.values())
