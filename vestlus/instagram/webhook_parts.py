"""Parts that items of a webhook may carry, and what stands for an item not understood.

Shapes: Meta, "Webhook examples".
"""

from __future__ import annotations

import json
from typing import Final

from vestlus.conversation.events import Attachment, Event, EventKind, event_key
from vestlus.instagram.json_values import Json, Object, content_mid, first, ident, record, text

#: Where the media id of an attachment is found, by its type.
_MEDIA_IDS: Final = ("reel_video_id", "ig_post_media_id", "story_media_id", "media_id", "id")

_OWNERS: Final = ("previous_owner_app_id", "new_owner_app_id", "requested_owner_app_id")


def attachments(value: Json) -> tuple[Attachment, ...]:
    """The attachments of a message. One of Meta's samples gives a single object for the list."""
    if value is None:
        return ()
    if not isinstance(value, list):
        value = [value]
    return tuple(_attachment(record(one)) for one in value)


def _attachment(body: Object) -> Attachment:
    """Any type, known or not; ``ephemeral`` has no payload, ``fallback`` may have it outside."""
    payload = record(body.get("payload"))
    kind = text(body.get("type")) or "unknown"
    if kind == "story_mention":
        # Meta, "Story Mention": its media must not be stored, so not even its address is kept.
        return Attachment(type=kind)
    media_id = next((found for key in _MEDIA_IDS if (found := ident(payload.get(key)))), None)
    return Attachment(
        type=kind,
        url=text(first(payload.get("url"), payload.get("story_media_url"), body.get("url"))),
        title=text(first(payload.get("title"), body.get("title"))),
        media_id=media_id,
    )


def referral(value: Json) -> str | None:
    """The referral's own words as a JSON object, of the parts that say where the user came from."""
    if value is None:
        return None
    body = record(value)
    said = {key: text(body.get(key)) for key in ("source", "type", "ref", "referer_uri")}
    said["ad_id"] = ident(body.get("ad_id"))
    said["ad_title"] = text(record(body.get("ads_context_data")).get("ad_title"))
    said["product_id"] = ident(record(body.get("product")).get("id"))
    return json.dumps({key: part for key, part in said.items() if part}, ensure_ascii=False)


def thread_control(body: Object) -> str | None:
    """Who had, has or wants a thread, and what they said, as a JSON object of what was given."""
    said = {key: ident(body.get(key)) for key in _OWNERS}
    said["metadata"] = text(body.get("metadata"))
    given = {key: part for key, part in said.items() if part}
    return json.dumps(given, ensure_ascii=False) if given else None


def unknown_event(account: str, entry_ms: int, value: Json) -> Event:
    """The event that stands for an item that was not understood: known again by its content."""
    return Event(
        key=event_key(EventKind.UNKNOWN, account, content_mid(value)),
        kind=EventKind.UNKNOWN,
        account=account,
        user=None,
        conversation=None,
        mid=None,
        timestamp_ms=entry_ms,
    )
