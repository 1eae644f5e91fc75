"""The assistant is asked, and what follows where it gives no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from vestlus import tracing
from vestlus.assistant.port import Assistant, Question
from vestlus.clock import Clock
from vestlus.conversation.reply import Reply
from vestlus.conversation.turn import AfterFailure, FailurePolicy
from vestlus.errors import AssistantError, AssistantUnavailable
from vestlus.hosting.answers import Answers
from vestlus.hosting.composing import Answer, Burst
from vestlus.hosting.courtesy import Courtesy
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.turn_counts import TurnCounts
from vestlus.log_errors import place_of
from vestlus.measuring.catalogue import TURN_SECONDS, of
from vestlus.measuring.timing import timed
from vestlus.store.port import Turns
from vestlus.store.trail import Moment

_log = structlog.get_logger(__name__)

#: Commits an answer to a burst, on the conversation's version.
Commit = Callable[[Mailbox, Burst, Answer, int], Awaitable[None]]


class Asking:
    """Asks for one turn at a time of each mailbox. ``commit`` is for apologies: what is said when
    no answer can be given any more.
    """

    def __init__(
        self,
        *,
        store: Turns,
        assistant: Assistant,
        answers: Answers,
        courtesy: Courtesy,
        clock: Clock,
        failure: FailurePolicy,
        counts: TurnCounts,
        commit: Commit,
    ) -> None:
        self._store = store
        self._assistant = assistant
        self._answers = answers
        self._courtesy = courtesy
        self._clock = clock
        self._failure = failure
        self.counts = counts
        self._commit = commit

    async def answer(self, box: Mailbox, burst: Burst) -> Answer | None:
        """The assistant's answer; ``None`` when there is none, and what follows was seen to."""
        known = box.known
        box.asked_since_ms = box.asked_since_ms or monotonic_ms()
        before = known.usage, box.asked
        known.usage, box.asked = known.usage.counted(self._clock()), True
        question = Question(
            account=box.account,
            user=box.user,
            history=tuple(box.history),
            messages=burst.asked,
            now_ms=self._clock(),
            summary=known.summary,
            pictures_sent=known.pictures,
            language=known.language,
            traceparent=burst.traceparent,
            asked_since=box.asked_since_ms / 1000,
        )
        try:
            reply = await self._think(box, question)
        except AssistantError as error:
            passing = isinstance(error, AssistantUnavailable)
            if passing:  # an outage is not at the user's expense
                known.usage, box.asked = before
            again = error.again_seconds if isinstance(error, AssistantUnavailable) else 0.0
            await self._after_failure(box, burst, error.reason, passing=passing, again=again)
            return None
        except Exception as error:  # noqa: BLE001 - a fault in one answer must not stop the others
            _log.error("answer_broke", conversation=box.id, place=place_of(error))
            await self._after_failure(box, burst, "internal_error")
            return None
        if reply is None:
            tracing.current().note(turn__outcome="called_off")
            return None
        return self._answers.answer(box, burst, reply, self._clock())

    @timed(of(TURN_SECONDS, "thinking"))
    async def _think(self, box: Mailbox, question: Question) -> Reply | None:
        """The reply, or ``None`` when something newer came and it was cancelled."""
        box.thinking = asyncio.create_task(self._assistant.reply(question), name="thinking")
        signs = asyncio.create_task(self._courtesy.show(box.account, box.user), name="signs")
        signs.add_done_callback(_signed)
        self.counts.thinking += 1
        try:
            await asyncio.wait({box.thinking})
            if box.thinking.cancelled():
                return None
            return box.thinking.result()
        finally:
            self.counts.thinking -= 1
            box.thinking.cancel()
            box.thinking = None
            signs.cancel()

    async def _after_failure(
        self,
        box: Mailbox,
        burst: Burst,
        reason: str,
        *,
        passing: bool = False,
        again: float = 0.0,
    ) -> None:
        self.counts.failure(box.account, passing=passing)
        if passing:
            box.outages += 1
        else:
            box.failures += 1
        tries = box.outages if passing else box.failures
        tracing.current().fail(reason)
        _log.warning("answer_failed", conversation=box.id, reason=reason, tries=tries)
        action, wait = self._answers.failure_policy(box.account, self._failure).decide(
            tries,
            passing=passing,
            waited_ms=monotonic_ms() - (box.asked_since_ms or monotonic_ms()),
        )
        if action is AfterFailure.GIVE_UP:
            answer = self._answers.apology(box, burst, reason, self._clock())
            await self._commit(box, burst, answer, box.version)
            return
        if again:  # whoever is asked knows better than what is doubled each time
            wait = max(self._failure.first_wait_ms, round(again * 1000))
        box.wake_ms, box.restarts, box.urgent = self._clock() + wait, 0, False
        await self._store.postpone(
            box.lease,
            box.id,
            wake_ms=box.wake_ms,
            failures=box.failures,
            moment=Moment(self._clock(), "not_answered", reason),
        )


def _signed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("sign_failed", place=place_of(error))


def monotonic_ms() -> int:
    """The event loop's clock."""
    return round(asyncio.get_running_loop().time() * 1000)
