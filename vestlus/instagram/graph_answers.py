"""What the Graph API's answers hold. Whatever is not as expected raises Malformed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestlus.conversation.events import Attachment
from vestlus.instagram.json_values import Json, Malformed, ident, moment, record, text
from vestlus.instagram.port import ListedMessage, RecentMessage, Thread, ThreadPage

#: Meta, "Conversations API": details are given for the newest 20 messages only.
MAX_RECENT: Final = 20

#: What is asked of each listed message.
MESSAGE_FIELDS: Final = "messages{id,created_time,from,to,message,attachments}"


@dataclass(frozen=True, slots=True)
class Me:
    """Whose token it is. ``user_id`` is the webhook's ``entry.id``; ``id`` is scoped to the app."""

    id: str
    user_id: str
    username: str


def read_me(content: object) -> Me:
    """The answer to ``/me``."""
    body = _object(content)
    return Me(
        id=_given(body.get("id")),
        user_id=_given(body.get("user_id")),
        username=text(body.get("username")) or "",
    )


def read_conversation(content: object) -> str | None:
    """The id of the first conversation listed, if there is one."""
    conversations = _listed(content)
    return _given(record(conversations[0]).get("id")) if conversations else None


def read_messages(content: object) -> tuple[RecentMessage, ...]:
    """The messages of a conversation, newest first, at most 20."""
    messages = [_recent(one) for one in _listed(_object(content).get("messages"))]
    # Moments are whole seconds: within one, Graph's own order, newest first, is kept.
    messages.sort(key=lambda message: -message.created_ms)
    return tuple(messages[:MAX_RECENT])


def read_threads(content: object) -> ThreadPage:
    """A page of conversations. The cursor counts only where there is a next page."""
    body = _object(content)
    threads = tuple(_thread(one) for one in _listed(body))
    after = ident(record(record(body.get("paging")).get("cursors")).get("after"))
    return ThreadPage(threads, after if threads else None)


def read_thread(content: object) -> tuple[ListedMessage, ...]:
    """The messages of a conversation, newest first, at most 20."""
    messages = [_message(one) for one in _listed(_object(content).get("messages"))]
    messages.sort(key=lambda message: -message.created_ms)
    return tuple(messages[:MAX_RECENT])


def read_subscriptions(content: object) -> tuple[str, ...]:
    """The webhook fields of all apps listed, sorted."""
    return tuple(sorted({name for app in _listed(content) for name in _subscribed(app)}))


def read_attachment_id(content: object) -> str | None:
    """The id of an upload, if the answer has one. Meta writes it as text or as a number."""
    try:
        return ident(_object(content).get("attachment_id"))
    except Malformed:
        return None


def _object(content: object) -> dict[str, Json]:
    if not isinstance(content, dict):
        raise Malformed
    return content


def _listed(content: object) -> list[Json]:
    """The items of one of Graph's lists, ``{"data": […]}``."""
    data = _object(content).get("data")
    if not isinstance(data, list):
        raise Malformed
    return data


def _given(value: Json) -> str:
    found = ident(value)
    if found is None:
        raise Malformed
    return found


def _subscribed(app: Json) -> list[str]:
    named = record(app).get("subscribed_fields")
    if named is None:
        return []
    if not isinstance(named, list):
        raise Malformed
    return [_given(name) for name in named]


def _recent(value: Json) -> RecentMessage:
    body = _object(value)
    created_ms = moment(body.get("created_time"))
    if created_ms is None:
        raise Malformed
    attached = body.get("attachments")
    return RecentMessage(
        mid=_given(body.get("id")),
        sender=_given(record(body.get("from")).get("id")),
        text=text(body.get("message")) or "",
        created_ms=created_ms,
        attachments=0 if attached is None else len(_listed(attached)),
    )


def _thread(value: Json) -> Thread:
    body = _object(value)
    updated_ms = moment(body.get("updated_time"))
    if updated_ms is None:
        raise Malformed
    return Thread(_given(body.get("id")), updated_ms)


def _message(value: Json) -> ListedMessage:
    recent, body = _recent(value), _object(value)
    to = record(body.get("to"))
    attached = body.get("attachments")
    return ListedMessage(
        mid=recent.mid,
        sender=recent.sender,
        recipients=tuple(_given(record(one).get("id")) for one in _listed(to)) if to else (),
        text=recent.text,
        created_ms=recent.created_ms,
        attachments=() if attached is None else tuple(map(_attachment, _listed(attached))),
    )


def _attachment(value: Json) -> Attachment:
    """Meta, "Conversations API": what it is, is told by which of these an attachment has."""
    body = record(value)
    for key, kind in (("image_data", "image"), ("video_data", "video")):
        data = body.get(key)
        if data is not None:
            return Attachment(kind, url=text(record(data).get("url")))
    mime = (text(body.get("mime_type")) or "").partition("/")[0]
    kind = mime if mime in ("audio", "image", "video") else "file"
    return Attachment(kind, url=text(body.get("file_url")), title=text(body.get("name")))
