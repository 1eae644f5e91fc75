"""A circuit breaker: a server that does not answer is not asked again for a while."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from vestlus.assistant.failures import AttemptFailed, Reason, outcome_of
from vestlus.errors import AssistantUnavailable
from vestlus.measuring.catalogue import BREAKERS_OPEN, BREAKERS_OPENED, MODEL_SECONDS, of

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: The reason of the AssistantUnavailable that an open breaker raises.
CIRCUIT_OPEN: Final = "circuit_open"

#: One failure is an accident and retries get over it; five in a row within half a minute is a
#: server that is down.
FAILURES: Final = 5
WITHIN_SECONDS: Final = 30.0

#: Longer than the blips that load balancers make, short enough that nobody waits long after a
#: server came back.
OPEN_SECONDS: Final = 15.0


class Breaker:
    """Lets work through (closed), refuses it (open), or lets one through to see (half-open).

    ``failures`` failures in a row, no more than ``within_seconds`` from first to last, open it for
    ``open_seconds``. Then one piece of work is let through while all others are still refused:
    its success closes the breaker, its failure opens it again. Only AssistantUnavailable counts,
    also inside an AttemptFailed: an answer that cannot be used is an answer, and a cancelled call
    says nothing, nor does one that waited for its turn in vain. What began before the breaker
    opened or closed does not count afterwards.

    One per server and key, in one event loop. ``monotonic``: seconds. ``name`` is for the log.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures: int = FAILURES,
        within_seconds: float = WITHIN_SECONDS,
        open_seconds: float = OPEN_SECONDS,
        name: str = "model",
    ) -> None:
        self._monotonic = monotonic
        self._within = within_seconds
        self._open_seconds = open_seconds
        self._name = name
        #: When the last failures in a row happened.
        self._failed: deque[float] = deque(maxlen=failures)
        #: Until when nothing is let through; None while closed.
        self._open_until: float | None = None
        self._probing = False
        #: Rises when the breaker opens or closes, so that work of an earlier time is known.
        self._era = 0

    @property
    def closed(self) -> bool:
        """Whether work is let through without limit."""
        return self._open_until is None

    def check(self) -> None:
        """Raises AssistantUnavailable("circuit_open") where :meth:`run` would; claims nothing."""
        if self._open_until is None:
            return
        if self._probing or self._monotonic() < self._open_until:
            of(MODEL_SECONDS, self._name, CIRCUIT_OPEN).observe(0.0)
            raise AssistantUnavailable(CIRCUIT_OPEN)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` returns or raises; AssistantUnavailable("circuit_open") without calling it.

        ``work`` has to end by itself: while a half-open breaker waits for it, nothing else goes.
        """
        self.check()
        probe = self._open_until is not None
        if probe:
            self._probing = True
        era, began, outcome = self._era, time.perf_counter(), "given_up"
        try:
            result = await work()
            outcome = "done"
        except Exception as error:
            outcome = outcome_of(_inner(error))
            if era == self._era and not _never_called(error):
                self._judge(unavailable=_unavailable(error), probe=probe)
            raise
        else:
            if era == self._era:
                self._judge(unavailable=False, probe=probe)
            return result
        finally:
            of(MODEL_SECONDS, self._name, outcome).observe(time.perf_counter() - began)
            if probe:
                self._probing = False

    def _judge(self, *, unavailable: bool, probe: bool) -> None:
        if not unavailable:
            self._failed.clear()
            if probe:
                self._open_until = None
                self._era += 1
                of(BREAKERS_OPEN, self._name).dec()
                _log.info("circuit_closed", name=self._name)
            return
        now = self._monotonic()
        self._failed.append(now)
        full = len(self._failed) == self._failed.maxlen
        if probe or (full and now - self._failed[0] <= self._within):
            self._failed.clear()
            if self.closed:
                of(BREAKERS_OPEN, self._name).inc()
            of(BREAKERS_OPENED, self._name).inc()
            self._open_until = now + self._open_seconds
            self._era += 1
            _log.warning("circuit_opened", name=self._name, seconds=self._open_seconds)


def _unavailable(error: Exception) -> bool:
    return isinstance(_inner(error), AssistantUnavailable)


def _never_called(error: Exception) -> bool:
    inner = _inner(error)
    return isinstance(inner, AssistantUnavailable) and inner.reason == Reason.PACED


def _inner(error: Exception) -> Exception:
    return error.error if isinstance(error, AttemptFailed) else error
