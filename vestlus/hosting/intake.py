"""Record, then acknowledge: from a partition's queue into the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from vestlus.backoff import until_available
from vestlus.burying import unreadable
from vestlus.bus.consuming import consume
from vestlus.bus.port import Bus, Delivery, Queue
from vestlus.clock import Clock
from vestlus.conversation.events import Event, EventKind, calls_for_answer
from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.errors import BusUnavailable, LeaseLost, UndecodableMessage
from vestlus.grouping import GroupCommitter
from vestlus.hosting.recorded import note_recorded
from vestlus.hosting.stages import being_recorded, traced_events
from vestlus.hosting.waited import Waited
from vestlus.log_context import About
from vestlus.measuring.catalogue import BUS_WAIT
from vestlus.messages import InboxMessage, decode_inbox, encode, inbox_message
from vestlus.privacy.graves import Graves
from vestlus.store.names import partition_number
from vestlus.store.port import DeadLetters, Turns
from vestlus.store.rows import DeadLetter, EventState, Lease, NewEvent, RecordedEvent

_log = structlog.get_logger(__name__)

#: Deliveries recorded together: a webhook POST is one delivery and holds up to 1000 events.
MOST_DELIVERIES = 100

#: Events recorded in one transaction: a few tens of milliseconds, well within the time that the
#: database gives a statement, however much waits in the queues.
MOST_EVENTS_TOGETHER = 1_000

#: Batches of events of all partitions, recorded in one transaction.
Recorder = GroupCommitter[tuple[Lease, Sequence[NewEvent]], list[RecordedEvent] | None]


class IntakeStore(Turns, DeadLetters, Protocol):
    """What the intake needs of the store."""


class PartitionIntake:
    """Consumes one inbox partition for the holder of its lease.

    A delivery is acknowledged once its events are in the store, so a crash in between makes it
    come again, and the event keys make that harmless. Turns run from the store only.
    """

    def __init__(
        self,
        lease: Lease,
        *,
        bus: Bus,
        store: IntakeStore,
        recorder: Recorder,
        partitions: int,
        clock: Clock,
        deliver: Callable[[Lease, Sequence[RecordedEvent]], None],
        reread: Callable[[Lease, Collection[str]], None],
        weigh: Callable[[Sequence[Event]], Awaitable[list[NewEvent]]],
        changed: Callable[[Lease, str], None],
        noted: Callable[[Lease, str, Sequence[HistoryMessage]], None],
        undetermined: Callable[[Lease, Sequence[RecordedEvent]], None],
        room: Callable[[], Awaitable[None]],
        erased: Callable[[Lease, str], None],
        graves: Graves | None,
    ) -> None:
        self._lease = lease
        self._partition = partition_number(lease.name)
        self._bus = bus
        self._store = store
        self._recorder = recorder
        self._partitions = partitions
        self._clock = clock
        self._deliver = deliver
        self._reread = reread
        self._weigh = weigh
        self._changed = changed
        self._noted = noted
        self._undetermined = undetermined
        self._room = room
        self._erased = erased
        self._graves = graves
        self.recorded = 0
        #: Conversations of what was broken off while it was recorded: it may be all the same.
        self._unsure: set[str] = set()
        #: How long what it takes in has waited.
        self.waited = Waited()

    async def run(self) -> None:
        """Consumes until cancelled. Raises LeaseLost when somebody else took the partition."""
        try:
            await consume(
                self._bus, Queue.INBOX, self._partition, self._take_in, most=MOST_DELIVERIES
            )
        finally:
            self.waited.broken_off()

    async def _take_in(self, deliveries: Sequence[Delivery]) -> None:
        self.waited.begin(self._clock())
        # What is not acknowledged meanwhile is the bus's to keep.
        await self._room()
        read, erased = await self._read(deliveries)
        with being_recorded(read) as events:
            for first in range(0, len(events), MOST_EVENTS_TOGETHER):
                some = events[first : first + MOST_EVENTS_TOGETHER]
                self._deliver(self._lease, await self._record(some))
        for conversation in erased:
            self._erased(self._lease, conversation)
        self.waited.end(self._clock())
        BUS_WAIT.observe(self.waited.last_seconds)

    async def _read(self, deliveries: Sequence[Delivery]) -> tuple[list[Event], set[str]]:
        """The events in these, and the conversations that are to be forgotten."""
        messages: list[InboxMessage] = []
        letters: list[DeadLetter] = []
        for delivery in deliveries:
            try:
                messages.append(decode_inbox(delivery.body))
            except UndecodableMessage as error:
                letter = unreadable(
                    delivery.body,
                    source=f"{Queue.INBOX}.{self._partition}",
                    reason=error.reason,
                    at_ms=self._clock(),
                )
                letters.append(self._graves.of_letter(letter) if self._graves else letter)
        if messages:
            self.waited.published(min(message.at_ms for message in messages))
        if letters:
            _log.error("undecodable_messages", count=len(letters), partition=self._partition)
            await until_available(partial(self._store.bury, letters))
        events = [
            _as_brought(event, message) for message in messages for event in traced_events(message)
        ]
        forget = {one for message in messages for one in message.forget}
        return await self._with_users(events), forget

    async def _with_users(self, events: list[Event]) -> list[Event]:
        """Resolves events whose user Meta left out, by the message they are about.

        One that belongs to another partition is passed on to it before the acknowledgement; one
        that cannot be resolved stays here, without a conversation. So does a note that something
        was read while the bus takes nothing: a broker that is full takes no message until what it
        has is acknowledged, and this one is not worth stopping for. Raises BusUnavailable for
        others.
        """
        nameless = [event for event in events if event.user is None and event.mid]
        if not nameless:
            return events
        mids: dict[str, set[str]] = {}
        for event in nameless:
            mids.setdefault(event.account, set()).add(str(event.mid))
        users = {
            account: await until_available(partial(self._store.users_of, account, wanted))
            for account, wanted in mids.items()
        }
        kept: list[Event] = []
        for event in events:
            user = users.get(event.account, {}).get(event.mid or "") if event.user is None else None
            if user is None:
                kept.append(event)
                continue
            named = _named(event, user)
            partition = partition_of(event.account, user, self._partitions)
            if partition == self._partition:
                kept.append(named)
            else:
                context = named.traceparent
                message = inbox_message((named,), at_ms=self._clock(), traceparent=context)
                try:
                    await self._bus.publish(Queue.INBOX, partition, [encode(message)])
                except BusUnavailable:
                    if event.kind is not EventKind.READ:
                        raise
                    _log.warning("read_not_passed_on", partition=self._partition)
                    kept.append(event)
        return kept

    async def _record(self, events: Sequence[Event]) -> list[RecordedEvent]:
        """Stores the events, however long that takes, and returns those that were new.

        When the database went away in the middle, or the partition rested, an earlier try may have
        been stored all the same, and its events are not new any more: their conversations are read
        again, and echoes that are to be judged are looked for in the store.
        """
        if not events:
            return []
        tries = 0
        weighed: list[NewEvent] = []

        async def record() -> list[RecordedEvent] | None:
            nonlocal tries, weighed
            tries += 1
            # Weighed at every try: what the ledger says of echoes may have changed.
            weighed = await self._weigh(events)
            return await self._recorder.submit((self._lease, weighed))

        about = {one.conversation for one in events if one.conversation}
        try:
            # No further: what those who hear of it begin is not about all of these.
            with About(events=events):
                recorded = await until_available(record)
                if recorded is not None:
                    _log.debug("recorded", new=len(recorded))
            if recorded is None:
                raise LeaseLost(self._lease.name)
            if tries > 1 or about & self._unsure:
                self._reread(self._lease, about)
                undetermined = partial(self._store.undetermined, self._lease)
                self._undetermined(self._lease, await until_available(undetermined))
                self._unsure -= about
        except asyncio.CancelledError:
            self._unsure |= about
            raise
        self.recorded += len(recorded)
        note_recorded(recorded, self._clock())
        self._tell(recorded, weighed)
        return recorded

    def _tell(self, recorded: Sequence[RecordedEvent], weighed: Sequence[NewEvent]) -> None:
        """Whoever goes by what the events changed hears of it, once it is in the store."""
        changes = {one.event.key: one.change for one in weighed if one.change is not None}
        for one in recorded:
            change = changes.get(one.event.key)
            if change is None or one.event.conversation is None:
                continue
            if change.rethink:
                self._changed(self._lease, one.event.conversation)
            else:
                self._noted(self._lease, one.event.conversation, change.history)
        self._undetermined(
            self._lease, [one for one in recorded if one.state is EventState.UNDETERMINED]
        )


def _as_brought(event: Event, message: InboxMessage) -> Event:
    """The event with since when it has been durable, where that matters."""
    return replace(event, durable_ms=message.at_ms) if calls_for_answer(event) else event


def _named(event: Event, user: str) -> Event:
    return replace(event, user=user, conversation=conversation_id(event.account, user))
