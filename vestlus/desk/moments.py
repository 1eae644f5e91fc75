"""Times as commands and programs are told them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

#: Later moments cannot be written as a date.
LAST_MS: Final = 253_402_300_799_000


def moment(at_ms: int) -> str:
    """A time for people, UTC; empty for none."""
    if at_ms <= 0:
        return ""
    if at_ms > LAST_MS:
        return "for good"
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def iso(at_ms: int) -> str:
    """A time for programs: ISO 8601, UTC, with milliseconds."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")
