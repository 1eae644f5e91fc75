"""The bytes Meta would post: events, batches, the escaped form and its signature."""

import hashlib
import hmac
import json
from collections.abc import Sequence

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.records import Channel, Message, WebhookEvent

SIGNATURE_HEADER = "X-Hub-Signature-256"


#: Invented ids: the app under test, and Instagram's own inbox, between which threads change hands.
OUR_APP = "1000000000000001"
INBOX_APP = "1000000000000002"


def message_event(
    message: Message, *, quick_reply: str | None = None, echo: bool = False, origin: str = ""
) -> JsonObject:
    """Return the `messaging[]` item for a message; of an echo sender and recipient are swapped.

    Source: Instagram Platform, Webhook examples. `origin` is where kept pictures are shown from.
    """
    content: JsonObject = {"mid": message.platform_mid}
    if message.platform_text is not None:
        content["text"] = message.platform_text
    if message.attachments:
        attachments: list[Json] = [
            {"type": item.type, "payload": {"url": item.shown_url(origin)}}
            for item in message.attachments
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
    return _item(sender, recipient, message.timestamp_ms, "message", content)


def unsend_event(message: Message, now_ms: int) -> JsonObject:
    """Return the item that tells that a user took a message back (Webhook examples)."""
    content: JsonObject = {"mid": message.platform_mid, "is_deleted": True}
    return _item(message.user, message.account, now_ms, "message", content)


def edit_event(message: Message, now_ms: int) -> JsonObject:
    """Return the item for an edited message as it reads now.

    Source: Webhook examples, but for `num_edit`, which captures have as a number.
    """
    content: JsonObject = {
        "mid": message.platform_mid,
        "text": message.platform_text,
        "num_edit": len(message.earlier_texts),
    }
    return _item(message.user, message.account, now_ms, "message_edit", content)


def reaction_event(message: Message, emoji: str | None, now_ms: int) -> JsonObject:
    """Return the item for a user's reaction; without an emoji it is taken back.

    Source: Webhook examples.
    """
    content: JsonObject = {"mid": message.platform_mid, "action": "unreact"}
    if emoji is not None:
        content["action"] = "react"
        content["reaction"] = "love" if emoji.startswith("\N{HEAVY BLACK HEART}") else "other"
        content["emoji"] = emoji
    return _item(message.user, message.account, now_ms, "reaction", content)


def handover_event(
    account: str, user: str, action: str, details: JsonObject, now_ms: int
) -> JsonObject:
    """Return the item for a change of a thread's owner: `pass`, `take` or `request`.

    Source: Messenger Platform, messaging_handovers; Instagram's variant is unverified. `details`
    replace the invented app ids and add `metadata`.
    """
    usual: dict[str, JsonObject] = {
        "pass": {"previous_owner_app_id": INBOX_APP, "new_owner_app_id": OUR_APP},
        "take": {"previous_owner_app_id": OUR_APP},
        "request": {"requested_owner_app_id": INBOX_APP},
    }
    return _item(user, account, now_ms, f"{action}_thread_control", usual[action] | details)


def _item(sender: str, recipient: str, at_ms: int, name: str, content: JsonObject) -> JsonObject:
    return {
        "sender": {"id": sender},
        "recipient": {"id": recipient},
        "timestamp": at_ms,
        name: content,
    }


def payload(events: Sequence[WebhookEvent], time_ms: int, entry_events: int) -> JsonObject:
    """Put events into one webhook, at most `entry_events` to an `entry[]` item.

    Events of one account keep their order through the entries; those of a thread that another app
    controls stand under `standby`.
    """
    entries: list[Json] = []
    open_lists: dict[str, tuple[Channel, list[Json]]] = {}
    for event in events:
        channel, items = open_lists.get(event.account, ("", []))
        if channel != event.channel or len(items) >= entry_events:
            items = []
            open_lists[event.account] = (event.channel, items)
            entries.append({"time": time_ms, "id": event.account, event.channel: items})
        items.append(event.body)
    return {"object": "instagram", "entry": entries}


def encode(value: Json) -> bytes:
    """Serialise as Meta does: ASCII with lowercase escapes, and slashes escaped too."""
    # A slash in JSON can only stand inside a string, so this cannot touch the structure.
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def sign(body: bytes, app_secret: str) -> str:
    """Return the value of `X-Hub-Signature-256` for exactly these bytes."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
