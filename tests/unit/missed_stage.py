"""A stage for tests of missed messages: a publisher of one account between fakes."""

from __future__ import annotations

import random
from collections import Counter

from publishers.rules import SendingRules
from publishers.service import PublisherService
from tests.fakes.bus import MemoryBus
from tests.fakes.clock import virtual_monotonic, virtual_ms
from tests.fakes.messaging import PretendInstagram
from tests.fakes.outbox import MemoryPictures
from tests.fakes.store_ledger import MemoryLedger
from vestlus.bus.port import Queue, Topology
from vestlus.conversation.events import Event, EventKind
from vestlus.messages import SearchRequest, decode_inbox, encode, outbox_message
from vestlus.store.rows import RecordedMessage

ACCOUNT = "a1"
TOPOLOGY = Topology(inbox=2, outbox=1)
HOUR_MS = 3_600_000
RULES = SendingRules()


class Stage:
    """A publisher of one account between fakes; what is published is recorded at once."""

    def __init__(self, rules: SendingRules = RULES) -> None:
        self.bus = MemoryBus()
        self.ledger = MemoryLedger()
        self.instagram = PretendInstagram()
        self.service = PublisherService(
            bus=self.bus,
            store=self.ledger,
            messaging=self.instagram,
            pictures=MemoryPictures(),
            clock=virtual_ms,
            monotonic=virtual_monotonic,
            rules=rules,
            chance=random.Random(0),  # noqa: S311 - no secret
            accounts=[ACCOUNT],
            topology=TOPOLOGY,
        )
        #: Events that were taken, by partition.
        self.read = Counter[int]()

    async def hold(self) -> None:
        lease = self.ledger.take_over(0)
        self.service.lease_extended([lease.name], virtual_monotonic() + 100_000)
        await self.service.hold(lease)

    def looked(self, hours_ago: float = 0.0) -> None:
        """An earlier holder carried a look through so long ago."""
        self.ledger.looked[ACCOUNT] = virtual_ms() - round(hours_ago * HOUR_MS)

    def taken_in(self) -> list[Event]:
        """Everything published since the last time, as the inbox has it."""
        new: list[Event] = []
        for partition in range(TOPOLOGY.inbox):
            bodies = self.bus.messages[Queue.INBOX, partition]
            events = [event for body in bodies for event in decode_inbox(body).events]
            new += events[self.read[partition] :]
            self.read[partition] = len(events)
        for one in new:
            self.record(one)
        return new

    def record(self, one: Event) -> None:
        known = RecordedMessage(
            one.mid, one.text or "", one.timestamp_ms, from_user=one.kind is EventKind.MESSAGE
        )
        self.ledger.messages.append((str(one.conversation), known))

    async def ask(self, hours: float, sign: str = "") -> None:
        since_ms = virtual_ms() - round(hours * HOUR_MS)
        request = SearchRequest(account=ACCOUNT, since_ms=since_ms, sign=sign)
        message = outbox_message((), at_ms=virtual_ms(), searches=(request,))
        await self.bus.publish(Queue.OUTBOX, 0, [encode(message)])


def texts(events: list[Event]) -> list[str | None]:
    return [one.text for one in events]
