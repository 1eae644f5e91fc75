"""A conversation in memory: what is known of tries ends with the messages that were tried."""

from __future__ import annotations

import pytest

from vestlus.conversation.events import Event, EventKind
from vestlus.hosting.mailbox import Mailbox
from vestlus.store.rows import ConversationRow, EventState, Lease, RecordedEvent


def row(*pending: RecordedEvent) -> ConversationRow:
    return ConversationRow("c", "acc", "u", 0, 3, 0, 0, 0, 0, history=(), pending=pending)


def tried() -> Mailbox:
    """Its messages were tried, and the model was away."""
    return Mailbox("c", Lease("inbox.0", 1), asked_since_ms=7, outages=2)


def test_messages_that_were_taken_back_while_they_were_tried_leave_no_try_behind() -> None:
    box = tried()
    box.fill(row(), ())
    assert (box.asked_since_ms, box.outages) == (0, 0)


def test_messages_that_were_given_up_leave_no_try_behind() -> None:
    box = tried()
    box.forget()
    assert (box.asked_since_ms, box.outages) == (0, 0)


@pytest.mark.parametrize("kept", [False, True])
def test_messages_that_are_read_again_are_still_the_ones_that_were_tried(*, kept: bool) -> None:
    box = tried()
    event = Event(
        key="k",
        kind=EventKind.MESSAGE,
        account="acc",
        user="u",
        conversation="c",
        mid="m",
        timestamp_ms=1,
        text="Tere!",
    )
    box.fill(row(RecordedEvent(1, event, EventState.PENDING, 1)), (1,) if kept else ())
    assert (box.asked_since_ms, box.outages) == (7, 2)
