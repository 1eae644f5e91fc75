"""A user's data as it is given out: in words for people, in JSON for programs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from vestlus.store.erasing import UserData

#: What each table is called, and which of its columns are about the inner workings alone.
_PARTS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "conversation": (
        "conversation",
        frozenset({"version", "partition", "probes", "takeovers", "wake_ms", "held_until_ms"}),
    ),
    "history": ("messages", frozenset({"conversation", "position", "turn"})),
    "inbox_event": ("received", frozenset({"seq", "key", "partition", "conversation"})),
    "ledger": (
        "sent_or_to_be_sent",
        frozenset({"outbox", "conversation", "position", "turn", "traceparent", "erased"}),
    ),
    "dead_letter": ("given_up", frozenset({"conversation"})),
    "conversation_read": ("read_by_people", frozenset({"conversation"})),
    "preservation": ("kept_from_being_erased", frozenset({"conversation"})),
}

#: Columns that hold JSON.
_JSON: Final = frozenset({"payload", "answers", "pictures", "usage"})


@dataclass(frozen=True, slots=True)
class Export:
    """Everything that is held of one user of one account."""

    account: str
    user: str
    #: When it was read.
    at_ms: int
    data: UserData

    def as_json(self) -> dict[str, Any]:
        """The whole of it: rows as they are, under plain names, with times as people write them.

        Pictures that the user sent are links of Meta's, which expire: they were never stored.
        """
        parts = {name: _rows(table, rows) for table, name, rows in self._parts()}
        return {
            "account": self.account,
            "user": self.user,
            "exported_at": _moment(self.at_ms),
            "note": (
                "Pictures that a user sends are not stored: there are Instagram's own links to "
                "them, which expire. Summaries, notes and answers were written by a model or by "
                "people of the account."
            ),
            **parts,
        }

    def _parts(self) -> Iterable[tuple[str, str, Iterable[Mapping[str, Any]]]]:
        for table, (name, _) in _PARTS.items():
            yield table, name, self.data.get(table, ())


def _rows(table: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    hidden = _PARTS[table][1]
    return [
        {
            _name(column): _value(column, value)
            for column, value in row.items()
            if column not in hidden and value not in ("", None, 0, b"")
        }
        for row in sorted(rows, key=_order)
    ]


def _order(row: Mapping[str, Any]) -> tuple[int, str]:
    places = (row.get(name) for name in ("position", "seq", "at_ms", "created_ms"))
    first = next((place for place in places if isinstance(place, int)), 0)
    return first, str(row.get("id", ""))


def _name(column: str) -> str:
    if column == "at_ms":
        return "at"
    return f"{column.removesuffix('_ms')}_at" if column.endswith("_ms") else column


def _value(column: str, value: object) -> object:
    if column.endswith("_ms") and isinstance(value, int):
        return _moment(value)
    if isinstance(value, bytes):
        return readable(value)
    if column in _JSON and isinstance(value, str):
        return _read(value)
    return value


def readable(raw: bytes) -> object:
    """What a dead letter holds: JSON mostly, and otherwise whatever it is."""
    try:
        return _read(raw.decode())
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # a broken delivery is kept as it came
        return text


def _moment(at_ms: int) -> object:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):  # "for good", or a time that cannot be true
        return at_ms
