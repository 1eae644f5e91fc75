"""The messages on the bus: versioned JSON, one codec. ``docs/messages.md`` documents them.

Every message names account, user, conversation and mids of what it carries, the trace context it
belongs to, and when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from vestlus.conversation.events import Event
from vestlus.errors import UndecodableMessage

#: Raised when a field changes its meaning; added fields with defaults do not raise it.
VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMessage:
    """Events of one webhook POST that belong to one partition, in the order of the POST."""

    v: Literal[1]
    kind: Literal["inbox"]
    id: str
    #: When the webhook took them in, milliseconds since 1970.
    at_ms: int
    #: W3C trace context, empty when there is none.
    traceparent: str
    events: tuple[Event, ...]
    #: Conversations that were erased, by id: nothing of them is to stay in memory.
    forget: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReference:
    """Points to a ledger row that may be due: whose it is and what it answers."""

    ledger_id: str
    account: str
    user: str
    conversation: str
    #: The mids of the user's messages that this send answers.
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """Asks that the user be shown something, if it can be done in time. Worth no retry."""

    account: str
    user: str
    action: Literal["mark_seen", "typing_on"]
    #: Pointless after this time, milliseconds since 1970.
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """Asks that missed messages of an account be looked for, as far back as ``since_ms``."""

    account: str
    #: Milliseconds since 1970.
    since_ms: int
    #: By what a delivery gap is suspected; then a look goes back by itself as far as it must, and
    #: many signs lead to few looks. Empty where a person asks.
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """The doorbell: these ledger rows were just written. Losing it delays, and loses nothing.

    It also carries what is in no ledger, because losing it matters to nobody.
    """

    v: Literal[1]
    kind: Literal["outbox"]
    id: str
    at_ms: int
    traceparent: str
    sends: tuple[SendReference, ...]
    actions: tuple[ActionRequest, ...] = ()
    searches: tuple[SearchRequest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerMessage:
    """The bell of the scheduler: something it waits for may be there. Nothing is in it."""

    v: Literal[1]
    kind: Literal["planner"]
    id: str
    at_ms: int


M = TypeVar("M", InboxMessage, OutboxMessage, PlannerMessage)

_INBOX: Final = TypeAdapter(InboxMessage)
_OUTBOX: Final = TypeAdapter(OutboxMessage)
_PLANNER: Final = TypeAdapter(PlannerMessage)


def inbox_message(
    events: tuple[Event, ...], *, at_ms: int, traceparent: str = "", forget: tuple[str, ...] = ()
) -> InboxMessage:
    """A new message with a new id."""
    return InboxMessage(
        v=VERSION,
        kind="inbox",
        id=uuid4().hex,
        at_ms=at_ms,
        traceparent=traceparent,
        events=events,
        forget=forget,
    )


def outbox_message(
    sends: tuple[SendReference, ...],
    *,
    at_ms: int,
    traceparent: str = "",
    actions: tuple[ActionRequest, ...] = (),
    searches: tuple[SearchRequest, ...] = (),
) -> OutboxMessage:
    """A new message with a new id."""
    return OutboxMessage(
        v=VERSION,
        kind="outbox",
        id=uuid4().hex,
        at_ms=at_ms,
        traceparent=traceparent,
        sends=sends,
        actions=actions,
        searches=searches,
    )


def planner_message(*, at_ms: int) -> PlannerMessage:
    """A new message with a new id."""
    return PlannerMessage(v=VERSION, kind="planner", id=uuid4().hex, at_ms=at_ms)


def encode(message: InboxMessage | OutboxMessage | PlannerMessage) -> bytes:
    """The bytes that go on the bus. Fields without a value are left out."""
    match message:
        case InboxMessage():
            return _INBOX.dump_json(message, exclude_defaults=True)
        case OutboxMessage():
            return _OUTBOX.dump_json(message, exclude_defaults=True)
        case PlannerMessage():
            return _PLANNER.dump_json(message)


def decode_inbox(body: bytes) -> InboxMessage:
    """Reads an inbox message; raises UndecodableMessage, whose reason names no content."""
    return _decode(_INBOX, body)


def decode_outbox(body: bytes) -> OutboxMessage:
    """Reads an outbox message; raises UndecodableMessage, whose reason names no content."""
    return _decode(_OUTBOX, body)


def decode_planner(body: bytes) -> PlannerMessage:
    """Reads a planner message; raises UndecodableMessage, whose reason names no content."""
    return _decode(_PLANNER, body)


def _decode(adapter: TypeAdapter[M], body: bytes) -> M:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UndecodableMessage(f"{first['type']} at {where or 'the top'}") from None
