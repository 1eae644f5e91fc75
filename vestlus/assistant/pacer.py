"""Calls of the model wait here for their turn, so that the key's limits are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

import structlog

from vestlus.assistant.failures import Reason
from vestlus.assistant.pace import Call, Pace
from vestlus.assistant.pace_line import Asker, PaceLine, Waiting
from vestlus.assistant.ratelimits import read_limits
from vestlus.errors import AssistantUnavailable

_log = structlog.get_logger(__name__)

#: Who waits is looked at again at the latest after this time: the number of those who share the
#: key may have changed.
_LOOK_AGAIN_SECONDS: Final = 1.0

#: Waits shorter than this are not worth a line in the log.
_WORTH_TELLING_SECONDS: Final = 5.0


#: Answers that wait for one key and model in one process: an eighth of the 2,000 turns that it has
#: places for, each of which keeps one, so that keys that are too small do not hold up the others.
MOST_WAITING: Final = 250

#: Who finds no room is told to come again after this time at the latest.
_COME_AGAIN_SECONDS: Final = 60.0


@dataclass(slots=True)
class PacerCounts:
    """What happened since the start, and what waits."""

    calls: int = 0
    waited: int = 0
    refused: int = 0


class Pacer:
    """The line before one model with one key, in one event loop.

    Who waits, and in which order: see PaceLine. ``sharers``: how many processes use the key;
    ``most``: answers that may wait. ``monotonic``: the event loop's clock, seconds.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        random: Random,
        sharers: Callable[[], int],
        *,
        name: str = "model",
        most: int = MOST_WAITING,
    ) -> None:
        self._monotonic = monotonic
        self._sharers = sharers
        self._name = name
        self._pace = Pace(random)
        self._line = PaceLine(most)
        #: When the one who found no room last is to come again.
        self._come_again = 0.0
        self._timer: asyncio.TimerHandle | None = None
        #: What a call weighed of late.
        self.usual_tokens = 0.0
        self.counts = PacerCounts()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._line)

    def turns(self, asker: Asker) -> Turns:
        """What one answer's calls go through."""
        return Turns(self, asker)

    async def go(self, asker: Asker, tokens: float) -> Call:
        """Returns when a call may go out, and counts it: :meth:`done` has to follow.

        Raises AssistantUnavailable("paced") when it may not by ``until``, or has no room to wait.
        Safe to cancel.
        """
        if not len(self):
            now = self._monotonic()
            if not self._pace.wait(now, tokens, self._share(), later=asker.later):
                return self._sent(now, tokens)
        goes: asyncio.Future[Call | None] = asyncio.get_running_loop().create_future()
        waiting = Waiting(tokens, asker, goes)
        self._line.put(waiting)
        self.counts.waited += 1
        self._pump()
        began = self._monotonic()
        try:
            async with asyncio.timeout(max(0.0, asker.until - began)):
                call = await goes
        except BaseException as error:
            if goes.done() and not goes.cancelled() and goes.result() is not None:
                self.done()  # it was let go in the moment in which nobody wanted it any more
            goes.cancel()
            self._line.leave(waiting)
            self._pump()
            if isinstance(error, TimeoutError):
                raise self._paced() from None
            raise
        if call is None:
            raise self._paced()
        if (took := self._monotonic() - began) >= _WORTH_TELLING_SECONDS:
            _log.info("model_paced", name=self._name, seconds=round(took, 1), waiting=len(self))
        return call

    def heard(
        self,
        call: Call,
        headers: Mapping[str, str],
        *,
        refused: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """The provider answered the call with these headers. See :meth:`Pace.heard`."""
        limits = read_limits(headers)
        now = self._monotonic()
        self._pace.heard(call, now, limits, refused=refused, retry_after=retry_after)
        self.counts.refused += int(refused)

    def done(self) -> None:
        """A call that went out is over, whatever became of it."""
        self._pace.done()
        if len(self):
            self._pump()

    def weighed(self, call: Call, tokens: float, more: float) -> None:
        """The call has so many tokens, which is so many more than it was let go for."""
        usual = self.usual_tokens
        self.usual_tokens = usual + (tokens - usual) / 10 if usual else tokens
        self._pace.weighed(call, more)

    def _share(self) -> float:
        return 1 / max(1, self._sharers())

    def _sent(self, now: float, tokens: float) -> Call:
        self.counts.calls += 1
        return self._pace.sent(now, tokens)

    def _paced(self) -> AssistantUnavailable:
        """For who waited in vain. They come again one after the other, at the pace of the limit
        where that is known, and not before half of those who wait now have gone.
        """
        now, gap = self._monotonic(), self._pace.gap
        soonest = now + gap * len(self) / 2
        self._come_again = min(max(self._come_again, soonest) + gap, now + _COME_AGAIN_SECONDS)
        again = self._come_again - now if gap else 0.0
        return AssistantUnavailable(Reason.PACED.value, again)

    def _pump(self) -> None:
        """Lets go whoever may, and looks again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (first := self._line.first()) is not None:
            now = self._monotonic()
            wait = self._pace.wait(
                now, first.tokens, self._share(), waited=True, later=first.asker.later
            )
            if wait > 0:
                # Never at once again: the clock may stand still for an instant.
                again = min(max(wait, 0.001), _LOOK_AGAIN_SECONDS)
                self._timer = asyncio.get_running_loop().call_later(again, self._pump)
                return
            self._line.take()
            first.goes.set_result(self._sent(now, first.tokens))


class Turns:
    """The calls for one answer, one after the other."""

    def __init__(self, pacer: Pacer, asker: Asker) -> None:
        self._pacer = pacer
        self._asker = asker
        #: A call that may go out, and for how many tokens.
        self._ahead: tuple[Call, float] | None = None

    async def ready(self) -> None:
        """Waits for the next call's turn, which then goes out without waiting; to be closed.

        So that the time limit of an attempt does not run while it waits. Raises
        AssistantUnavailable("paced").
        """
        if self._ahead is None:
            tokens = self._pacer.usual_tokens
            self._ahead = await self._pacer.go(self._asker, tokens), tokens

    def close(self) -> None:
        """No call follows. Safe to call twice."""
        if self._ahead is not None:
            self._ahead = None
            self._pacer.done()

    @asynccontextmanager
    async def call(self, tokens: float) -> AsyncIterator[Heard]:
        """Waits for a call's turn; the call is made within. Raises as :meth:`ready`."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            call = await self._pacer.go(self._asker, tokens)
        else:
            call = ahead[0]
            self._pacer.weighed(call, tokens, tokens - ahead[1])
        try:
            yield Heard(self._pacer, call)
        finally:
            self._pacer.done()


@dataclass(frozen=True, slots=True)
class Heard:
    """Is told what the provider answered to a call."""

    _pacer: Pacer
    _call: Call

    def __call__(
        self,
        headers: Mapping[str, str],
        /,
        *,
        refused: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """See :meth:`Pacer.heard`."""
        self._pacer.heard(self._call, headers, refused=refused, retry_after=retry_after)
