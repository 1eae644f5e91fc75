"""One send: made ready, claimed, written, and its outcome recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from publishers.book import LedgerBook
from publishers.echo_evidence import EchoEvidence
from publishers.held import HeldRows
from publishers.human_agent import bears_human_agent
from publishers.lane import Lane
from publishers.measured import send_span
from publishers.outcome import Outcomes, Step, refuses_ids
from publishers.pictures import PICTURE_UNAVAILABLE, PictureDesk, ReadyPictures
from publishers.place import Place
from publishers.rate import CallKind
from publishers.reconcile import WINDOW_CLOSED
from publishers.rules import GUARD_SECONDS, SendingRules
from publishers.tally import Tally
from vestlus import tracing
from vestlus.clock import Clock
from vestlus.errors import GraphError, HeldBack, NotSent, OutcomeUnknown
from vestlus.instagram.port import Messaging
from vestlus.log_context import About
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.rows import Kind, SendRow, TransitionResult

_log = structlog.get_logger(__name__)

#: Gives the seconds that remain of the lease, by the monotonic clock; 0 or less when it is over.
LeaseRemaining = Callable[[], float]

#: A person answered since the send was decided.
PERSON_ANSWERED = "person_answered"

#: A wait for a picture's turn that is not worth another one in the queue, seconds.
_SHORT_WAIT = 0.5


class Sender:
    """Sends rows that hold a rate token.

    A row becomes SENDING before its request is written and leaves that state when the outcome is
    known, so that a kill at any moment leaves either an untouched PENDING row or an ambiguous
    one. Pictures are made ready before that: what goes wrong then puts no send in doubt. No
    request is written later than ``claim_lasts_seconds`` after the time that its row bears.
    """

    def __init__(
        self,
        *,
        book: LedgerBook,
        messaging: Messaging,
        desk: PictureDesk,
        outcomes: Outcomes,
        lease_remaining: LeaseRemaining,
        clock: Clock,
        monotonic: Callable[[], float],
        echoes: EchoEvidence,
        rules: SendingRules,
        tally: Tally,
    ) -> None:
        self._book = book
        self._messaging = messaging
        self._desk = desk
        self._outcomes = outcomes
        self._lease_remaining = lease_remaining
        self._clock = clock
        self._monotonic = monotonic
        self._echoes = echoes
        self._rules = rules
        self._tally = tally
        self._held = HeldRows(rules.held_seconds)

    def lease_suffices(self) -> bool:
        """Whether a request begun now would end while the lease is certainly held."""
        needed = self._rules.request_seconds + self._rules.lease_margin_seconds
        return self._lease_remaining() > needed

    async def expire(self, row: SendRow) -> None:
        """Gives up a row whose window closed before it could be sent. Raises LeaseLost."""
        self._held.free(row)
        await self._record(row, Step(SendState.DEAD, reason=WINDOW_CLOSED))

    async def doubt(self, row: SendRow) -> None:
        """Makes a row ambiguous that is SENDING although no task sends it. Raises LeaseLost."""
        await self._record(row, self._outcomes.ambiguous(row, "claim_in_doubt"))

    async def send(self, row: SendRow, lane: Lane) -> float | None:
        """Takes one due row through one attempt. Raises LeaseLost.

        ``None`` when the ledger is to be asked for its conversation's next row; else nothing has
        happened to the row, and it may be tried again after so many seconds.
        ``lane.unwritten`` counts the row until its request is written or given back.
        """
        place = Place(lane)
        about = About(account=row.account, mids=row.answers, traceparent=row.traceparent)
        try:
            with about, send_span(row):
                return await self._send(row, lane, place)
        finally:
            place.free()

    async def _send(self, row: SendRow, lane: Lane, place: Place) -> float | None:
        pictures: ReadyPictures | None = None
        # Of the first attempt, after its absence seemed proven.
        known = self._outcomes.of(row).claimed_at if row.resends else None
        late_echo = await self._echoes.mid_of(row, known) if row.resends else None
        if row.kind is Kind.PICTURES and not late_echo:
            ready = await self._ready(row, lane)
            if not isinstance(ready, ReadyPictures):
                return ready
            pictures = ready
        claimed_at = self._monotonic()
        place.lasts_until = claimed_at + self._rules.claim_lasts_seconds
        claim = await self._book.step(row, SendState.SENDING)
        if claim is TransitionResult.HELD:
            # An echo of the conversation is undetermined.
            self._tally.count("held")
            return self._held.hold(row)
        self._held.free(row)
        if claim is not TransitionResult.DONE:
            await self._not_claimed(row, claim)
            return None
        self._outcomes.of(row).claimed_at = claimed_at
        claimed = replace(row, state=SendState.SENDING)
        if late_echo:
            step = Step(SendState.SENT, sent_mid=late_echo)
        else:
            step = await self._attempt(claimed, lane, place, pictures)
        await self._record(claimed, step)
        return None

    async def _ready(self, row: SendRow, lane: Lane) -> ReadyPictures | float | None:
        """The row's pictures, ready to be sent; or what :meth:`send` is to return instead."""
        notes = self._outcomes.of(row)
        # An upload takes seconds, in which texts need not wait for this row's place.
        lane.unwritten -= 1
        lane.changed.set()
        try:
            if not notes.admitted:
                notes.admitted = True
                wait = lane.budget.reserve(CallKind.PICTURES)
                if wait > _SHORT_WAIT:
                    return wait
                await asyncio.sleep(wait)
            ready = await self._desk.ready(row, lane.budget, by_link=notes.by_link)
        finally:
            lane.unwritten += 1
        if ready is None:
            await self._record(row, Step(SendState.DEAD, reason=PICTURE_UNAVAILABLE))
            return None
        return ready if lane.may_claim() else 0.0

    async def _not_claimed(self, row: SendRow, result: TransitionResult) -> None:
        """The row is still as it was, or another's step was faster."""
        if result is TransitionResult.SILENCED:
            await self._record(row, Step(SendState.CANCELLED, reason=PERSON_ANSWERED))
        else:
            self._outcomes.notes.pop(row.id, None)

    async def _attempt(
        self, row: SendRow, lane: Lane, place: Place, pictures: ReadyPictures | None
    ) -> Step:
        error: GraphError
        try:
            async with asyncio.timeout(self._rules.request_seconds + GUARD_SECONDS):
                mid = await self._write(row, lane, place, pictures)
        except TimeoutError:
            # What its gate did not let go is not written any more either: the client was cancelled.
            error = OutcomeUnknown("timeout") if place.is_free else NotSent("timeout")
        except HeldBack:
            return self._held_back(row)
        except GraphError as told:
            error = told
        except Exception as defect:  # noqa: BLE001 - whatever it was, bytes may have been written
            _log.error("send_failed_unexpectedly", ledger_id=row.id, error=type(defect).__name__)
            error = OutcomeUnknown("unexpected")
        else:
            if mid:
                lane.answered()
                return Step(SendState.SENT, sent_mid=mid)
            error = OutcomeUnknown("no_message_id")
        if pictures is not None:
            self._outcomes.of(row).admitted = False
            if refuses_ids(error, pictures):
                await self._desk.forget(row.account, pictures.by_id)
        return self._outcomes.failed(row, lane, error, pictures)

    async def _write(
        self, row: SendRow, lane: Lane, place: Place, pictures: ReadyPictures | None
    ) -> str:
        # The one place that decides on the tag, by the row alone.
        human_agent = bears_human_agent(row, self._clock())
        kind = CallKind.PICTURES if pictures else CallKind.TEXT

        async def gate() -> bool:
            paced = await lane.budget.pace(self._rules.write_within_seconds, kind)
            now_ms = self._clock()
            # Nothing awaits between here and the request's first byte.
            goes = paced and self.lease_suffices() and now_ms <= row.deadline_ms
            goes = goes and self._monotonic() <= place.lasts_until
            goes = goes and bears_human_agent(row, now_ms) is human_agent
            if goes:
                place.free()
            return goes

        if pictures is None:
            return await self._messaging.send_text(
                row.account, row.user, row.text, human_agent=human_agent, gate=gate
            )
        return await self._messaging.send_pictures(
            row.account, row.user, pictures.pictures, human_agent=human_agent, gate=gate
        )

    def _held_back(self, row: SendRow) -> Step:
        """A claimed row of which nothing was written."""
        now_ms = self._clock()
        if now_ms > row.deadline_ms:
            return Step(SendState.DEAD, reason=WINDOW_CLOSED)
        self._tally.count("given_back")
        return Step(SendState.PENDING, due_ms=now_ms, reason="given_back")

    async def _record(self, row: SendRow, step: Step) -> None:
        tracing.current().note(send__outcome=str(step.after))
        if step.reason:
            tracing.current().note(send__reason=step.reason)
        result = await self._book.step(
            row, step.after, due_ms=step.due_ms, sent_mid=step.sent_mid, reason=step.reason
        )
        if result is TransitionResult.MID_TAKEN:
            # One Graph message proves one row, and this one already proves another: whether
            # there is a message for this row too is for a look to tell. Not documented of Meta
            # to happen, hence loud.
            _log.error("message_id_taken", ledger_id=row.id, account=row.account)
            step = self._outcomes.ambiguous(row, "mid_taken")
            await self._book.step(row, step.after, due_ms=step.due_ms, reason=step.reason)
        elif step.after is SendState.DEAD:
            _log.warning("send_given_up", ledger_id=row.id, account=row.account, reason=step.reason)
        _log.debug("send_step", ledger_id=row.id, after=str(step.after), reason=step.reason)
        if step.after in FINISHED:
            self._outcomes.notes.pop(row.id, None)
