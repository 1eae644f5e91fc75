"""What the simulator remembers: messages, users, and webhook events on their way."""

from dataclasses import dataclass, field
from typing import Literal

from vestlus.simulator.jsontypes import Json, JsonObject

Direction = Literal["in", "out"]
Author = Literal["user", "api", "person"]
#: Which list of a webhook's entry an event stands in.
Channel = Literal["messaging", "standby"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or file of a message.

    `media` is the SHA-256 of the stored copy, under which it is kept, if there is one; `alt` what
    the picture shows, where somebody said so.
    """

    type: str
    url: str
    media: str | None = None
    alt: str | None = None

    def to_json(self) -> JsonObject:
        """Return the form of the control API."""
        return {
            "type": self.type,
            "url": self.url,
            "media": f"/media/{self.media}" if self.media else None,
            "sha256": self.media,
            "alt": self.alt,
        }

    def shown_url(self, origin: str) -> str:
        """Return the address under which the other side sees it: the kept copy's, if any.

        Instagram gives addresses of its own copies too, never the one a sender named.
        """
        return f"{origin}/media/{self.media}" if self.media and origin else self.url


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """One message of a conversation, in either direction.

    `offered`, `accepted`, `started` and `echoed` are ticks of one counter. Of a user's message:
    when the first POST that may have reached the service began, and when a POST was first answered
    200; messages of one POST share them. Of a message of the account: when the request that sent
    it arrived (`api` only), and when the POST of its echo was first answered 200.

    `mid` is what the send returned. The echo, the Conversations API and users name the message by
    `platform_mid`, and show `platform_text`.
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
    started: int | None = None
    started_at: float | None = None
    echoed: int | None = None
    echoed_at: float | None = None
    tag: str | None = None
    #: Any answer will do, also one without the message's markers: a fixed text.
    any_answer: bool = False
    echo_mid: str | None = None
    echo_text: str | None = None
    #: The sender took it back.
    unsent: bool = False
    #: What the text was before each edit, oldest first.
    earlier_texts: tuple[str, ...] = ()
    #: The user's emoji on it.
    reaction: str | None = None

    @property
    def platform_mid(self) -> str:
        """The id by which the platform knows it."""
        return self.echo_mid or self.mid

    @property
    def platform_text(self) -> str | None:
        """The text as the platform gives it back."""
        return self.text if self.echo_text is None else self.echo_text

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

    def posted(self, status: int, offered: int, accepted: int | None, now: float) -> None:
        """Record one POST of its event or echo.

        Args:
            status: What the service answered; 0 for nothing, -1 where nothing listens.
            offered: The tick at which the POST began.
            accepted: The tick of the answer if it was 200.
            now: Unix seconds.

        """
        if self.direction == "out":
            if accepted is not None:
                self.echoed, self.echoed_at = accepted, now
            return
        self.attempts += 1
        self.last_status = max(status, 0)
        # A refused connection carried nothing, so the service cannot have recorded it.
        if self.offered is None and status >= 0:
            self.offered = offered
        if accepted is not None:
            self.accepted, self.accepted_at = accepted, now

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
            "any_answer": self.any_answer,
            "tag": self.tag,
            "started_at": self.started_at,
            "echoed_at": self.echoed_at,
            "echo_mid": self.platform_mid if self.direction == "out" else None,
            "unsent": self.unsent,
            "edits": len(self.earlier_texts),
            "reaction": self.reaction,
        }


@dataclass(slots=True)
class User:
    """A person who writes."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class WebhookEvent:
    """One item of `messaging[]` or `standby[]` that the service has not yet answered 200.

    `mid` is set for a user's message and for an echo, so that the acceptance can be recorded; it
    is None for every other event.
    """

    id: int
    account: str
    user: str
    body: JsonObject
    mid: str | None = None
    channel: Channel = "messaging"
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message that was refused because the user's window had closed.

    `seq` is that of the newest message of any conversation at that moment.
    """

    account: str
    user: str
    at: float
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """A person took a conversation over without writing, at this tick and time."""

    account: str
    user: str
    tick: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HandBack:
    """A person gave a conversation back to the service, at this tick."""

    account: str
    user: str
    tick: int


@dataclass(slots=True)
class Thread:
    """The conversation of one user with one account."""

    account: str
    user: str
    messages: list[Message] = field(default_factory=list)
    last_user_ms: int | None = None
    typing_until: float = 0.0
    seen_seq: int = 0
