"""One listed conversation: compared with what is recorded, and what is missing published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.events import Event, Missed
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.instagram.missed import (
    Findings,
    KnownMessage,
    MissedPolicy,
    missed_messages,
    user_of,
)
from vestlus.instagram.port import ListedMessage, Listings
from vestlus.instagram.webhook_traces import envelope_context, taken_in
from vestlus.messages import encode, inbox_message
from vestlus.store.port import Ledger, MissedMessages

_log = structlog.get_logger(__name__)


class SearchStore(Ledger, MissedMessages, Protocol):
    """What a search needs of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParts:
    """What searches of a partition share."""

    #: The accounts of the partition.
    accounts: tuple[str, ...]
    listings: Listings
    store: SearchStore
    bus: Bus
    inbox_partitions: int


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of a conversation."""

    count: int = 0
    #: Of these, too old for an answer.
    stale: int = 0
    #: Some are left for later, because their webhooks may be on the way.
    too_fresh: bool = False


class MissedReader:
    """Takes in what no webhook brought, for one account."""

    def __init__(
        self,
        account: str,
        *,
        parts: SearchParts,
        policy: MissedPolicy,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._account = account
        self._parts = parts
        self._policy = policy
        self._clock = clock
        self._tally = tally
        self._own: frozenset[str] = frozenset()

    async def prepare(self) -> None:
        """Asks once under which ids the account is listed. Raises the GraphError family."""
        if not self._own:
            self._own = await self._parts.listings.own_ids(self._account)

    async def take_in(self, listed: Sequence[ListedMessage], since_ms: int) -> TakenIn:
        """Publishes what is missing, as far back as that. Raises BusUnavailable."""
        user = user_of(listed, self._own)
        if user is None:
            if listed:
                _log.warning("thread_without_a_user", account=self._account)
            return TakenIn()
        now_ms = self._clock()
        findings = await self._findings(user, listed, since_ms, now_ms)
        if findings.ids_differ:
            _log.error("listed_ids_are_not_the_webhooks", account=self._account)
            self._tally.count("search_ids_differ")
            return TakenIn()
        if findings.events:
            await self._publish(user, findings.events, now_ms)
        return TakenIn(
            count=len(findings.events),
            stale=sum(one.missed is Missed.STALE for one in findings.events),
            too_fresh=findings.too_fresh,
        )

    async def _findings(
        self, user: str, listed: Sequence[ListedMessage], since_ms: int, now_ms: int
    ) -> Findings:
        store, mids = self._parts.store, [one.mid for one in listed]
        conversation = conversation_id(self._account, user)
        oldest_ms = min(one.created_ms for one in listed) - self._policy.tolerance_ms
        recorded = await until_available(
            lambda: store.known_messages(self._account, conversation, mids, oldest_ms)
        )
        claimed = await until_available(lambda: store.claimed_mids(self._account, mids))
        known = [
            KnownMessage(one.mid, one.text, one.timestamp_ms, one.from_user)
            for one in recorded
            if not one.taken_back
        ]
        return missed_messages(
            self._account,
            user,
            listed,
            known_mids={one.mid for one in recorded if one.mid} | claimed,
            known=known,
            since_ms=since_ms,
            now_ms=now_ms,
            policy=self._policy,
        )

    async def _publish(self, user: str, events: tuple[Event, ...], now_ms: int) -> None:
        partition = partition_of(self._account, user, self._parts.inbox_partitions)
        with taken_in(events, name="missed message") as traced:
            context = envelope_context(traced)
            message = inbox_message(traced, at_ms=now_ms, traceparent=context)
            await self._parts.bus.publish(Queue.INBOX, partition, [encode(message)])
