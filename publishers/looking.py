"""Looking for ambiguous sends: echoes first, then the conversation itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from publishers.attempt import MetaClock
from publishers.book import LedgerBook
from publishers.echo_evidence import EchoEvidence
from publishers.lane import Lane
from publishers.look import Look
from publishers.notes import Notes
from publishers.rate import CallKind
from publishers.reconcile import (
    NOT_FOUND,
    WINDOW_CLOSED,
    Expired,
    Found,
    LookAgain,
    Resend,
    Unknowable,
    Verdict,
    half_matching_messages,
    judge_failure,
    judge_listing,
    matching_messages,
)
from publishers.rules import GUARD_SECONDS, SendingRules
from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import GraphError, Refused, Throttled, TokenRejected
from vestlus.instagram.graph_errors import stops_account
from vestlus.instagram.port import Messaging
from vestlus.store.ledger import SendState
from vestlus.store.port import Ledger
from vestlus.store.rows import SendRow, TransitionResult

_log = structlog.get_logger(__name__)


class Looker:
    """Gathers evidence on LOOKING rows and makes the step that it calls for.

    It changes nothing at Instagram, so that a kill at any moment costs a look and no more.
    """

    def __init__(
        self,
        *,
        book: LedgerBook,
        ledger: Ledger,
        messaging: Messaging,
        clock: Clock,
        monotonic: Callable[[], float],
        meta: MetaClock,
        echoes: EchoEvidence,
        rules: SendingRules,
        tally: Tally,
    ) -> None:
        self._monotonic = monotonic
        self._meta = meta
        self._echoes = echoes
        self._book = book
        self._ledger = ledger
        self._messaging = messaging
        self._clock = clock
        self._rules = rules
        self._tally = tally

    def look_for(self, row: SendRow, notes: Notes) -> Look:
        """A plan for a LOOKING row. ``notes`` have no times when an earlier holder sent it.

        Then nobody knows when that one gave up, only that it has by now. The row does not tell: it
        bears the time at which its claim was handed in, which a store that was away may have
        written much later, and which is by a clock that may have been put forward since.
        """
        now_ms = self._clock()
        gave_up_ms = now_ms if notes.gave_up_ms is None else notes.gave_up_ms
        begin_ms = max(row.due_ms, gave_up_ms)
        return Look(
            row=row,
            gave_up_ms=gave_up_ms,
            claimed_at=notes.claimed_at,
            echo_ms=begin_ms,
            read_ms=begin_ms,
            began_ms=now_ms,
            began=self._monotonic(),
        )

    async def check_echo(self, look: Look) -> bool:
        """Looks for the row's echo in the store; True when the row needs no more looking.

        Raises LeaseLost.
        """
        mid = await self._echoes.mid_of(look.row, look.claimed_at)
        look.echo_ms = self._clock() + round(self._rules.echo_seconds * 1000)
        return mid is not None and await self._conclude(look, Found(mid))

    async def read(self, look: Look, lane: Lane) -> bool:
        """Reads the conversation and concludes; True when the row needs no more looking.

        Needs a token of the Conversations API. Raises LeaseLost.
        """
        self._tally.count("looked")
        # A clock that is put forward must not make the settling time look over.
        began_ms = look.steady_ms(self._monotonic())
        put_by_ms = self._clock() - began_ms
        row = look.row
        try:
            async with asyncio.timeout(self._longest_look()):
                read = await self._messaging.recent_messages(row.account, row.user)
        except (GraphError, TimeoutError) as error:
            return await self._conclude(look, self._failed(look, lane, error))
        except Exception as error:  # noqa: BLE001 - one look must not end the others
            _log.error("look_failed_unexpectedly", ledger_id=row.id, error=type(error).__name__)
            return await self._conclude(look, self._failed(look, lane, error))
        look.failures = 0
        if read.told_ms is not None:
            self._meta.told(read.told_ms)
        attempt, listed = self._meta.attempt(row, look.claimed_at), read.messages
        candidates = {
            *matching_messages(row, attempt, listed, self._rules),
            *half_matching_messages(row, attempt, listed, self._rules),
        }
        claimed: frozenset[str] = frozenset()
        if candidates:
            claimed = await until_available(
                lambda: self._ledger.claimed_mids(row.account, candidates)
            )
        verdict = judge_listing(
            row,
            attempt,
            listed=listed,
            claimed=claimed,
            gave_up_ms=look.gave_up_ms,
            read_ms=began_ms,
            rules=self._rules,
        )
        if isinstance(verdict, LookAgain):
            verdict = LookAgain(read_ms=verdict.read_ms + put_by_ms)
        if not isinstance(verdict, Found | LookAgain) and await self.check_echo(look):
            # It came while the conversation was read.
            return True
        return await self._conclude(look, verdict)

    def _longest_look(self) -> float:
        return self._rules.calls_per_look * self._rules.request_seconds + GUARD_SECONDS

    def _failed(self, look: Look, lane: Lane, error: Exception) -> Verdict:
        now_ms = self._clock()
        match error:
            case Throttled():
                self._tally.count("throttled")
                # Sending has a limit of its own and goes on.
                lane.budget.pause_class(CallKind.LOOK, error.retry_after)
                return LookAgain(read_ms=now_ms + round(error.retry_after * 1000))
            case TokenRejected() | Refused() if stops_account(error):
                # Nothing is wrong with the row: it waits for its account as the others do.
                self._tally.stopped(look.row.account, error)
                return LookAgain(read_ms=now_ms + round(lane.stop_until_renewed() * 1000))
        if not look.failures:
            look.failing_since_ms = now_ms
        look.failures += 1
        return judge_failure(
            refused=isinstance(error, Refused),
            failures=look.failures,
            failing_since_ms=look.failing_since_ms,
            gave_up_ms=look.gave_up_ms,
            now_ms=now_ms,
            rules=self._rules,
        )

    async def _conclude(self, look: Look, verdict: Verdict) -> bool:
        row = look.row
        match verdict:
            case Found(mid):
                result = await self._book.step(row, SendState.SENT, sent_mid=mid)
                # Another row has claimed the message since it was seen: it is no evidence here.
                return result is not TransitionResult.MID_TAKEN
            case Resend():
                look.resends = True
                await self._book.step(
                    row, SendState.PENDING, due_ms=self._clock(), reason=NOT_FOUND
                )
            case Expired():
                _log.warning(
                    "send_given_up", ledger_id=row.id, account=row.account, reason=WINDOW_CLOSED
                )
                await self._book.step(row, SendState.DEAD, reason=WINDOW_CLOSED)
            case Unknowable(reason):
                _log.error("send_unknown", ledger_id=row.id, account=row.account, reason=reason)
                await self._book.step(row, SendState.UNKNOWN, reason=reason)
            case LookAgain(read_ms):
                look.read_ms = read_ms
                return False
        return True
