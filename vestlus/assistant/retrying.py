"""The one layer that retries requests to the model. The SDK's own is off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

import stamina

from vestlus.assistant.failures import AttemptFailed, Reason, outcome_of
from vestlus.assistant.refused_pasts import AskLess
from vestlus.errors import AssistantInvalid, AssistantUnavailable
from vestlus.measuring.catalogue import MODEL_ATTEMPTS, of

T = TypeVar("T")

#: Attempts in all, and the seconds in which they have to fit: a user waits about a minute for an
#: answer in a chat; after that the turn is put off and another one tries.
MAX_ATTEMPTS: Final = 4
TOTAL_SECONDS: Final = 60.0

#: Of one attempt, from the first byte out to the last byte in.
ATTEMPT_SECONDS: Final = 45.0

#: An attempt with less time than this would only be cut off.
_SHORTEST_ATTEMPT_SECONDS: Final = 2.0

_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 8.0
_JITTER_SECONDS: Final = 1.0

#: Output that cannot be used is asked for once more, no oftener: it costs as much as an answer.
_MAX_INVALID_RETRIES: Final = 1


class Retrying:
    """Makes attempts until one succeeds, within bounds of number and time.

    ``total_seconds`` and ``attempt_seconds`` bound all attempts and each. ``random`` spreads the
    waits that servers ask for, lest all turns that were refused together come back together.
    """

    def __init__(
        self,
        random: Random,
        *,
        total_seconds: float = TOTAL_SECONDS,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        self._random = random
        self._total_seconds = total_seconds
        self._attempt_seconds = attempt_seconds

    async def run(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """The first success. Raises the AssistantError of the last failure.

        ``attempt`` raises AttemptFailed; it is cancelled when its time is over. Before each one
        ``ready`` is waited for, which is no part of its time, and of the time of all only in that
        a late one may be the last; what it raises ends them. Cancelling this cancels the attempt.
        """
        if ready is not None:
            await ready()  # the time of all begins afterwards
        now = asyncio.get_running_loop().time
        policy = _Policy(deadline=now() + self._total_seconds, now=now, random=self._random)
        try:
            return await _within(attempt, min(self._attempt_seconds, self._total_seconds))
        except AttemptFailed as failed:
            first = failed
        return await self._repeated(attempt, ready, policy, first)

    async def _repeated(
        self,
        attempt: Callable[[], Awaitable[T]],
        ready: Callable[[], Awaitable[None]] | None,
        policy: _Policy,
        first: AttemptFailed,
    ) -> T:
        """The first success of the attempts after the first one.

        Nearly all questions need one attempt, and to set up what repeats it takes longer than to
        read an answer: so it is set up for the others, and begins with being told of the first.
        """
        failures = [first]
        try:
            async for one in stamina.retry_context(
                on=policy,
                attempts=MAX_ATTEMPTS,
                timeout=policy.left(),
                wait_initial=_FIRST_WAIT_SECONDS,
                wait_max=_LONGEST_WAIT_SECONDS,
                wait_jitter=_JITTER_SECONDS,
            ):
                with one:
                    if failures:
                        raise failures.pop()
                    await _until(ready, policy)
                    return await _within(attempt, min(self._attempt_seconds, policy.left()))
        except AttemptFailed as failed:
            raise failed.error from None
        message = "the last attempt returns or raises"
        raise AssertionError(message)


async def _until(ready: Callable[[], Awaitable[None]] | None, policy: _Policy) -> None:
    """Waits, beside the time that there is for attempts."""
    if ready is not None:
        began = policy.now()
        await ready()
        policy.prolong(policy.now() - began)


class _Policy:
    """Says of each failure whether, and after how many seconds, another attempt is made."""

    def __init__(self, *, deadline: float, now: Callable[[], float], random: Random) -> None:
        self._deadline = deadline
        self.now = now
        self._random = random
        self._invalid = 0

    def left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - self.now()

    def prolong(self, seconds: float) -> None:
        """Moves the deadline."""
        self._deadline += seconds

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, AttemptFailed) or not error.retry:
            return False
        if isinstance(error.error, AssistantInvalid) and not isinstance(error, AskLess):
            self._invalid += 1
            if self._invalid > _MAX_INVALID_RETRIES:
                return False
        left = self.left() - _SHORTEST_ATTEMPT_SECONDS
        if error.retry_after is None:
            return left > _LONGEST_WAIT_SECONDS
        # Never sooner than asked, up to a tenth and a quarter of a second later.
        wait = error.retry_after * (1 + self._random.random() / 10) + self._random.random() / 4
        return wait if wait <= left else False


async def _within(attempt: Callable[[], Awaitable[T]], seconds: float) -> T:
    outcome = "given_up"
    try:
        async with asyncio.timeout(seconds):
            result = await attempt()
    except TimeoutError:
        outcome = Reason.TIMEOUT
        raise AttemptFailed(AssistantUnavailable(Reason.TIMEOUT.value), retry=True) from None
    except AttemptFailed as failed:
        outcome = outcome_of(failed.error)
        raise
    else:
        outcome = "done"
        return result
    finally:
        of(MODEL_ATTEMPTS, outcome).inc()
