"""What log lines are about: the ids of messages, bound to tasks and worked out when one is written.

A message's id in the log is ours: twelve digits of a hash of what Graph calls it. The same message
has the same at the webhook, in its turn, at its send and when Meta delivers it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar, Token
from hashlib import blake2b
from types import TracebackType
from typing import Self

from structlog.typing import EventDict, WrappedLogger

from vestlus.conversation.events import Event


def message_id(account: str, mid: str) -> str:
    """The id of a message in the log. ``mid``: Graph's."""
    return blake2b(f"{account}\x00{mid}".encode(), digest_size=6, person=b"message").hexdigest()


def event_id(event: Event) -> str:
    """The same for an event: of the message that it is about, else of the event itself."""
    return message_id(event.account, event.mid) if event.mid else event.key[:12]


class About:
    """Within ``with``, lines of this task and of those it begins are about these messages."""

    __slots__ = ("_account", "_events", "_mids", "_token", "_traceparent")

    def __init__(
        self,
        *,
        events: Sequence[Event] = (),
        account: str = "",
        mids: Sequence[str] = (),
        traceparent: str = "",
    ) -> None:
        """Either ``events``, or the ``mids`` of an ``account``'s messages."""
        self._events = events
        self._account = account
        self._mids = mids
        self._traceparent = traceparent
        self._token: Token[About | None] | None = None

    def __enter__(self) -> Self:
        self._token = _about.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _about.reset(self._token)

    def fields(self) -> dict[str, str]:
        """What a line says of it: all ids, apart by spaces, and the trace where there is one."""
        ids = [event_id(event) for event in self._events]
        ids += [message_id(self._account, mid) for mid in self._mids]
        found = {"message_id": " ".join(dict.fromkeys(ids))} if ids else {}
        if self._traceparent:
            found["trace_id"] = self._traceparent.split("-")[1]
        return found


_about: ContextVar[About | None] = ContextVar("vestlus log about", default=None)


def add_subject(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """A processor of structlog's: adds what the line is about, unless it says so itself."""
    subject = _about.get()
    if subject is not None:
        for name, value in subject.fields().items():
            line.setdefault(name, value)
    return line
