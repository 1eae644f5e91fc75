"""The bytes Meta would post: events, batches, the escaped form and its signature."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.records import Message, WebhookEvent

SIGNATURE_HEADER = "X-Hub-Signature-256"


def message_event(
    message: Message, *, quick_reply: str | None = None, echo: bool = False
) -> JsonObject:
    """Return the `messaging[]` item for a message; of an echo sender and recipient are swapped.

    Source: Instagram Platform, Webhook examples.
    """
    content: JsonObject = {"mid": message.mid}
    if message.text is not None:
        content["text"] = message.text
    if message.attachments:
        attachments: list[Json] = [
            {"type": item.type, "payload": {"url": item.url}} for item in message.attachments
        ]
        content["attachments"] = attachments
    if quick_reply is not None:
        content["quick_reply"] = {"payload": quick_reply}
    if message.reply_to is not None:
        content["reply_to"] = {"mid": message.reply_to}
    if echo:
        content["is_echo"] = True
    sender, recipient = message.user, message.account
    if echo:
        sender, recipient = recipient, sender
    return {
        "sender": {"id": sender},
        "recipient": {"id": recipient},
        "timestamp": message.timestamp_ms,
        "message": content,
    }


def payload(events: Sequence[WebhookEvent], time_ms: int, entry_events: int) -> JsonObject:
    """Put events into one webhook, at most `entry_events` to an `entry[]` item.

    Events of one account keep their order through the entries.
    """
    entries: list[Json] = []
    by_account: dict[str, list[Json]] = {}
    for event in events:
        items = by_account.get(event.account)
        if items is None or len(items) >= entry_events:
            items = by_account[event.account] = []
            entries.append({"time": time_ms, "id": event.account, "messaging": items})
        items.append(event.body)
    return {"object": "instagram", "entry": entries}


def encode(value: Json) -> bytes:
    """Serialise as Meta does: ASCII with lowercase escapes, and slashes escaped too."""
    # A slash in JSON can only stand inside a string, so this cannot touch the structure.
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def sign(body: bytes, app_secret: str) -> str:
    """Return the value of `X-Hub-Signature-256` for exactly these bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
