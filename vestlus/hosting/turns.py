"""A turn: waiting for the rest of a burst, thinking, committing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from vestlus.assistant.port import Assistant, Question
from vestlus.backoff import Backoff, until_available
from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.reply import Reply
from vestlus.conversation.splitting import split_text
from vestlus.conversation.transcript import as_history
from vestlus.conversation.turn import (
    AfterFailure,
    BurstPolicy,
    FailurePolicy,
    RestartPolicy,
    answer_at,
    in_meta_order,
    may_restart,
)
from vestlus.conversation.window import window_end_ms, written_at_ms
from vestlus.errors import AssistantError, AssistantUnavailable, LeaseLost, StoreUnavailable
from vestlus.hosting.commits import TurnCommits
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.places import place_of
from vestlus.store.port import Turns
from vestlus.store.rows import CommitResult, ConversationRow, NewSend, TurnCommit

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TurnPolicies:
    """How turns behave."""

    burst: BurstPolicy = field(default_factory=BurstPolicy)
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    failure: FailurePolicy = field(default_factory=FailurePolicy)


@dataclass(slots=True)
class TurnCounts:
    """What happened since the start of this process."""

    answered: int = 0
    restarted: int = 0
    conflicts: int = 0
    failed: int = 0
    given_up: int = 0
    thinking: int = 0


class Loader(Protocol):
    """Reads one conversation, together with others that are asked for at the same time."""

    async def __call__(self, conversation: str, /) -> ConversationRow | None:
        """``None`` when there is no such conversation."""
        ...


class Conversing:
    """Answers one conversation until nothing in it is unanswered and due.

    One :meth:`run` at a time per mailbox: its host sees to that. Rivals at every ``await``: the
    host adds events to the mailbox, and cancels ``mailbox.thinking`` through :meth:`heard`.
    """

    def __init__(
        self,
        *,
        store: Turns,
        load: Loader,
        commits: TurnCommits,
        assistant: Assistant,
        clock: Clock,
        policies: TurnPolicies,
    ) -> None:
        self._store = store
        self._load = load
        self._commits = commits
        self._assistant = assistant
        self._clock = clock
        self._policies = policies
        self.counts = TurnCounts()

    def heard(self, box: Mailbox) -> None:
        """Something newer is in the mailbox: cancels the answer under way, if it still may."""
        if box.news is not None:
            box.news.set()
        if box.thinking is None or box.thinking.done():
            return
        since = min(box.taken_in.values())
        if may_restart(box.restarts, since, self._clock(), self._policies.restart):
            box.restarts += 1
            self.counts.restarted += 1
            box.thinking.cancel()

    async def run(self, box: Mailbox) -> None:
        """Answers what is unanswered. Returns early when the next try is due later: see
        ``wake_ms``. Raises LeaseLost.
        """
        backoff = Backoff()
        while True:
            try:
                if not box.loaded:
                    await self._fill(box)
                if not box.unanswered or box.wake_ms > self._clock():
                    return
                await self._burst(box)
                await self._turn(box)
            except StoreUnavailable:
                _log.warning("store_not_reachable", conversation=box.id)
                await backoff.wait()
            else:
                backoff.reset()

    async def _fill(self, box: Mailbox) -> None:
        known = frozenset(box.unanswered)
        # Said beforehand: whoever wants it read again while the store answers takes it back.
        box.loaded = True
        try:
            row = await self._load(box.id)
        except BaseException:
            box.loaded = False
            raise
        if row is None:
            _log.error("conversation_without_a_row", conversation=box.id)
            box.unanswered.clear()
            box.taken_in.clear()
            return
        box.fill(row, known)

    async def _burst(self, box: Mailbox) -> None:
        box.news = asyncio.Event()
        try:
            while True:
                box.news.clear()
                arrivals = [(box.taken_in[seq], event) for seq, event in box.unanswered.items()]
                left = answer_at(arrivals, self._policies.burst) - self._clock()
                if left <= 0:
                    return
                await _wait_at_most(box.news, left / 1000)
        finally:
            box.news = None

    async def _turn(self, box: Mailbox) -> None:
        seqs = tuple(box.unanswered)
        events = in_meta_order([box.unanswered[seq] for seq in seqs])
        asked = tuple(as_history(event) for event in events)
        now = self._clock()
        question = Question(
            account=box.account,
            user=box.user,
            history=tuple(box.history),
            messages=asked,
            now_ms=now,
            traceparent=events[-1].traceparent,
        )
        version = box.version
        try:
            reply = await self._think(box, question)
        except AssistantError as error:
            passing = isinstance(error, AssistantUnavailable)
            await self._after_failure(box, error.reason, passing=passing)
            return
        except Exception as error:  # noqa: BLE001 - a fault in one answer must not stop the others
            _log.error("answer_broke", conversation=box.id, place=place_of(error))
            await self._after_failure(box, "internal_error")
            return
        if reply is None:
            return
        answer = HistoryMessage(Role.ASSISTANT, reply.text, self._clock())
        turn = TurnCommit(
            lease=box.lease,
            conversation=box.id,
            version=version,
            answered=seqs,
            history=(*asked, answer),
            sends=self._sends(box, version, reply, seqs=seqs, events=events),
        )
        await self._commit(box, turn)

    async def _think(self, box: Mailbox, question: Question) -> Reply | None:
        """The reply, or ``None`` when something newer came and it was cancelled."""
        box.thinking = asyncio.create_task(self._assistant.reply(question), name="thinking")
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

    def _sends(
        self,
        box: Mailbox,
        version: int,
        reply: Reply,
        *,
        seqs: Sequence[int],
        events: Sequence[Event],
    ) -> tuple[NewSend, ...]:
        now = self._clock()
        written = max(
            written_at_ms(box.unanswered[seq].timestamp_ms, box.taken_in[seq]) for seq in seqs
        )
        texts = [piece for part in reply.parts for piece in split_text(part.text)]
        return tuple(
            NewSend(
                # The same turn always makes the same ids: a repeated commit writes nothing twice.
                id=f"{box.id}.{version}.{index}",
                account=box.account,
                user=box.user,
                conversation=box.id,
                position=version * _MOST_SENDS + index,
                text=text,
                answers=tuple(event.mid for event in events if event.mid),
                due_ms=now,
                deadline_ms=window_end_ms(written),
                traceparent=events[-1].traceparent,
            )
            for index, text in enumerate(texts)
        )

    async def _commit(self, box: Mailbox, turn: TurnCommit) -> None:
        """Commits, shielded: a turn that is decided is not half done because its host stops."""
        # Repeated while the database is away: the answer is there, and asking the model again
        # would cost more. The version makes a repeat of a commit that was done a conflict.
        commit = until_available(partial(self._commits.commit, turn))
        result = await asyncio.shield(commit)
        match result:
            case CommitResult.COMMITTED:
                self.counts.answered += 1
                box.answered(turn.answered, turn.history)
            case CommitResult.CONFLICT:
                self.counts.conflicts += 1
                box.loaded = False
            case CommitResult.REFUSED:
                await self._after_failure(box, "not_storable")
            case CommitResult.LEASE_LOST:
                raise LeaseLost(turn.lease.name)

    async def _after_failure(self, box: Mailbox, reason: str, *, passing: bool = False) -> None:
        self.counts.failed += 1
        if passing:
            box.outages += 1
        else:
            box.failures += 1
        tries = box.outages if passing else box.failures
        _log.warning("answer_failed", conversation=box.id, reason=reason, tries=tries)
        action, wait = self._policies.failure.decide(
            tries,
            passing=passing,
            waited_ms=self._clock() - min(box.taken_in.values()),
        )
        if action is AfterFailure.GIVE_UP:
            give_up = partial(
                self._store.give_up, box.lease, box.id, reason=reason, now_ms=self._clock()
            )
            self.counts.given_up += await until_available(give_up)
            box.forget()
            return
        box.wake_ms, box.restarts = self._clock() + wait, 0
        await self._store.postpone(box.lease, box.id, wake_ms=box.wake_ms, failures=box.failures)


#: Positions of one turn's sends; an answer never has as many pieces.
_MOST_SENDS = 1000


async def _wait_at_most(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
