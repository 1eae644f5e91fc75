"""An event's data: JSON from outside, read within bounds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

#: Bytes of a body.
LARGEST: Final = 64 * 1024

#: Objects and lists within each other.
DEEPEST: Final = 16

#: Values and keys in all. Checking that a list's items differ takes the square of their number in
#: time: 0.1 s for so many.
MOST_VALUES: Final = 1_000

#: Whole numbers up to this: what a database's largest integer is.
_LARGEST_NUMBER: Final = 2**63 - 1
_MOST_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class EventData:
    """What was sent. ``text`` is the same for the same data, however they were written."""

    payload: dict[str, Any]
    text: str

    def digest(self, name: str) -> str:
        """Tells events apart: SHA-256 of the event's name and its data."""
        # A name comes from an address or a command line, and may be no Unicode.
        said = f"{name}\n{self.text}".encode(errors="backslashreplace")
        return hashlib.sha256(said).hexdigest()


def parse_payload(body: bytes) -> EventData:
    """Reads one JSON object (RFC 8259) in UTF-8; no body at all is an object without anything.

    Raises ValueError, with a sentence for whoever sent it.
    """
    if len(body) > LARGEST:
        raise ValueError(f"the body has {len(body)} bytes, and may have {LARGEST}")
    if not body:
        return EventData({}, "{}")
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError:
        raise ValueError("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"the body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if not isinstance(value, dict):
        raise ValueError("the body must be one JSON object")  # noqa: TRY004 - as the others
    _check_bounds(value)
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text has half a surrogate pair, which is no character") from None
    return EventData(value, text)


_TOO_DEEP: Final = f"objects and lists are more than {DEEPEST} deep"


def _check_bounds(value: dict[str, Any]) -> None:
    level: Iterable[Any] = [value]
    count = depth = 0
    while level:
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                count += len(one)
                below += one.values()
            elif isinstance(one, list):
                below += one
        count += len(below)
        if count > MOST_VALUES:
            raise ValueError(f"there are more than {MOST_VALUES} keys and values")
        depth += any(isinstance(one, dict | list) for one in level)
        if depth > DEEPEST:
            raise ValueError(_TOO_DEEP)
        level = below


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS or abs(number := int(digits)) > _LARGEST_NUMBER:
        raise ValueError("a whole number is larger than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
