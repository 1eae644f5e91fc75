"""How messages are kept in the data file."""

import json
from typing import cast

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.records import Attachment, Author, Direction, Message

Value = str | int | float | bytes | None

# What few messages have is kept together as JSON, so that most rows stay small and a new field
# needs no new column.
EXTRAS: dict[str, Json] = {
    "started": None,
    "started_at": None,
    "echoed": None,
    "echoed_at": None,
    "tag": None,
    "any_answer": False,
    "echo_mid": None,
    "echo_text": None,
    "unsent": False,
    "reaction": None,
}
COLUMNS = 17


def message_row(message: Message) -> tuple[Value, ...]:
    """Return a message as a row of the table `message`."""
    extra: JsonObject = {
        name: getattr(message, name)
        for name, usual in EXTRAS.items()
        if getattr(message, name) != usual
    }
    if message.earlier_texts:
        extra["earlier_texts"] = list(message.earlier_texts)
    attachments = [
        {"type": item.type, "url": item.url, "media": item.media, "alt": item.alt}
        for item in message.attachments
    ]
    return (
        message.seq,
        message.mid,
        message.account,
        message.user,
        message.direction,
        message.author,
        message.text,
        json.dumps(attachments) if attachments else "",
        message.timestamp_ms,
        message.reply_to,
        int(message.expects_answer),
        message.offered,
        message.accepted,
        message.accepted_at,
        message.attempts,
        message.last_status,
        json.dumps(extra) if extra else "",
    )


def read_message(row: tuple[Value, ...]) -> Message:
    """Return the message of a row."""
    stored = cast("list[dict[str, str | None]]", json.loads(str(row[7]))) if row[7] else []
    extra = cast("JsonObject", json.loads(str(row[16]))) if row[16] else {}
    message = Message(
        seq=cast("int", row[0]),
        mid=str(row[1]),
        account=str(row[2]),
        user=str(row[3]),
        direction=cast("Direction", row[4]),
        author=cast("Author", row[5]),
        text=cast("str | None", row[6]),
        attachments=tuple(
            Attachment(str(item["type"]), str(item["url"]), item["media"], item.get("alt"))
            for item in stored
        ),
        timestamp_ms=cast("int", row[8]),
        reply_to=cast("str | None", row[9]),
        expects_answer=bool(row[10]),
        offered=cast("int | None", row[11]),
        accepted=cast("int | None", row[12]),
        accepted_at=cast("float | None", row[13]),
        attempts=cast("int", row[14]),
        last_status=cast("int | None", row[15]),
        earlier_texts=tuple(cast("list[str]", extra.get("earlier_texts", []))),
    )
    for name in EXTRAS.keys() & extra.keys():
        setattr(message, name, extra[name])
    return message
