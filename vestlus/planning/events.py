"""Events that other systems tell: judged by the rules, recorded, and answered the same for the same
key.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import uuid4

import structlog

from vestlus.clock import Clock
from vestlus.planning.event_rules import ReadyRule, Rules
from vestlus.planning.payloads import EventData
from vestlus.scheduling.event_rules import Applies, Passed, Reason, judged
from vestlus.store.plan_port import Triggers
from vestlus.store.plan_rows import (
    NewOccurrence,
    NewTrigger,
    RuleFiring,
    RuleOutcome,
    Trigger,
    TriggerRow,
)
from vestlus.tracing import begun

_log = structlog.get_logger(__name__)

#: What an event's key may be (IETF draft "The Idempotency-Key HTTP Header Field"), quotes included.
#: The store's own keys have a space, so that none of them is another's.
_KEY: Final = re.compile(rb"[!-~]{1,255}")

_HOUR_MS: Final = 3_600_000

#: How long an event is known by its key.
KEPT_MS: Final = 7 * 24 * _HOUR_MS

#: Events removed in one transaction, so that those that come meanwhile wait for none that is long.
_FORGOTTEN_AT_ONCE: Final = 500

#: Refused events of one source that one process hands to the store within an hour. More of them
#: are a fault that the first have shown, and must not fill it.
MOST_REFUSED: Final = 60

#: Characters of a refused event's name and data that are kept.
_LONGEST_NAME: Final = 100
_LONGEST_REFUSED: Final = 4_096


def is_key(given: bytes) -> bool:
    """Whether it can be the key of an event: 1 to 255 visible ASCII characters."""
    return _KEY.fullmatch(given) is not None


class Verdict(StrEnum):
    """What an event came to, for whoever sent it."""

    #: Recorded; the outcomes say what each rule made of it.
    TAKEN = "taken"
    #: No rule has it: nothing is planned.
    UNKNOWN = "unknown_event"
    #: Its data fit no rule: nothing is planned.
    REFUSED = "payload_refused"
    #: The key is another event's.
    KEY_REUSED = "key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """``row`` is the event as it is recorded; ``None`` where that was not done. ``outcomes`` are
    those of this event.
    """

    verdict: Verdict
    row: TriggerRow | None
    outcomes: tuple[RuleOutcome, ...]


async def _nobody() -> None:
    """Rings nobody."""


class EventDesk:
    """Takes events in. The same key of one source and name gets the same answer for 7 days, also
    from other processes and after the settings changed; refused events leave their keys free.

    ``ring`` wakes whoever makes posts of what is planned; it may fail or be lost, since that one
    looks by itself too.
    """

    def __init__(
        self, rules: Rules, clock: Clock, ring: Callable[[], Awaitable[None]] = _nobody
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._ring = ring
        self._refused: dict[str, deque[int]] = {}

    async def take(
        self, store: Triggers, source: str, name: str, data: EventData, key: str | None = None
    ) -> Answer:
        """What becomes of an event, durable when this returns. Raises StoreUnavailable."""
        digest = data.digest(name)
        if key is not None:
            known = await store.event_of_key(source, name, key)
            if known is not None:
                return _of_known(known, digest)
        identity, now_ms = uuid4().hex, self._clock()
        new = NewTrigger(
            id=identity,
            source=source,
            name=name,
            key=identity if key is None else key,
            digest=digest,
            payload=data.text,
            received_ms=now_ms,
            traceparent=begun("event"),
        )
        rules = self._rules.of(name)
        if not rules:
            problem = "no event rule of the settings has this event"
            outcome = RuleOutcome(rule="", reason=str(Reason.UNKNOWN_EVENT), problem=problem)
            return await self._refuse(store, new, Verdict.UNKNOWN, (outcome,))
        # In a thread: a schema may take long for data that somebody made for it.
        firings, passed = await asyncio.to_thread(_judged, rules, new, data)
        if not firings and all(one.reason == Reason.PAYLOAD_REFUSED for one in passed):
            return await self._refuse(store, new, Verdict.REFUSED, passed)
        taken = await store.take_event(new, passed, firings)
        if taken.known:
            return _of_known(taken.row, digest)
        if any(one.occurrence for one in taken.row.outcomes):
            await self._ring()
        return Answer(Verdict.TAKEN, taken.row, taken.row.outcomes)

    async def _refuse(
        self,
        store: Triggers,
        new: NewTrigger,
        verdict: Verdict,
        outcomes: Sequence[RuleOutcome],
    ) -> Answer:
        """Records what was refused, the same once, and so many of a source within an hour."""
        row: TriggerRow | None = None
        if self._may_record(new.source, new.received_ms):
            # With a space in it, which no key that is sent has.
            refused = NewTrigger(
                id=new.id,
                source=new.source,
                name=new.name[:_LONGEST_NAME],
                key=f"{verdict} {new.digest}",
                digest=new.digest,
                payload=new.payload if len(new.payload) <= _LONGEST_REFUSED else "",
                received_ms=new.received_ms,
                traceparent=new.traceparent,
            )
            row = (await store.take_event(refused, outcomes, ())).row
        _log.info("event_refused", source=new.source, verdict=str(verdict), recorded=bool(row))
        return Answer(verdict, row, tuple(outcomes))

    def _may_record(self, source: str, now_ms: int) -> bool:
        recent = self._refused.setdefault(source, deque(maxlen=MOST_REFUSED))
        if len(recent) == MOST_REFUSED and 0 <= now_ms - recent[0] < _HOUR_MS:
            return False
        recent.append(now_ms)
        return True


async def forget_old(store: Triggers, now_ms: int) -> int:
    """Removes the events whose keys need not be known any more; how many. For whoever leads, now
    and then. Raises StoreUnavailable.
    """
    forgotten = 0
    while True:
        some = await store.forget_events(now_ms - KEPT_MS, limit=_FORGOTTEN_AT_ONCE)
        forgotten += some
        if some < _FORGOTTEN_AT_ONCE:
            return forgotten


def _of_known(row: TriggerRow, digest: str) -> Answer:
    verdict = Verdict.TAKEN if row.digest == digest else Verdict.KEY_REUSED
    return Answer(verdict, row, row.outcomes)


def _judged(
    rules: Sequence[ReadyRule], event: NewTrigger, data: EventData
) -> tuple[list[RuleFiring], list[RuleOutcome]]:
    """What each rule makes of an event, by itself."""
    firings: list[RuleFiring] = []
    passed: list[RuleOutcome] = []
    for rule in rules:
        match judged(rule.terms, rule.trial, data.payload, event.received_ms):
            case Applies() as applies:
                firings.append(_firing(rule, event, applies))
            case Passed(reason, problem):
                passed.append(RuleOutcome(rule=rule.name, reason=str(reason), problem=problem))
    return firings, passed


def _firing(rule: ReadyRule, event: NewTrigger, applies: Applies) -> RuleFiring:
    occurrence = NewOccurrence(
        id=uuid4().hex,
        key=f"event:{event.id}:{rule.name}",
        trigger=Trigger.EVENT,
        name=rule.name,
        account=rule.recipe.account,
        recipe=rule.recipe,
        due_ms=applies.due_ms,
        # Its draft is made at once, whenever it is due.
        wake_ms=event.received_ms,
        payload=event.payload,
        traceparent=event.traceparent,
    )
    return RuleFiring(
        occurrence=occurrence,
        cool_down_ms=rule.terms.cool_down_ms,
        most_per_day=rule.terms.most_per_day,
        day=applies.day,
    )
