"""An outbox worker between a ledger in memory and a pretend Instagram, in virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from publishers.bucket import Limit
from publishers.limits import AccountLimits
from publishers.outbox import OutboxWorker
from publishers.quota import Quota
from publishers.rate import CallKind
from publishers.rules import DEFAULT_LIMITS, SendingRules
from publishers.tally import Tally
from publishers.together import TogetherLedger
from tests.fakes.clock import virtual_monotonic, virtual_ms
from tests.fakes.messaging import PretendInstagram, Sent
from tests.fakes.store_ledger import MemoryLedger
from vestlus.instagram.usage import Load, Usage
from vestlus.messages import SendReference
from vestlus.store.ledger import SendState
from vestlus.store.rows import Lease, SendRow


def limited(containers: Quota | None = None, **limits: Limit) -> AccountLimits:
    """Return Meta's limits but for these classes of call, named as ``CallKind``'s members are, and
    for the quota of containers.
    """
    calls = {CallKind[name.upper()]: limit for name, limit in limits.items()}
    return replace(
        DEFAULT_LIMITS,
        calls={**DEFAULT_LIMITS.calls, **calls},
        containers=containers or DEFAULT_LIMITS.containers,
    )


def told(percent: float, *, minutes: float = 0.0, kind: str = "messenger") -> Usage:
    """Return what Meta's headers tell of one limit, and until when access to it is lost."""
    return Usage((Load(kind=kind, id="1", calls=percent, regain_minutes=minutes),))


def reference(row: SendRow) -> SendReference:
    """Return what a bell says of a row."""
    return SendReference(
        ledger_id=row.id,
        account=row.account,
        user=row.user,
        conversation=row.conversation,
        answers=row.answers,
    )


@dataclass(frozen=True)
class Link:
    """What the image bank says of a picture."""

    file: str
    url: str


class MemoryPictures:
    """An image bank that has every picture but those withdrawn."""

    def __init__(self) -> None:
        self.withdrawn: set[str] = set()
        self.asked: list[tuple[str, str, int]] = []

    async def link(self, picture_id: str, account: str, now_ms: int) -> Link | None:
        """Return the file of that name, under an address that changes with the time."""
        self.asked.append((picture_id, account, now_ms))
        if picture_id in self.withdrawn:
            return None
        return Link(f"{picture_id}.png", f"https://media.example/{picture_id}.png?at={now_ms}")


@dataclass
class Place:
    """Everything that a worker needs, and what outlives it."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    instagram: PretendInstagram = field(default_factory=PretendInstagram)
    pictures: MemoryPictures = field(default_factory=MemoryPictures)
    rules: SendingRules = field(default_factory=SendingRules)
    tally: Tally = field(default_factory=Tally)
    #: How far the machine's clock is from the true time; Instagram's is true.
    clock_put_by_ms: int = 0
    #: Until when the lease is renewed, on the virtual monotonic clock.
    until: Callable[[], float] = lambda: virtual_monotonic() + 60.0

    def worker(self, lease: Lease | None = None) -> OutboxWorker:
        """Return a worker for partition 0 that does not run yet."""
        return OutboxWorker(
            lease=lease or self.ledger.take_over(0),
            ledger=self.ledger,
            together=TogetherLedger(self.ledger, self.rules, virtual_monotonic),
            messaging=self.instagram,
            pictures=self.pictures,
            lease_remaining=lambda: self.until() - virtual_monotonic(),
            clock=lambda: virtual_ms() + self.clock_put_by_ms,
            monotonic=virtual_monotonic,
            rules=self.rules,
            tally=self.tally,
            chance=random.Random(0),  # noqa: S311 - no secret
        )

    def echo_after(self, seconds: Callable[[], float | None]) -> None:
        """Record an echo of everything sent, so much later; never for None."""
        loop = asyncio.get_running_loop()

        def on_sent(sent: Sent) -> None:
            wait = seconds()
            if wait is not None:
                loop.call_later(
                    wait,
                    self.ledger.add_echo,
                    sent.account,
                    sent.user,
                    sent.mid,
                    sent.text,
                    sent.at_ms,
                    len(sent.pictures),
                )

        self.instagram.on_sent = on_sent

    def backlog(self, account: str, size: int, **row: Any) -> list[SendReference]:  # noqa: ANN401
        """Write a row for each of so many users of an account; returns their bells."""
        return [
            reference(
                self.ledger.add(f"{account}.{number}", account=account, user=f"u{number}", **row)
            )
            for number in range(size)
        ]

    def states(self, account: str) -> Counter[SendState]:
        """Return how many rows of an account are in each state."""
        rows = (kept.row for kept in self.ledger.rows.values())
        return Counter(row.state for row in rows if row.account == account)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[OutboxWorker]:
        """Run a worker; what it fails of is raised."""
        worker = self.worker()
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
