"""One send: claimed, written, and its outcome recorded."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from publishers.book import LedgerBook
from publishers.lane import Lane
from publishers.reconcile import (
    WINDOW_CLOSED,
    evidence_since_ms,
    matching_echo,
    retry_seconds,
)
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import (
    GraphError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.instagram.graph_errors import stops_account
from vestlus.instagram.port import Messaging
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.port import Ledger
from vestlus.store.rows import SendRow, TransitionResult

_log = structlog.get_logger(__name__)

#: Gives the seconds that remain of the lease, by the monotonic clock; 0 or less when it is over.
LeaseRemaining = Callable[[], float]

#: How much later than the client's own timeout a request is cut off here. The client knows
#: whether it had written anything, and is let speak first; the lease's margin has room for it.
GUARD_SECONDS = 0.5


@dataclass(slots=True)
class Notes:
    """What this process knows of an unfinished row beyond the ledger; losing it loses time only."""

    #: Answers of Graph's that said "not done, try again".
    not_sent: int = 0
    #: When the last request was given up as ambiguous, milliseconds since 1970.
    gave_up_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """What an outcome makes of a row."""

    after: SendState
    due_ms: int = 0
    sent_mid: str | None = None
    reason: str = ""


class Sender:
    """Sends rows that hold a rate token.

    A row becomes SENDING before its request is written and leaves that state when the outcome is
    known, so that a kill at any moment leaves either an untouched PENDING row or an ambiguous
    one. Every error of the Graph API has its consequence in :meth:`_consequence`.
    """

    def __init__(
        self,
        *,
        book: LedgerBook,
        ledger: Ledger,
        messaging: Messaging,
        lease_remaining: LeaseRemaining,
        clock: Clock,
        rules: SendingRules,
        tally: Tally,
        chance: random.Random,
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._messaging = messaging
        self._lease_remaining = lease_remaining
        self._clock = clock
        self._rules = rules
        self._tally = tally
        self._chance = chance
        #: By row id, while the row is unfinished.
        self.notes: dict[str, Notes] = {}

    def lease_suffices(self) -> bool:
        """Whether a request begun now would end while the lease is certainly held."""
        needed = self._rules.request_seconds + self._rules.lease_margin_seconds
        return self._lease_remaining() > needed

    async def expire(self, row: SendRow) -> None:
        """Gives up a row whose window closed before it could be sent. Raises LeaseLost."""
        await self._record(row, _Step(SendState.DEAD, reason=WINDOW_CLOSED))

    async def doubt(self, row: SendRow) -> None:
        """Makes a row ambiguous that is SENDING although no task sends it. Raises LeaseLost."""
        await self._record(row, self._ambiguous(row, "claim_in_doubt", self._clock()))

    async def send(self, row: SendRow, lane: Lane) -> None:
        """Takes one due row through one attempt. Raises LeaseLost.

        ``lane.unwritten`` counts the row until its request is written or given back.
        """
        claimed: SendRow | None = None
        try:
            late_echo = await self._late_echo(row) if row.resends else None
            if await self._book.step(row, SendState.SENDING) is not TransitionResult.DONE:
                return
            claimed = replace(row, state=SendState.SENDING)
            if late_echo:
                step = _Step(SendState.SENT, sent_mid=late_echo)
            else:
                blocked = await self._blocked(claimed, lane)
                step = blocked or _Step(SendState.SENDING)
        finally:
            lane.unwritten -= 1
            lane.changed.set()
        if step.after is SendState.SENDING:
            step = await self._attempt(claimed, lane)
        await self._record(claimed, step)

    async def _late_echo(self, row: SendRow) -> str | None:
        """An echo of the first attempt that came after its absence seemed proven."""
        since = evidence_since_ms(row, self._rules)
        echoes = await until_available(
            lambda: self._ledger.unclaimed_echoes(row.conversation, since)
        )
        return matching_echo(row, echoes, self._rules)

    async def _blocked(self, row: SendRow, lane: Lane) -> _Step | None:
        """Waits for the moment to write, and says what to do instead if it must not be."""
        paced = await lane.budget.pace(self._rules.write_within_seconds)
        now_ms = self._clock()
        if now_ms > row.deadline_ms:
            return _Step(SendState.DEAD, reason=WINDOW_CLOSED)
        # The last look at the lease before the request: nothing awaits between here and the call.
        if paced and self.lease_suffices():
            return None
        self._tally.count("given_back")
        return _Step(SendState.PENDING, due_ms=now_ms)

    async def _attempt(self, row: SendRow, lane: Lane) -> _Step:
        try:
            async with asyncio.timeout(self._rules.request_seconds + GUARD_SECONDS):
                mid = await self._messaging.send_text(row.account, row.user, row.text)
        except TimeoutError:
            return self._consequence(row, lane, OutcomeUnknown("timeout"))
        except GraphError as error:
            return self._consequence(row, lane, error)
        except Exception as error:  # noqa: BLE001 - whatever it was, bytes may have been written
            _log.error("send_failed_unexpectedly", ledger_id=row.id, error=type(error).__name__)
            return self._consequence(row, lane, OutcomeUnknown("unexpected"))
        if not mid:
            return self._consequence(row, lane, OutcomeUnknown("no_message_id"))
        lane.answered()
        return _Step(SendState.SENT, sent_mid=mid)

    def _consequence(self, row: SendRow, lane: Lane, error: GraphError) -> _Step:
        """What each kind of Graph error means for its row and for its account."""
        now_ms = self._clock()
        match error:
            case Throttled():
                self._tally.count("throttled")
                _log.warning("account_throttled", account=row.account, seconds=error.retry_after)
                lane.stop(error.retry_after)
                return _Step(SendState.PENDING, due_ms=now_ms + round(error.retry_after * 1000))
            case NotSent(code=0):
                # It reached nobody, which is not the row's fault: only its window ends it.
                wait = lane.stop_unreachable()
                _log.warning("graph_not_reached", account=row.account, reason=error.reason)
                return _Step(SendState.PENDING, due_ms=now_ms + round(wait * 1000))
            case NotSent():
                lane.answered()
                return self._not_sent(row, error, now_ms)
            case TokenRejected() | Refused() if stops_account(error):
                # Nothing is wrong with the row, and the next one would fare no better.
                self._tally.stopped(row.account, error)
                lane.stop(self._rules.token_probe_seconds)
                due_ms = now_ms + round(self._rules.token_probe_seconds * 1000)
                return _Step(SendState.PENDING, due_ms=due_ms)
            case Refused():
                lane.answered()
                return _Step(SendState.DEAD, reason=error.reason)
            case _:
                lane.ambiguous()
                return self._ambiguous(row, error.reason, now_ms)

    def _not_sent(self, row: SendRow, error: NotSent, now_ms: int) -> _Step:
        notes = self.notes.setdefault(row.id, Notes())
        notes.not_sent += 1
        if notes.not_sent >= self._rules.not_sent_attempts:
            return _Step(SendState.DEAD, reason=error.reason)
        wait = retry_seconds(self._rules.retry_seconds, notes.not_sent, self._rules)
        wait *= self._chance.uniform(0.5, 1.0)
        return _Step(SendState.PENDING, due_ms=now_ms + round(wait * 1000))

    def _ambiguous(self, row: SendRow, reason: str, now_ms: int) -> _Step:
        _log.warning("send_ambiguous", ledger_id=row.id, account=row.account, reason=reason)
        self.notes.setdefault(row.id, Notes()).gave_up_ms = now_ms
        due_ms = now_ms + round(self._rules.first_look_seconds * 1000)
        return _Step(SendState.LOOKING, due_ms=due_ms)

    async def _record(self, row: SendRow, step: _Step) -> None:
        result = await self._book.step(
            row, step.after, due_ms=step.due_ms, sent_mid=step.sent_mid, reason=step.reason
        )
        if result is TransitionResult.MID_TAKEN:
            # One Graph message proves one row, and this one already proves another: whether
            # there is a message for this row too is for a look to tell. Not documented of Meta
            # to happen, hence loud.
            _log.error("message_id_taken", ledger_id=row.id, account=row.account)
            step = self._ambiguous(row, "mid_taken", self._clock())
            await self._book.step(row, step.after, due_ms=step.due_ms)
        elif step.after is SendState.DEAD:
            _log.warning("send_given_up", ledger_id=row.id, account=row.account, reason=step.reason)
        if step.after in FINISHED:
            self.notes.pop(row.id, None)
