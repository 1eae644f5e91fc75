"""From one item of a webhook to one event.

Shapes: Meta, "Instagram messaging webhooks" and "Webhook examples"; for the handover, Meta,
"Messenger Platform webhooks: messaging_handovers"; and captures of what is really sent. Each
reader handles one key that an item may have; ``READERS`` is the whole table.

The identity of an event rests on what Meta repeats when it delivers again: the mid, the item's own
timestamp, the item's content. The time of the entry around it changes with the batch and counts
for nothing there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from vestlus.conversation.events import Attachment, Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id
from vestlus.instagram.json_values import (
    Json,
    Malformed,
    Object,
    content_mid,
    first,
    flag,
    ident,
    moment,
    number,
    record,
    text,
)
from vestlus.instagram.webhook_parts import (
    attachments,
    referral,
    thread_control,
    unknown_event,
)


@dataclass(frozen=True, slots=True)
class _Item:
    """What all items of ``messaging[]`` have in common."""

    content: Object
    account: str
    sender: str | None
    recipient: str | None
    #: The item's own timestamp, which is part of some identities; None where it has none.
    own_ms: int | None
    #: The time of the entry, for items that have none.
    entry_ms: int

    def event(
        self,
        kind: EventKind,
        *,
        mid: str | None = None,
        from_us: bool = False,
        text: str | None = None,
        attachments: tuple[Attachment, ...] = (),
        reply_to_mid: str | None = None,
        story_id: str | None = None,
        story_url: str | None = None,
        payload: str | None = None,
        action: str | None = None,
        emoji: str | None = None,
        number: int | None = None,
        referral: str | None = None,
        is_self: bool = False,
        is_unsupported: bool = False,
    ) -> Event:
        # The other side: of what the account itself did, it is the recipient.
        user = self.recipient if from_us or self.sender == self.account else self.sender
        key = event_key(
            kind,
            self.account,
            content_mid(self.content) if mid is None else mid,
            action=action or "",
            number=number,
            timestamp_ms=self.own_ms or 0,
        )
        return Event(
            key=key,
            kind=kind,
            account=self.account,
            user=user,
            conversation=None if user is None else conversation_id(self.account, user),
            mid=mid,
            timestamp_ms=self.entry_ms if self.own_ms is None else self.own_ms,
            text=text,
            attachments=attachments,
            reply_to_mid=reply_to_mid,
            story_id=story_id,
            story_url=story_url,
            payload=payload,
            action=action,
            emoji=emoji,
            number=number,
            referral=referral,
            is_self=is_self,
            is_unsupported=is_unsupported,
        )


def _mid(body: Object) -> str:
    mid = ident(body.get("mid"))
    if mid is None:
        raise Malformed
    return mid


def _message(item: _Item, body: Object) -> Event:
    is_self = flag(body.get("is_self"))
    # Some captures of the account's own messages lack the echo mark: the sender gives them away.
    from_us = flag(body.get("is_echo")) or (item.sender == item.account and not is_self)
    kind = EventKind.ECHO if from_us else EventKind.MESSAGE
    if flag(body.get("is_deleted")):
        kind = EventKind.UNSEND
    reply_to = record(body.get("reply_to"))
    story = record(reply_to.get("story"))
    return item.event(
        kind,
        mid=_mid(body),
        from_us=from_us,
        text=text(body.get("text")),
        attachments=attachments(body.get("attachments")),
        reply_to_mid=ident(reply_to.get("mid")),
        story_id=ident(story.get("id")),
        story_url=text(story.get("url")),
        payload=text(record(body.get("quick_reply")).get("payload")),
        referral=referral(first(body.get("referral"), item.content.get("referral"))),
        is_self=is_self,
        is_unsupported=flag(body.get("is_unsupported")),
    )


def _edit(item: _Item, body: Object) -> Event:
    return item.event(
        EventKind.EDIT,
        mid=_mid(body),
        text=text(body.get("text")),
        number=number(body.get("num_edit")),
    )


def _reaction(item: _Item, body: Object) -> Event:
    emoji = text(body.get("emoji"))
    # "unreact" comes without an emoji, so a missing action can be told.
    action = text(body.get("action")) or ("react" if emoji else "unreact")
    return item.event(EventKind.REACTION, mid=_mid(body), action=action, emoji=emoji)


def _postback(item: _Item, body: Object) -> Event:
    return item.event(
        EventKind.POSTBACK,
        mid=ident(body.get("mid")),
        text=text(body.get("title")),
        payload=text(body.get("payload")),
        referral=referral(first(body.get("referral"), item.content.get("referral"))),
    )


def _read(item: _Item, body: Object) -> Event:
    return item.event(EventKind.READ, mid=ident(body.get("mid")))


def _arrived(item: _Item, body: Object) -> Event:
    return item.event(EventKind.REFERRAL, referral=referral(body))


def _optin(item: _Item, body: Object) -> Event:
    return item.event(
        EventKind.OPTIN,
        action=text(body.get("type")),
        payload=text(first(body.get("payload"), body.get("ref"))),
    )


def _handover(action: str) -> Callable[[_Item, Object], Event]:
    return lambda item, body: item.event(
        EventKind.HANDOVER, action=action, payload=thread_control(body)
    )


def _roles(item: _Item, body: Object) -> Event:
    roles = json.dumps(body, sort_keys=True)
    return item.event(EventKind.HANDOVER, action="app_roles", payload=roles)


#: Which key of an item is read how. The first one that an item has decides.
READERS: Final[dict[str, Callable[[_Item, Object], Event]]] = {
    "message": _message,
    "message_edit": _edit,
    "reaction": _reaction,
    "postback": _postback,
    "read": _read,
    "referral": _arrived,
    "optin": _optin,
    "pass_thread_control": _handover("pass_thread_control"),
    "take_thread_control": _handover("take_thread_control"),
    "request_thread_control": _handover("request_thread_control"),
    "app_roles": _roles,
}


def is_messaging(value: Json) -> bool:
    """Whether this looks like an item of ``messaging[]``, wherever it was found."""
    return isinstance(value, dict) and not READERS.keys().isdisjoint(value)


def messaging_event(account: str, entry_ms: int, value: Json) -> Event:
    """The event that an item of ``messaging[]`` tells of.

    What is not understood becomes an UNKNOWN event, never an error.
    """
    if not isinstance(value, dict):
        return unknown_event(account, entry_ms, value)
    try:
        return _messaging_event(account, entry_ms, value)
    except Malformed:
        return unknown_event(account, entry_ms, value)


def standby_event(account: str, entry_ms: int, value: Json) -> Event:
    """The same for an item of ``standby[]``: it tells of a thread that another app controls."""
    event = messaging_event(account, entry_ms, value)
    if event.kind is EventKind.UNKNOWN:
        return event
    # A message, its reaction and its reading name one mid, and are one kind here.
    identity = event.mid if event.kind is EventKind.MESSAGE and event.mid else event.key
    key = event_key(EventKind.STANDBY, account, identity)
    return replace(event, kind=EventKind.STANDBY, key=key)


def _messaging_event(account: str, entry_ms: int, value: Object) -> Event:
    for name, read in READERS.items():
        body = value.get(name)
        if body is not None:
            item = _Item(
                content=value,
                account=account,
                sender=ident(record(value.get("sender")).get("id")),
                recipient=ident(record(value.get("recipient")).get("id")),
                own_ms=moment(value.get("timestamp")),
                entry_ms=entry_ms,
            )
            return read(item, record(body))
    return unknown_event(account, entry_ms, value)
