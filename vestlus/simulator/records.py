"""What the simulator remembers: messages, users, and webhook events on their way."""

from dataclasses import dataclass, field
from typing import Literal

from vestlus.simulator.jsontypes import Json, JsonObject

Direction = Literal["in", "out"]
Author = Literal["user", "api", "person"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or file of a message; `media` names the stored copy, if there is one."""

    type: str
    url: str
    media: str | None = None

    def to_json(self) -> JsonObject:
        """Return the form of the control API and of the data file."""
        return {"type": self.type, "url": self.url, "media": self.media}


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """One message of a conversation, in either direction.

    `offered` and `accepted` are ticks of one counter: when the first POST that may have reached
    the service began, and when a POST was first answered 200. Messages of one POST share them.
    """

    seq: int
    mid: str
    account: str
    user: str
    direction: Direction
    author: Author
    text: str | None
    attachments: tuple[Attachment, ...] = ()
    timestamp_ms: int
    reply_to: str | None = None
    expects_answer: bool = True
    offered: int | None = None
    accepted: int | None = None
    accepted_at: float | None = None
    attempts: int = 0
    last_status: int | None = None

    @property
    def created_at(self) -> float:
        """Unix seconds."""
        return self.timestamp_ms / 1000

    @property
    def delivery(self) -> str | None:
        """How far the webhook of a user's message has come."""
        if self.direction == "out":
            return None
        if self.accepted is not None:
            return "delivered"
        return "retrying" if self.last_status is not None else "sending"

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        attachments: list[Json] = [item.to_json() for item in self.attachments]
        return {
            "seq": self.seq,
            "mid": self.mid,
            "account": self.account,
            "user": self.user,
            "direction": self.direction,
            "author": self.author,
            "text": self.text,
            "attachments": attachments,
            "created_at": self.created_at,
            "accepted_at": self.accepted_at,
            "accepted_order": self.accepted,
            "attempts": self.attempts,
            "last_status": self.last_status,
            "delivery": self.delivery,
            "expects_answer": self.expects_answer,
        }


@dataclass(slots=True)
class User:
    """A person who writes."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class WebhookEvent:
    """One item of `messaging[]` that the service has not yet answered 200.

    `mid` is set for a user's message, so that its acceptance can be recorded; it is None for
    every other event. `retrying` survives a restart, so that the page tells the truth.
    """

    id: int
    account: str
    user: str
    body: JsonObject
    mid: str | None = None
    attempts: int = 0


@dataclass(slots=True)
class Thread:
    """The conversation of one user with one account."""

    account: str
    user: str
    messages: list[Message] = field(default_factory=list)
    last_user_ms: int | None = None
    typing_until: float = 0.0
    seen_seq: int = 0
