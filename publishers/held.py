"""Rows that wait for an undetermined echo, and how often they are tried."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from vestlus.store.rows import SendRow

#: Claims a second that an account's held rows may cost the store, however many they are.
_CLAIMS: Final = 50


class HeldRows:
    """By account: the more wait, the more seldom each is tried."""

    def __init__(self, seconds: float) -> None:
        """``seconds``: between two tries of one that waits alone."""
        self._seconds = seconds
        self._held: defaultdict[str, set[str]] = defaultdict(set)

    def hold(self, row: SendRow) -> float:
        """Notes one; the seconds until its next try."""
        held = self._held[row.account]
        held.add(row.id)
        return max(self._seconds, len(held) / _CLAIMS)

    def free(self, row: SendRow) -> None:
        """It waits no more."""
        self._held[row.account].discard(row.id)
