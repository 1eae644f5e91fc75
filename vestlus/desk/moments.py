"""Times as commands write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

#: Later moments cannot be written as a date.
_LAST_MS: Final = 253_402_300_799_000


def moment(at_ms: int) -> str:
    """A time for people, UTC; empty for none."""
    if at_ms <= 0:
        return ""
    if at_ms > _LAST_MS:
        return "for good"
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
