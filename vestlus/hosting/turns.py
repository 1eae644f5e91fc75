"""A turn: waiting for the rest of a burst, thinking, committing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import structlog

from vestlus import tracing
from vestlus.assistant.port import Assistant
from vestlus.backoff import Backoff, until_available, wait_at_most
from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.conversation.turn import answer_at, may_restart
from vestlus.conversation.window import window_end_ms
from vestlus.errors import (
    ConversationGone,
    LeaseLost,
    StoreUnavailable,
)
from vestlus.finishing import to_its_end
from vestlus.hosting.answers import Answers
from vestlus.hosting.asking import Asking, monotonic_ms
from vestlus.hosting.commits import TurnCommits
from vestlus.hosting.composing import Answer, Burst, Erase, PutOff, turn_of, written_ms
from vestlus.hosting.courtesy import Courtesy
from vestlus.hosting.gathering import Gathering
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.stages import turn as turn_span
from vestlus.hosting.summaries import Summaries
from vestlus.hosting.turn_counts import TurnCounts
from vestlus.hosting.turn_parts import Eraser, HandedOver, Loader, SuspectGap, TurnPolicies
from vestlus.log_context import About
from vestlus.measuring.catalogue import TURN_SECONDS, of
from vestlus.measuring.timing import timed
from vestlus.store.port import Turns
from vestlus.store.rows import CommitResult, TurnCommit

_log = structlog.get_logger(__name__)

#: How long closing waits for commits and erasures of turns that were stopped, seconds: a database
#: that is away has them tried again and again.
LAST_COMMITS_SECONDS: Final = 3.0


class Conversing:
    """Answers one conversation until nothing in it is unanswered and due.

    One :meth:`run` at a time per mailbox: its host sees to that. Rivals at every ``await``: the
    host adds events to the mailbox, and cancels ``mailbox.thinking`` through :meth:`heard` or
    :meth:`Mailbox.outdated`. ``handed_over`` is told of each committed hand-over.
    """

    def __init__(
        self,
        *,
        store: Turns,
        load: Loader,
        commits: TurnCommits,
        assistant: Assistant,
        answers: Answers,
        courtesy: Courtesy,
        suspect_gap: SuspectGap,
        summaries: Summaries,
        clock: Clock,
        policies: TurnPolicies,
        handed_over: Callable[[HandedOver], None],
        eraser: Eraser | None = None,
    ) -> None:
        self._eraser = eraser
        self._store = store
        self._load = load
        self._commits = commits
        self._answers = answers
        self._gathering = Gathering(
            store=store, answers=answers, suspect_gap=suspect_gap, clock=clock
        )
        self._summaries = summaries
        self._clock = clock
        self._policies = policies
        self._handed_over = handed_over
        self.counts = TurnCounts()
        #: Commits and erasures, with what follows them.
        self._under_way: set[asyncio.Task[Any]] = set()
        self._asking = Asking(
            store=store,
            assistant=assistant,
            answers=answers,
            courtesy=courtesy,
            clock=clock,
            failure=policies.failure,
            counts=self.counts,
            commit=self._commit,
        )

    def heard(self, box: Mailbox, event: Event) -> None:
        """Something newer is in the mailbox: cancels the answer under way, if it still may.

        What needs no model waits for none: neither for one that is away nor for one that thinks.
        """
        urgent = self._answers.is_urgent(box.account, event.text)
        if urgent:
            box.urgent, box.wake_ms = True, 0
        if box.news is not None:
            box.news.set()
        if box.thinking is None or box.thinking.done() or box.full:
            return
        since = box.asked_since_ms
        if urgent or may_restart(box.restarts, since, monotonic_ms(), self._policies.restart):
            box.restarts += 1
            self.counts.restart(box.account)
            box.thinking.cancel()

    async def close(self) -> None:
        """Lets what is under way end, for some seconds; no mailbox may run any more."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=LAST_COMMITS_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def run(self, box: Mailbox) -> None:
        """Answers what is unanswered. Returns early when the next try is due later: see
        ``due_ms``. Raises LeaseLost.
        """
        backoff = Backoff()
        while True:
            try:
                if not box.loaded:
                    await self._fill(box)
                box.awake(self._clock())
                if not box.unanswered or box.due_ms > self._clock():
                    return
                await self._burst(box)
                await self._turn(box)
            except StoreUnavailable:
                _log.warning("store_not_reachable", conversation=box.id)
                await backoff.wait()
            except ConversationGone:
                # Erased while it was being answered; what the user wrote since is in the store.
                box.erased()
            else:
                backoff.reset()

    async def _fill(self, box: Mailbox) -> None:
        known = frozenset(box.unanswered)
        # Said beforehand: whoever wants it read again while the store answers takes it back, and
        # what comes meanwhile is kept.
        box.loaded, more, box.more = True, box.more, False
        try:
            row = await self._load(box.id)
        except BaseException:
            box.loaded, box.more = False, box.more or more
            raise
        if row is None:
            _log.info("conversation_gone", conversation=box.id)
            for seq in known:
                box.unanswered.pop(seq, None)
                box.taken_in.pop(seq, None)
            # What came meanwhile is of a conversation that began anew.
            box.loaded = not box.unanswered
            return
        box.fill(row, known)

    @timed(of(TURN_SECONDS, "waiting"))
    async def _burst(self, box: Mailbox) -> None:
        box.news = asyncio.Event()
        until = monotonic_ms() + self._policies.burst.longest_ms
        try:
            while not box.more:
                box.news.clear()
                arrivals = [(box.taken_in[seq], event) for seq, event in box.unanswered.items()]
                left = answer_at(arrivals, self._policies.burst) - self._clock()
                # By a clock that was put back, the burst would have hours left.
                left = min(left, until - monotonic_ms())
                if left <= 0:
                    return
                await wait_at_most(box.news, left / 1000)
        finally:
            box.news = None

    async def _turn(self, box: Mailbox) -> None:
        if box.is_stale():  # something changed while the burst was waited for
            return
        version = box.version
        burst = await self._gathering.first(box)
        if box.is_stale() or box.unanswered.keys() < set(burst.seqs):
            return
        answer = self._answers.without_asking(box, burst, self._clock())
        if isinstance(answer, int):
            # Before others are looked at: what comes meanwhile ends the wait.
            box.silent_ms, box.asked_since_ms = answer, 0
            try:
                ahead = await self._gathering.ahead(box, burst)
            except BaseException:
                box.silent_ms = 0
                raise
            if ahead is None:
                await self._absolve(box)
            else:
                box.silent_ms = 0
                if box.is_stale() or box.version != version:
                    return
                burst, answer = ahead
        span = turn_span(box, burst)
        with About(events=burst.events, traceparent=span.traceparent), span:
            traced = replace(burst, traceparent=span.traceparent)
            await self._answered(box, traced, answer, version)

    async def _answered(
        self, box: Mailbox, burst: Burst, answer: Answer | Erase | int | None, version: int
    ) -> None:
        """Carries out what was decided without asking; ``None`` has the assistant asked."""
        if isinstance(answer, Erase):
            put_off = None
            if self._eraser is not None:
                put_off = await self._erase(box, burst, answer.text)
                if put_off is None:
                    return
            answer = self._answers.erased_by_people(box, burst, self._clock(), put_off)
        if isinstance(answer, int):
            return
        if answer is None and window_end_ms(written_ms(box, burst)) <= self._clock():
            # Nothing may be sent any more: whoever looks finds it among the dead letters.
            await self._give_up(box, "window_closed")
            return
        if answer is None:
            answer = await self._asking.answer(box, burst)
        if answer is not None:
            await self._commit(box, burst, answer, version)

    async def _absolve(self, box: Mailbox) -> None:
        """Its turn came to its end, which is that it waits: it has killed nobody. In the store it
        may look as if it were due, and each owner that takes it over and waits would count.
        """
        if box.probes:
            await until_available(partial(self._store.absolve, box.lease, box.id))
            box.takeovers = box.probes = 0

    async def _erase(self, box: Mailbox, burst: Burst, text: str) -> PutOff | None:
        """Erases the user: what is confirmed is done though its host stops."""
        assert self._eraser is not None  # noqa: S101 - the caller has looked
        deadline_ms = window_end_ms(written_ms(box, burst))
        erasing = self._erase_and_count(self._eraser, box.account, box.user, text, deadline_ms)
        put_off = await to_its_end(erasing, self._under_way)
        if put_off is None:
            box.erased()
        return put_off

    async def _erase_and_count(
        self, erase: Eraser, account: str, user: str, text: str, deadline_ms: int
    ) -> PutOff | None:
        """Counts here: word of the erasure comes over the bus too, and stops the turn."""
        put_off = await erase(account, user, text, deadline_ms)
        if put_off is None:
            self.counts.erase(account)
        return put_off

    @timed(of(TURN_SECONDS, "committing"))
    async def _commit(self, box: Mailbox, burst: Burst, answer: Answer, version: int) -> None:
        """Commits: a turn that is decided is not half done because its host stops."""
        if box.asked and answer.after.usage is None:
            answer = replace(answer, after=replace(answer.after, usage=box.known.usage))
        turn = turn_of(box, burst, answer, version=version, now_ms=self._clock())
        with tracing.here("commit"):
            result = await to_its_end(self._commit_and_count(box, turn, answer), self._under_way)
        tracing.current().note(turn__outcome=str(result), turn__sends=len(turn.sends))
        match result:
            case CommitResult.REFUSED:
                await self._give_up(box, "not_storable")
            case CommitResult.LEASE_LOST:
                raise LeaseLost(turn.lease.name)

    async def _commit_and_count(
        self, box: Mailbox, turn: TurnCommit, answer: Answer
    ) -> CommitResult:
        """Also of a mailbox that was stopped meanwhile, which nobody has any more: what is in the
        store is counted, and people are told of what waits for them there.
        """
        # Repeated while the database is away: the answer is there, and asking the model again
        # would cost more. The version makes a repeat of a commit that was done a conflict.
        result = await until_available(partial(self._commits.commit, turn))
        _log.debug("turn_committed", conversation=box.id, result=str(result))
        match result:
            case CommitResult.COMMITTED:
                box.answered(turn.answered, turn.history, turn.after)
                self._committed(box, turn.after.waiting_ms, answer)
            case CommitResult.CONFLICT:
                self.counts.conflict(box.account)
                box.loaded = False
        return result

    def _committed(self, box: Mailbox, waiting_ms: int | None, answer: Answer) -> None:
        self.counts.committed(box.account, answer, handed_over=bool(waiting_ms))
        if answer.limited:
            _log.info("user_limited", account=box.account, conversation=box.id)
        if waiting_ms:
            self._handed_over(
                HandedOver(
                    account=box.account,
                    conversation=box.id,
                    note=box.known.note,
                    at_ms=waiting_ms,
                )
            )
        self._summaries.look(box)

    async def _give_up(self, box: Mailbox, reason: str) -> None:
        _log.error("turn_given_up", conversation=box.id, reason=reason)
        give_up = partial(
            self._store.give_up, box.lease, box.id, reason=reason, now_ms=self._clock()
        )
        self.counts.give_up(box.account, await until_available(give_up))
        box.forget()
