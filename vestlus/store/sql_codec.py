"""How values travel into statements: sets of rows as one JSON parameter, events as JSON text.

One parameter per statement, however many rows: the statement's text never changes, so that it is
compiled and prepared once, and a group of turns takes as many round trips as one turn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from vestlus.conversation.events import Event

_EVENT: Final = TypeAdapter(Event)
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

#: The largest number that both databases keep.
LARGEST: Final = 2**63 - 1

#: Meta's mids have under 200 characters. PostgreSQL refuses index entries over 2,704 bytes, and one
#: absurd mid must not hold up its whole partition: it is kept, but cannot be looked up.
_LONGEST_INDEXED: Final = 2_000


def cleaned(value: str) -> str:
    """The text without what a database's UTF-8 cannot hold: NUL and half surrogate pairs.

    Each becomes U+FFFD. Users can send them, and one such text must not stop the others.
    """
    if "\x00" not in value and (value.isascii() or _is_unicode(value)):
        return value
    return "".join(_REPLACEMENT if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in value)


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def rows_parameter(rows: Sequence[Mapping[str, str | int | None]]) -> str:
    """Rows as the parameter that :meth:`~vestlus.store.sql_dialect.Dialect.rows` reads."""
    text = _encode(rows)
    # An escape of NUL, or a text that looks like one: rare enough to be read again.
    if "\\u0000" in text or not (text.isascii() or _is_unicode(text)):
        return _encode(_cleaned_deeply(rows))
    return text


def within_range(number: int) -> int:
    """The number, or the nearest one that the databases keep."""
    return max(-LARGEST, min(number, LARGEST))


def indexed(mid: str | None, owner: str) -> str | None:
    """The mid as it may stand in an index beside its owner, an account or a conversation."""
    if mid is None or len((owner + mid).encode(errors="replace")) > _LONGEST_INDEXED:
        return None
    return mid


def event_payload(event: Event) -> str:
    """The event as JSON, without what has its default."""
    try:
        return _EVENT.dump_json(event, exclude_defaults=True).decode()
    except PydanticSerializationError:
        values = _EVENT.dump_python(event, exclude_defaults=True)
        return _encode(_cleaned_deeply(values))


def event_of(payload: str) -> Event:
    """The event that :func:`event_payload` wrote."""
    return _EVENT.validate_json(payload)


def _cleaned_deeply(value: object) -> object:
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        return {key: _cleaned_deeply(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned_deeply(item) for item in value]
    return value
