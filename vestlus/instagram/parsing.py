"""From a webhook's body to events, and from events to partitions.

Every ``entry[]`` of a body, and in it every item of ``messaging[]``, ``standby[]`` and
``changes[]``, and a flat ``field`` and ``value``, becomes exactly one event, in the order given.
Meta batches up to 1000 of them ("Webhooks: setup").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import partition_of
from vestlus.errors import NotWebhook
from vestlus.instagram.json_values import (
    MAX_INT_CHARS,
    Json,
    Malformed,
    Object,
    content_mid,
    first,
    ident,
    moment,
    record,
    text,
)
from vestlus.instagram.webhook_items import is_messaging, messaging_event, standby_event
from vestlus.instagram.webhook_parts import unknown_event

#: Fields whose values are comments. ``mentions`` come within ``comments`` on Instagram Login.
_COMMENTS: Final = {
    "comments": EventKind.COMMENT,
    "live_comments": EventKind.COMMENT,
    "mentions": EventKind.MENTION,
}


def _integer(digits: str) -> int | str:
    """An absurdly long number stays text: it spoils its own item and not the whole body."""
    return int(digits) if len(digits) <= MAX_INT_CHARS else digits


def _constant(name: str) -> str:
    """NaN and the infinities, which JSON does not have, stay text too."""
    return name


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_constant=_constant)


def parse_webhook(body: bytes) -> tuple[Event, ...]:
    """Reads the body of a POST whose signature holds. Pure.

    An item that is malformed or of a kind not known becomes an ``UNKNOWN`` event whose key is made
    from its content, and the others of its batch are read as ever. Raises NotWebhook with the
    reason ``not_json``, ``too_deep``, ``not_instagram`` or ``no_entries`` when there is nothing
    to take items from.
    """
    content = _load(body)
    # Some of Meta's examples wrap the one object in an array.
    objects = content if isinstance(content, list) else [content]
    if not objects:
        raise NotWebhook("not_instagram")
    events: list[Event] = []
    try:
        for one in objects:
            for entry in _entries(one):
                _read_entry(entry, events)
    except RecursionError:
        # Deep enough to be read and too deep to be written as canonical JSON.
        raise NotWebhook("too_deep") from None
    return tuple(events)


def _load(body: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(body.decode("utf-8-sig"))
    except ValueError:  # of which bad UTF-8 is one kind
        # The cause would hold the body.
        raise NotWebhook("not_json") from None
    except RecursionError:
        raise NotWebhook("too_deep") from None
    return value


def _entries(value: Json) -> list[Json]:
    if not isinstance(value, dict) or value.get("object") != "instagram":
        raise NotWebhook("not_instagram")
    entries = value.get("entry")
    if not isinstance(entries, list):
        raise NotWebhook("no_entries")
    return entries


def _read_entry(entry: Json, events: list[Event]) -> None:
    if not isinstance(entry, dict):
        events.append(unknown_event("", 0, entry))
        return
    try:
        account = ident(entry.get("id")) or ""
    except Malformed:
        account = ""
    try:
        entry_ms = moment(entry.get("time")) or 0
    except Malformed:
        entry_ms = 0
    if _LISTS.keys().isdisjoint(entry) and "field" not in entry:
        timeless: Object = {key: entry[key] for key in entry if key != "time"}
        events.append(unknown_event(account, entry_ms, timeless))
    for name, read in _LISTS.items():
        items = entry.get(name)
        if isinstance(items, list):
            events.extend(read(account, entry_ms, item) for item in items)
        elif items is not None:
            events.append(unknown_event(account, entry_ms, items))
    if "field" in entry:
        flat: Object = {"field": entry["field"], "value": entry.get("value")}
        events.append(_change_event(account, entry_ms, flat))


def _change_event(account: str, entry_ms: int, change: Json) -> Event:
    if not isinstance(change, dict):
        return unknown_event(account, entry_ms, change)
    field, value = change.get("field"), change.get("value")
    kind = _COMMENTS.get(field) if isinstance(field, str) else None
    if kind is not None and isinstance(value, dict):
        try:
            return _comment_event(kind, account, entry_ms, value)
        except Malformed:
            return unknown_event(account, entry_ms, change)
    if is_messaging(value):
        # Direct messages come so from the dashboard's test button, and from some apps always.
        read = standby_event if field == "standby" else messaging_event
        return read(account, entry_ms, value)
    return unknown_event(account, entry_ms, change)


def _comment_event(kind: EventKind, account: str, entry_ms: int, value: Object) -> Event:
    """A comment belongs to a media, not to a conversation: it has no user here.

    Instagram Login gives ``id`` and ``media.id``, Facebook Login ``comment_id`` and ``media_id``.
    """
    comment_id = ident(first(value.get("comment_id"), value.get("id")))
    media_id = ident(first(value.get("media_id"), record(value.get("media")).get("id")))
    return Event(
        key=event_key(kind, account, comment_id or content_mid(value)),
        kind=kind,
        account=account,
        user=None,
        conversation=None,
        mid=None,
        timestamp_ms=entry_ms,
        text=text(value.get("text")),
        comment_id=comment_id,
        media_id=media_id,
    )


#: The lists of an entry, and how an item of each is read.
_LISTS: Final[dict[str, Callable[[str, int, Json], Event]]] = {
    "messaging": messaging_event,
    "standby": standby_event,
    "changes": _change_event,
}


def group_by_partition(events: Sequence[Event], partitions: int) -> dict[int, tuple[Event, ...]]:
    """The events of each partition, in the order given.

    Events without a user go by the account alone, so that each has one place.
    """
    groups: dict[int, list[Event]] = {}
    for event in events:
        partition = partition_of(event.account, event.user or "", partitions)
        groups.setdefault(partition, []).append(event)
    return {partition: tuple(group) for partition, group in groups.items()}
