"""What log lines are about while events are recorded, and what is begun of them afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from tests.contract.store_support import message
from tests.fakes.bus import MemoryBus
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.events import Event
from vestlus.hosting.intake import PartitionIntake
from vestlus.log_context import add_subject, event_id
from vestlus.messages import encode, inbox_message
from vestlus.store.rows import Change, EventState, Lease, NewEvent, RecordedEvent


class Recording:
    """Records everything; notes what lines would be about then, and when others hear of it."""

    def __init__(self) -> None:
        self.recording: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.delivered = asyncio.Event()

    async def weigh(self, events: Sequence[Event]) -> list[NewEvent]:
        return [NewEvent(event, EventState.PENDING, Change()) for event in events]

    async def submit(self, item: tuple[Lease, Sequence[NewEvent]]) -> list[RecordedEvent]:
        self.recording.append(subject())
        return [
            RecordedEvent(seq=n, event=one.event, state=one.state, recorded_ms=1)
            for n, one in enumerate(item[1])
        ]

    def tell(self, what: str) -> None:
        self.told.append((what, subject()))

    def deliver(self) -> None:
        self.tell("delivered")
        self.delivered.set()


def subject() -> str:
    return str(add_subject(None, "", {}).get("message_id", ""))


async def _room() -> None:
    """There is always some."""


async def test_the_recording_is_about_its_events_and_what_others_begin_then_is_not() -> None:
    bus, seen, event = MemoryBus(), Recording(), message()
    intake = PartitionIntake(
        Lease("inbox.0", 1),
        bus=bus,
        store=cast("Any", None),
        recorder=cast("Any", seen),
        partitions=1,
        clock=system_clock,
        deliver=lambda *_: seen.deliver(),
        reread=lambda *_: seen.tell("reread"),
        weigh=seen.weigh,
        changed=lambda *_: seen.tell("changed"),
        noted=lambda *_: seen.tell("noted"),
        undetermined=lambda *_: seen.tell("undetermined"),
        room=_room,
        erased=lambda *_: seen.tell("erased"),
        graves=None,
    )
    await bus.publish(Queue.INBOX, 0, [encode(inbox_message((event,), at_ms=system_clock()))])
    running = asyncio.create_task(intake.run())
    async with asyncio.timeout(10):
        await seen.delivered.wait()
    running.cancel()
    await asyncio.wait({running})
    assert seen.recording == [event_id(event)]
    assert seen.told == [("changed", ""), ("undetermined", ""), ("delivered", "")]
