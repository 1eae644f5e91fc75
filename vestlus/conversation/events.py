"""What can happen in a conversation, as Instagram tells it.

An :class:`Event` is one item of a webhook, read and normalised. Shapes: Meta, "Instagram
messaging webhooks" and "Webhook examples".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b


class EventKind(StrEnum):
    """The kinds of event that Meta documents for Instagram messaging, and UNKNOWN for the rest."""

    MESSAGE = "message"
    ECHO = "echo"
    UNSEND = "unsend"
    EDIT = "edit"
    REACTION = "reaction"
    POSTBACK = "postback"
    REFERRAL = "referral"
    OPTIN = "optin"
    READ = "read"
    STANDBY = "standby"
    HANDOVER = "handover"
    COMMENT = "comment"
    MENTION = "mention"
    #: Not Instagram's: a person at the account's side did something through us.
    OPERATOR = "operator"
    UNKNOWN = "unknown"


class Missed(StrEnum):
    """That an event was found by asking Instagram, because its webhook did not come in time."""

    #: Late, and worth an answer.
    LATE = "late"
    #: Too late for an answer of the bot's: it is shown to people.
    STALE = "stale"
    #: As late, and somebody wrote to the user after it: it is only remembered.
    PAST = "past"


#: Kinds that may come more than once for one mid, told apart by action, number and time.
REPEATING = frozenset({EventKind.REACTION, EventKind.EDIT, EventKind.UNSEND, EventKind.READ})


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment. ``type`` is Meta's word; ``url`` is Meta's and expires."""

    type: str
    url: str | None = None
    title: str | None = None
    media_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened.

    ``account`` is the webhook's ``entry.id``; ``user`` the Instagram-scoped id of the other side,
    ``None`` where Meta names nobody (some ``read``s). ``timestamp_ms`` is Meta's, in
    milliseconds since 1970, and orders events within a burst only.
    """

    key: str
    kind: EventKind
    account: str
    user: str | None
    conversation: str | None
    mid: str | None
    timestamp_ms: int
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    #: The mid of the message that this one replies to.
    reply_to_mid: str | None = None
    #: The story that was replied to.
    story_id: str | None = None
    story_url: str | None = None
    #: What the button or quick reply carries for the program.
    payload: str | None = None
    #: ``react``, ``unreact``, or what happened to the thread's control.
    action: str | None = None
    #: The reaction's emoji.
    emoji: str | None = None
    #: How many times the message was edited.
    number: int | None = None
    #: Where the user came from: an ad, a link, a shop product.
    referral: str | None = None
    #: For a comment: the comment's and the media's ids.
    comment_id: str | None = None
    media_id: str | None = None
    #: The message was sent by this account to itself.
    is_self: bool = False
    #: Instagram could not pass the content on.
    is_unsupported: bool = False
    #: Its webhook was missed. The timestamp is the listing's then, and to be believed.
    missed: Missed | None = None
    #: W3C trace context of the webhook that brought it, empty when there is none.
    traceparent: str = ""
    #: When it was durable, milliseconds since 1970, for what calls for an answer; 0 for not known.
    durable_ms: int = 0


def calls_for_answer(event: Event) -> bool:
    """Whether a user wrote something that wants an answer.

    Messages with any content and pressed buttons do. What the platform could not pass on
    (``is_unsupported``, no content) does too: the user believes that it was sent.
    """
    if event.user is None or event.is_self:
        return False
    return event.kind in (EventKind.MESSAGE, EventKind.POSTBACK)


def event_key(
    kind: EventKind,
    account: str,
    mid: str,
    *,
    action: str = "",
    number: int | None = None,
    timestamp_ms: int = 0,
) -> str:
    """The identity under which an event is known when Meta sends it again: 32 hex digits.

    Kinds that repeat for one mid are told apart by action, number and timestamp; for the others
    only kind, account and mid count, so that a redelivery with another timestamp is the same.
    """
    parts = [str(kind), account, mid]
    if kind in REPEATING:
        parts += [action, "" if number is None else str(number), str(timestamp_ms)]
    return blake2b("\x00".join(parts).encode(), digest_size=16, person=b"event").hexdigest()
