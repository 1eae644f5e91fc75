"""Tells an actor that froze while it started from one that is slow to start."""

from __future__ import annotations

from collections.abc import Iterable

from vestlus.store.rows import Member


class SignsOfLife:
    """Which members signed in since they were last started, and which of them are silent now.

    Whoever does not answer may be starting, which takes its time, or frozen. One that signed in
    had started; when its signs stop, it need not be waited for any longer.
    """

    def __init__(self) -> None:
        self._latest: dict[str, Member] = {}
        self._before: dict[str, str] = {}
        self._signed: set[str] = set()
        self._live: set[str] = set()

    def ended(self, member_id: str) -> None:
        """Its process is gone, or will be: what signs in from now on is another incarnation."""
        latest = self._latest.get(member_id)
        self._before[member_id] = "" if latest is None else latest.incarnation
        self._signed.discard(member_id)
        self._live.discard(member_id)

    def look(self, live: Iterable[Member]) -> None:
        """These are all that are not silent now, as the store says."""
        self._live.clear()
        for member in live:
            self._latest[member.id] = member
            if member.incarnation != self._before.get(member.id):
                self._signed.add(member.id)
                self._live.add(member.id)

    def stopped(self, member_id: str) -> bool:
        """Whether it signed in since it was started, and is silent now."""
        return member_id in self._signed and member_id not in self._live

    def signed_in(self, member_id: str) -> Member | None:
        """The incarnation that signed in since it was started, if it has."""
        return self._latest[member_id] if member_id in self._signed else None
