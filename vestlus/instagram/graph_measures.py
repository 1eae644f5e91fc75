"""How long calls of the Graph API take, and what comes of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from vestlus.errors import (
    GraphError,
    HeldBack,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.instagram.port import Gate
from vestlus.measuring.catalogue import GRAPH_SECONDS, GRAPH_THROTTLED, of

#: What an error is called; the first that fits counts.
_OUTCOMES: Final[tuple[tuple[type[GraphError], str], ...]] = (
    (Throttled, "throttled"),
    (HeldBack, "held_back"),
    (NotSent, "not_sent"),
    (TokenRejected, "token_rejected"),
    (Refused, "refused"),
    (OutcomeUnknown, "unknown"),
)


class GraphCall:
    """Measures one call, as a context manager. ``call`` is a word of ours for what is called.

    A request waits at its gate until it may be written: its time begins behind it.
    """

    __slots__ = ("_account", "_began", "_call")

    def __init__(self, call: str, account: str) -> None:
        self._call = call
        self._account = account
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._began
        of(GRAPH_SECONDS, self._call, outcome_of(error)).observe(seconds)
        if isinstance(error, Throttled):
            of(GRAPH_THROTTLED, self._account).inc()

    def gate(self, gate: Gate | None) -> Gate | None:
        """The gate, behind which the time begins anew."""
        if gate is None:
            return None

        async def measured() -> bool:
            # Nothing is awaited between the gate's answer and the first byte.
            goes = await gate()
            self._began = time.perf_counter()
            return goes

        return measured


def outcome_of(error: BaseException | None) -> str:
    """The word for what ended a call."""
    if error is None:
        return "done"
    return next((word for known, word in _OUTCOMES if isinstance(error, known)), "given_up")


def named(read: Callable[[object], object]) -> str:
    """What a reading call is called: as the function of ours that reads its answer."""
    return getattr(read, "__name__", "read").removeprefix("read_")
