"""Reading single values out of JSON from Instagram, with doubt.

Every reader takes a value as JSON gave it. It returns what is meant, ``None`` where nothing was
given, or raises :class:`Malformed`. In a webhook that turns the one item into an ``UNKNOWN`` event
and leaves the rest of its batch alone.

Text that a database or UTF-8 cannot hold is changed at this edge: each NUL character and each
lone surrogate, in texts and ids alike, becomes U+FFFD. PostgreSQL has no place for U+0000, and
UTF-8 none for a lone surrogate.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, TypeAlias

#: What JSON can hold.
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Object: TypeAlias = dict[str, Json]

#: The longest id taken. Captured mids have under 200 characters; an index row of PostgreSQL ends
#: at 2700 bytes.
MAX_ID_CHARS: Final = 512

#: The longest integer read as a number: what a signed 64-bit column holds has at most 19 digits.
MAX_INT_CHARS: Final = 19
_MAX_NUMBER: Final = 2**31 - 1

#: A timestamp below this is in seconds (until the year 5138), one above in milliseconds (since
#: March 1973). Meta uses both: ``entry.time`` is in seconds in its samples, in ms in captures.
_SECONDS_BELOW: Final = 10**11
#: The year 5138 in milliseconds. Nothing later is a moment.
_MS_BELOW: Final = 10**14

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Malformed(Exception):
    """A value has a type or size that its place does not allow."""


def content_mid(content: Json) -> str:
    """What stands for the mid in the identity of an event that has none.

    Equal for equal content, however it was written down.
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "content " + blake2b(canonical.encode(), digest_size=16, person=b"content").hexdigest()


def clean(value: str) -> str:
    """The text with U+FFFD for every character that cannot be stored."""
    if value.isascii() and "\x00" not in value:
        return value
    return _UNSTORABLE.sub("\ufffd", value)


def text(value: Json) -> str | None:
    """A text, of any length."""
    if value is None:
        return None
    if isinstance(value, str):
        return clean(value)
    raise Malformed


def ident(value: Json) -> str | None:
    """An id. Meta writes ids as text; a number is taken too. An empty one is none."""
    if type(value) is int:
        value = str(value)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= MAX_ID_CHARS:
        return clean(value)
    raise Malformed


def flag(value: Json) -> bool:
    """A yes or no; absent is no."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    raise Malformed


def number(value: Json) -> int | None:
    """A small count. Meta documents ``num_edit`` as text and sends an integer."""
    if value is None:
        return None
    if isinstance(value, str) and _is_digits(value):
        value = int(value)
    if type(value) is int and 0 <= value <= _MAX_NUMBER:
        return value
    raise Malformed


def first(*values: Json) -> Json:
    """The first value that was given, whatever it is: a wrong type must not be passed over."""
    return next((value for value in values if value is not None), None)


def record(value: Json) -> Object:
    """An object; absent is empty."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise Malformed


def moment(value: Json) -> int | None:
    """A moment in milliseconds since 1970.

    Read from a number or a text of digits, in seconds or milliseconds, or from ISO 8601, which
    means UTC where it names no zone.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = _number_in(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed
    if not (math.isfinite(value) and 0 <= value < _MS_BELOW):
        raise Malformed
    return round(value * 1000) if value < _SECONDS_BELOW else round(value)


def _number_in(value: str) -> int | float:
    if _is_digits(value):
        return int(value)
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Malformed from error


def _is_digits(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= MAX_INT_CHARS
