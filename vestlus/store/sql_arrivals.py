"""Events on their way into the tables: as rows, and what they say of conversations and sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from vestlus.conversation.window import written_at_ms
from vestlus.store.names import partition_number
from vestlus.store.rows import DeadLetter, EventState, Lease, NewEvent
from vestlus.store.sql_codec import event_payload, indexed, within_range
from vestlus.store.sql_sends import Mark

Row = dict[str, str | int | None]

#: The reason on dead letters of events that the database refused.
NOT_STORABLE: Final = "not_storable"


@dataclass(slots=True)
class Arrival:
    """An event that is to be recorded, and its number once it is."""

    new: NewEvent
    row: Row
    seq: int = 0

    @property
    def conversation(self) -> str | None:
        """The conversation that the event begins or goes on with."""
        event = self.new.event
        return None if event.user is None else event.conversation


def people_of(arrivals: Sequence[Arrival], now_ms: int) -> tuple[dict[str, Row], dict[str, int]]:
    """The conversations of the events, and when users wrote in those in which one did: by id."""
    people: dict[str, Row] = {}
    heard: dict[str, int] = {}
    for one in arrivals:
        id_ = one.conversation
        if id_ is None:
            continue
        if id_ not in people:
            people[id_] = {
                "id": id_,
                "account": one.row["account"],
                "user_id": one.row["user_id"],
                "partition": one.row["partition"],
                "user_ms": 0,
                "grave": one.new.grave or None,
            }
        if one.new.state is EventState.PENDING:
            event = one.new.event
            listed = event.missed is not None
            written = written_at_ms(event.timestamp_ms, now_ms, listed=listed)
            heard[id_] = max(heard.get(id_, 0), written)
    return people, heard


def marks_of(arrivals: Sequence[Arrival]) -> dict[str, Mark]:
    """Whose echoes were recorded, by the id of the send; the first one of each counts."""
    marks: dict[str, Mark] = {}
    for one in arrivals:
        mid = one.row["mid"]
        if one.new.echo_of and isinstance(mid, str) and one.conversation is not None:
            marks.setdefault(one.new.echo_of, Mark(one.conversation, mid))
    return marks


def row_of(new: NewEvent, lease: Lease, now_ms: int) -> Row:
    """The event as a row of the inbox."""
    event = new.event
    return {
        "key": event.key,
        "kind": str(event.kind),
        "account": event.account,
        "user_id": event.user,
        "conversation": event.conversation,
        "partition": partition_number(lease.name),
        "mid": indexed(event.mid, event.account),
        "timestamp_ms": within_range(event.timestamp_ms),
        "recorded_ms": now_ms,
        "state": str(new.state),
        "payload": event_payload(event),
    }


def refused(new: NewEvent, now_ms: int) -> DeadLetter:
    """The letter of an event whose values the database does not take.

    Which of them is at fault is not known, so none stands in a column.
    """
    body = event_payload(new.event).encode(errors="replace")
    digest = blake2b(body, digest_size=16).hexdigest()
    return DeadLetter(
        id=f"refused:{digest}",
        source="inbox_event",
        reason=NOT_STORABLE,
        body=body,
        at_ms=now_ms,
    )
