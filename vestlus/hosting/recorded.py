"""What the recording of events tells the measures."""

from __future__ import annotations

from collections.abc import Sequence

from vestlus.conversation.events import calls_for_answer
from vestlus.measuring.catalogue import RECORDED, RECORDING_LAG, of
from vestlus.measuring.minutes import MINUTES
from vestlus.store.rows import RecordedEvent


def note_recorded(recorded: Sequence[RecordedEvent], now_ms: int) -> None:
    """Counts events that were recorded just now and were new."""
    for one in recorded:
        event = one.event
        of(RECORDED, event.account, event.kind).inc()
        if event.missed is None and event.timestamp_ms:
            RECORDING_LAG.observe(max(0, now_ms - event.timestamp_ms) / 1000)
        if calls_for_answer(event):
            MINUTES.received(event.account, now_ms)
