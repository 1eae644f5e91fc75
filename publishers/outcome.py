"""What each outcome of a request means for its row and for its account."""

from __future__ import annotations

import random
from dataclasses import dataclass

import structlog

from publishers.lane import Lane
from publishers.notes import Notes
from publishers.pictures import ReadyPictures
from publishers.reconcile import retry_seconds
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus.clock import Clock
from vestlus.errors import GraphError, NotSent, Refused, Throttled, TokenRejected
from vestlus.instagram.graph_errors import blames_content, calls_for_a_person, stops_account
from vestlus.store.ledger import SendState
from vestlus.store.rows import SendRow

_log = structlog.get_logger(__name__)

#: Meta could not fetch the picture from its link. Subcode 2018008, retried once.
MEDIA_UNREACHABLE = "media_unreachable"


@dataclass(frozen=True, slots=True)
class Step:
    """What an outcome makes of a row."""

    after: SendState
    due_ms: int = 0
    sent_mid: str | None = None
    reason: str = ""


class Outcomes:
    """Decides what becomes of a row, and tells its account's lane what the answer says of it."""

    def __init__(
        self,
        *,
        clock: Clock,
        rules: SendingRules,
        tally: Tally,
        chance: random.Random,
    ) -> None:
        self._clock = clock
        self._rules = rules
        self._tally = tally
        self._chance = chance
        #: By row id, while the row is unfinished.
        self.notes: dict[str, Notes] = {}

    def of(self, row: SendRow) -> Notes:
        """The notes on a row."""
        return self.notes.setdefault(row.id, Notes())

    def failed(
        self, row: SendRow, lane: Lane, error: GraphError, pictures: ReadyPictures | None
    ) -> Step:
        """What each kind of Graph error means."""
        now_ms = self._clock()
        match error:
            case Throttled():
                self._tally.count("throttled")
                _log.warning("account_throttled", account=row.account, seconds=error.retry_after)
                if calls_for_a_person(error):
                    self._tally.stopped(row.account, error)
                lane.stop(error.retry_after)
                due_ms = now_ms + round(error.retry_after * 1000)
                return Step(SendState.PENDING, due_ms=due_ms, reason=error.reason)
            case NotSent(code=0):
                # It reached nobody, which is not the row's fault: only its window ends it.
                wait = lane.stop_unreachable()
                _log.warning("graph_not_reached", account=row.account, reason=error.reason)
                due_ms = now_ms + round(wait * 1000)
                return Step(SendState.PENDING, due_ms=due_ms, reason=error.reason)
            case NotSent():
                lane.answered()
                return self._not_sent(row, error, now_ms)
            case TokenRejected() | Refused() if stops_account(error):
                # Nothing is wrong with the row, and the next one would fare no better.
                self._tally.stopped(row.account, error)
                due_ms = now_ms + round(lane.stop_until_renewed() * 1000)
                return Step(SendState.PENDING, due_ms=due_ms, reason=error.reason)
            case Refused():
                lane.answered()
                return self._refused(row, error, pictures, now_ms)
            case _:
                lane.ambiguous()
                return self.ambiguous(row, error.reason)

    def ambiguous(self, row: SendRow, reason: str) -> Step:
        """It may or may not have been done: looked for, from a moment later on."""
        now_ms = self._clock()
        _log.warning("send_ambiguous", ledger_id=row.id, account=row.account, reason=reason)
        self.of(row).gave_up_ms = now_ms
        due_ms = now_ms + round(self._rules.first_look_seconds * 1000)
        return Step(SendState.LOOKING, due_ms=due_ms, reason=reason)

    def _not_sent(self, row: SendRow, error: NotSent, now_ms: int) -> Step:
        notes = self.of(row)
        notes.not_sent += 1
        if notes.not_sent >= self._rules.not_sent_attempts:
            return Step(SendState.DEAD, reason=error.reason)
        wait = retry_seconds(self._rules.retry_seconds, notes.not_sent, self._rules)
        wait *= self._chance.uniform(0.5, 1.0)
        due_ms = now_ms + round(wait * 1000)
        return Step(SendState.PENDING, due_ms=due_ms, reason=error.reason)

    def _refused(
        self, row: SendRow, error: Refused, pictures: ReadyPictures | None, now_ms: int
    ) -> Step:
        """Refused for good, unless pictures can go another way. Each way is tried once."""
        notes = self.of(row)
        if refuses_ids(error, pictures):
            notes.by_link = True
            return Step(SendState.PENDING, due_ms=now_ms, reason=error.reason)
        if pictures and error.reason == MEDIA_UNREACHABLE and not notes.unreachable:
            notes.unreachable = True
            due_ms = now_ms + round(self._rules.retry_seconds * 1000)
            return Step(SendState.PENDING, due_ms=due_ms, reason=error.reason)
        return Step(SendState.DEAD, reason=error.reason)


def refuses_ids(error: GraphError, pictures: ReadyPictures | None) -> bool:
    """Whether the ids of uploads may be what Graph finds fault with: they expire, and more."""
    return pictures is not None and bool(pictures.by_id) and blames_content(error)
