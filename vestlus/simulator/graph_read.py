"""The shapes of what the Graph API reads: conversations, messages, profiles."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from itertools import islice

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.records import Message, Thread
from vestlus.simulator.state import Lane, State

# Conversations API: details of the newest 20 messages only.
NEWEST = 20
MESSAGE_FIELDS = ("id", "created_time", "from", "to", "message")
CONVERSATION_PREFIX = "aWdfZAG06"


def conversation_id(account: str, user: str) -> str:
    """Return the id under which a conversation is read."""
    encoded = base64.urlsafe_b64encode(f"{account}:{user}".encode()).decode()
    return CONVERSATION_PREFIX + encoded.rstrip("=")


def parse_conversation_id(value: str) -> Lane | None:
    """Return account and user of a conversation id, or None if it is not one."""
    if not value.startswith(CONVERSATION_PREFIX):
        return None
    encoded = value.removeprefix(CONVERSATION_PREFIX)
    try:
        text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    account, separator, user = text.partition(":")
    return (account, user) if separator else None


def app_scoped_id(account: str) -> str:
    """Return `/me`'s `id`, which is not the account's id in webhooks."""
    return str(int.from_bytes(hashlib.sha256(account.encode()).digest()[:7], "big"))


def graph_time(timestamp_ms: int) -> str:
    """Return a time as the Graph API writes it, in whole seconds."""
    moment = datetime.fromtimestamp(timestamp_ms // 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


def split_fields(text: str) -> list[tuple[str, int | None, list[str]]]:
    """Read `a,b.limit(5){c,d{e}}` into (name, limit, names of sub-fields)."""
    found: list[tuple[str, int | None, list[str]]] = []
    for part in _split(text.replace(" ", "")):
        head, _, inner = part.partition("{")
        name, _, limit = head.partition(".limit(")
        number = limit.rstrip(")")
        names = [sub.partition("{")[0] for sub in _split(inner.removesuffix("}"))]
        if name:
            found.append((name, int(number) if number.isdecimal() else None, names))
    return found


def _split(text: str) -> list[str]:
    """Split at the commas outside of braces."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part for part in parts if part]


class GraphReader:
    """Answers reads from the state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def profile(self, who: str, fields: list[str]) -> JsonObject | None:
        """Return an account's or user's profile, or None if there is no such."""
        if who in self._state.accounts:
            body: JsonObject = {
                "id": app_scoped_id(who),
                "user_id": who,
                "username": f"account_{who[-4:]}",
                "name": f"Account {who[-4:]}",
                "account_type": "BUSINESS",
            }
        elif who in self._state.users:
            name = self._state.users[who].name
            body = {"id": who, "name": name, "username": self._username(who)}
        else:
            return None
        return {key: value for key, value in body.items() if key in {"id", *fields}}

    def conversations(self, threads: list[Thread]) -> list[Json]:
        """Return conversations as the list shows them, newest first."""
        ordered = sorted(threads, key=lambda thread: thread.messages[-1].seq, reverse=True)
        return [
            {
                "id": conversation_id(thread.account, thread.user),
                "updated_time": graph_time(thread.messages[-1].timestamp_ms),
            }
            for thread in ordered
        ]

    def newest(self, thread: Thread, limit: int | None, fields: list[str]) -> list[Json]:
        """Return the newest messages of a conversation, newest first."""
        most = NEWEST if limit is None else min(limit, NEWEST)
        there = (message for message in reversed(thread.messages) if not message.unsent)
        newest = islice(there, most)
        return [self.message(message, fields or ["id", "created_time"]) for message in newest]

    def message(self, message: Message, fields: list[str]) -> JsonObject:
        """Return the asked fields of a message; `id` is always among them."""
        sender, recipient = message.user, message.account
        if message.direction == "out":
            sender, recipient = recipient, sender
        to: list[Json] = [{"id": recipient, "username": self._username(recipient)}]
        body: JsonObject = {
            "id": message.platform_mid,
            "created_time": graph_time(message.timestamp_ms),
            "from": {"id": sender, "username": self._username(sender)},
            "to": {"data": to},
            "message": message.platform_text or "",
        }
        if message.attachments:
            data: list[Json] = [
                {
                    "id": f"{message.platform_mid}-{number}",
                    "image_data": {"url": item.shown_url(self._state.origin)},
                }
                for number, item in enumerate(message.attachments)
            ]
            body["attachments"] = {"data": data}
        return {key: value for key, value in body.items() if key in {"id", *fields}}

    def _username(self, who: str) -> str:
        return f"account_{who[-4:]}" if who in self._state.accounts else f"user_{who}"
