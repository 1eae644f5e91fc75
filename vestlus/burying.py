"""Deliveries that nobody can use as dead letters: whole, with the reason in the same words
wherever they were received.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from vestlus.store.rows import DeadLetter
from vestlus.store.trail import Moment

#: What the reason of an unreadable delivery begins with; behind it stands what is wrong with it.
UNDECODABLE: Final = "undecodable"


def unreadable(body: bytes, *, source: str, reason: str, at_ms: int) -> DeadLetter:
    """A delivery of the queue ``source`` that cannot be read; ``reason`` names no content."""
    return buried(body, source=source, reason=f"{UNDECODABLE}: {reason}", at_ms=at_ms)


def buried(body: bytes, *, source: str, reason: str, at_ms: int) -> DeadLetter:
    """A letter named by its content: the same body, delivered again, is the same letter."""
    digest = blake2b(body, digest_size=16).hexdigest()
    return DeadLetter(
        id=f"{source}.{digest}",
        source=source,
        reason=reason,
        body=body,
        at_ms=at_ms,
        history=(Moment(at_ms, "buried", reason),),
    )
