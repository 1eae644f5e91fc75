"""How a conversation stands, and what an event makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Text

from vestlus.store.rows import Change, Silence, persons_until_ms, stopped_until_ms

#: What changes may change, as in :class:`Standing`.
WRITTEN: Final[dict[str, Any]] = {
    "version": BigInteger(),
    "messages": BigInteger(),
    "user_ms": BigInteger(),
    "silence": Text(),
    "silent_until_ms": BigInteger(),
    "silenced_turn": BigInteger(),
    "held_until_ms": BigInteger(),
    "waiting_ms": BigInteger(),
    "note": Text(),
    "disclosed_ms": BigInteger(),
    "erase_asked_ms": BigInteger(),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """A change and the event that brings it."""

    seq: int
    conversation: str
    change: Change
    traceparent: str = ""


@dataclass(slots=True)
class Standing:
    """A locked conversation, as it becomes."""

    id: str
    account: str
    user_id: str
    version: int
    messages: int
    user_ms: int
    silence: str
    silent_until_ms: int
    silenced_turn: int
    held_until_ms: int
    waiting_ms: int
    note: str
    disclosed_ms: int
    erase_asked_ms: int

    def hear(self, at_ms: int) -> None:
        """The user wrote then."""
        self.user_ms = max(self.user_ms, at_ms)

    def take(self, change: Change) -> None:
        """Takes over what a change says of the conversation itself."""
        # A person's sends have their ids and places from a version that no turn may have.
        if change.rethink or change.sends or change.replay:
            self.version += 1
        if change.silence is not None:
            self._fall_silent(change.silence, change.silent_until_ms)
        if change.cancel_sends:
            self.silenced_turn = self.version
        if change.held_until_ms is not None:
            longer = max(self.held_until_ms, change.held_until_ms)
            self.held_until_ms = longer if change.held_until_ms else 0
        if change.heard_ms is not None:
            self.hear(change.heard_ms)
        if change.heard_ms is None or not self.waiting_ms:
            self._wait(change)
        if change.disclose_again:
            self.disclosed_ms = 0
        if change.silence is not None or change.answers_all:
            # Somebody came in between: a yes would be theirs.
            self.erase_asked_ms = 0

    def _fall_silent(self, silence: Silence, until_ms: int) -> None:
        if silence is Silence.PERSON:
            # A person's message that is told late does not shorten what a newer one began.
            until_ms = max(until_ms, persons_until_ms(self.silence, self.silent_until_ms))
        if self.silence != Silence.STOPPED:
            self.silence, self.silent_until_ms = str(silence), until_ms
            return
        # Nobody but the user ends a silence that the user asked for. Whose the conversation is
        # when they do is not for them to say.
        match silence:
            case Silence.PERSON:
                self.silent_until_ms = stopped_until_ms(until_ms)
            case Silence.NONE:
                self.silent_until_ms = stopped_until_ms(0)

    def _wait(self, change: Change) -> None:
        if change.waiting_ms is not None:
            self.waiting_ms = change.waiting_ms
        if change.note is not None:
            self.note = change.note
