"""Webhooks' bodies for the tests of parsing: payloads as captured, and items made by hand."""

from __future__ import annotations

import json
from pathlib import Path

from vestlus.conversation.events import Event, EventKind
from vestlus.instagram.parsing import parse_webhook

PAYLOADS = Path(__file__).parent.parent / "payloads"
ACCOUNT = "17841400000000001"
USER = "900000000000002"
SENT_MS = 1740157200421
ENTRY_MS = 1740157200749

K = EventKind


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def only(name: str) -> Event:
    (event,) = parse_webhook(payload(name))
    return event


def body(*items: object, account: object = ACCOUNT, **entry: object) -> bytes:
    """A webhook with one entry; ``items`` are its messaging[]."""
    content = {"time": ENTRY_MS, "id": account, **entry}
    if items:
        content["messaging"] = list(items)
    return json.dumps({"object": "instagram", "entry": [content]}).encode()


def item(**content: object) -> dict[str, object]:
    return {
        "sender": {"id": USER},
        "recipient": {"id": ACCOUNT},
        "timestamp": SENT_MS,
        **content,
    }


def message(**content: object) -> dict[str, object]:
    return item(message={"mid": "m-1", "text": "Hello", **content})


def one(*items: object, **entry: object) -> Event:
    (event,) = parse_webhook(body(*items, **entry))
    return event


MALFORMED: list[object] = [
    None,
    17,
    "text",
    [],
    {},
    item(),
    item(message=None),
    item(message="text"),
    item(message={"text": "no mid"}),
    item(message={"mid": {"deep": 1}, "text": "x"}),
    item(message={"mid": "m" * 513}),
    item(message={"mid": ""}),
    item(reaction={"action": "react"}),
    item(message_edit={"num_edit": 1}),
    item(message_edit={"mid": "m", "num_edit": "many"}),
    item(message_edit={"mid": "m", "num_edit": -1}),
    item(message_edit={"mid": "m", "num_edit": 2**31}),
    item(message_edit={"mid": "m", "num_edit": True}),
    message(text=5),
    message(text=["x"]),
    message(attachments="image"),
    message(attachments=[["image"]]),
    message(attachments=[{"type": 7}]),
    message(attachments=[{"type": "image", "payload": {"url": {}}}]),
    message(is_echo="yes"),
    message(reply_to=[1]),
    message(quick_reply="YES"),
    message() | {"sender": "900"},
    message() | {"sender": {"id": True}},
    message() | {"sender": {"id": 1.5}},
    message() | {"timestamp": True},
    message() | {"timestamp": -1},
    message() | {"timestamp": 10**17},
    message() | {"timestamp": 10**400},
    message() | {"timestamp": "yesterday"},
    message() | {"timestamp": "9" * 400},
    message() | {"timestamp": "0001-01-01T00:00:00+14:00"},
    message() | {"timestamp": float("nan")},
    message() | {"timestamp": float("inf")},
]
