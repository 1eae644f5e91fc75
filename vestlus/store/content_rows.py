"""What is told of posts, pictures and events to people who look after them.

Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureUse:
    """How often a picture was in answers, and when last."""

    answers: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class PictureUses:
    """In which of the newest answers with pictures each picture was."""

    #: Picture id → its use; those of none are not there.
    uses: Mapping[str, PictureUse]
    #: How many answers were looked at, and since when they are; 0 for none.
    looked: int
    since_ms: int
