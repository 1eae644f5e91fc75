"""How much longer others wait for their answers beside a flood than without one.

::

    python -m benchmarks.fairness [--pair sqlite|rabbitmq] [--flood 1500] [--others 20] \
        [--asks 5] [--places 20] [--model 0.1] [--rounds 3]

A real conversation host on a real bus and store, in this process, with an assistant that takes
``--model`` seconds and ``--places`` for turns: so few that they are what is scarce. The service has
2,000; with so many, what a flood takes is the processor and transactions.

Other users, of four accounts, ask one question after the other: without a flood; beside one user
who writes ``--flood`` messages at once; beside as many users of one account who write one each. In
turns, round by round, on one host; a round ends when all are answered.

Waits are from the message's publishing to the doorbell of its answer, by the clock: the ratios say
how long others wait on this machine just now. That a flood at most doubles the *turns* before
others is shown by ``tests/unit/test_fair_turns.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from benchmarks.measuring import machine, percentile
from tests.services import provide_postgres, provide_rabbitmq, running
from vestlus.assistant.port import Past, Question
from vestlus.bus.consuming import consume
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Delivery, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.reply import Reply, TextPart
from vestlus.conversation.turn import BurstPolicy
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.turn_parts import TurnPolicies
from vestlus.hosting.turn_places import Limits
from vestlus.messages import decode_outbox, encode, inbox_message
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Member, MemberKind

PAIRS = ("sqlite", "rabbitmq")
TOPOLOGY = Topology(inbox=16, outbox=4)
ACCOUNTS = tuple(f"1784140000000010{number}" for number in range(4))
FLOODED = "17841400000000200"
#: Messages of a flood in one message of the bus at most, as a busy webhook groups them.
IN_ONE = 25
LEASE_SECONDS = 3600.0
LONGEST_SECONDS = 300.0

QUIET, USER, ACCOUNT = "no flood", "one user's flood", "one account's flood"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    flood: int
    others: int
    asks: int
    places: int
    model: float


class Patient:
    """Takes its time, and says always the same."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def reply(self, question: Question) -> Reply:  # noqa: ARG002 - the port's
        """See :class:`vestlus.assistant.port.Assistant`."""
        await asyncio.sleep(self._seconds)
        return Reply(parts=(TextPart("Vastus."),))

    async def summarise(self, past: Past) -> str:  # noqa: ARG002 - the port's
        """See :class:`vestlus.assistant.port.Assistant`."""
        return "They asked, and were told."

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class World:
    """A bus with a host behind it, and who waits for which answer."""

    bus: Bus
    sizes: Sizes
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)

    async def hear(self, deliveries: Sequence[Delivery]) -> None:
        """Doorbells: these messages have their answers."""
        for delivery in deliveries:
            for send in decode_outbox(delivery.body).sends:
                for mid in send.answers:
                    if mid in self.waiting:
                        self.waiting.pop(mid).set()

    async def write(self, messages: Sequence[tuple[str, str]]) -> list[asyncio.Event]:
        """Publishes messages, each of an account and a user; set is who is answered."""
        answered, by_partition = [], dict[int, list[Event]]()
        began = system_clock()
        for at, (account, user) in enumerate(messages):
            mid = f"m{next(self.numbers)}"
            answered.append(self.waiting.setdefault(mid, asyncio.Event()))
            by_partition.setdefault(partition_of(account, user, TOPOLOGY.inbox), []).append(
                Event(
                    key=event_key(EventKind.MESSAGE, account, mid),
                    kind=EventKind.MESSAGE,
                    account=account,
                    user=user,
                    conversation=conversation_id(account, user),
                    mid=mid,
                    timestamp_ms=began + at,
                    text="Mis kell te avate?",
                )
            )
        for number, events in by_partition.items():
            for first in range(0, len(events), IN_ONE):
                some = tuple(events[first : first + IN_ONE])
                body = encode(inbox_message(some, at_ms=system_clock()))
                await self.bus.publish(Queue.INBOX, number, [body])
        return answered

    async def ask(self, account: str, user: str) -> list[float]:
        """One question after the other; how long each answer took, seconds."""
        waits = []
        for _ in range(self.sizes.asks):
            began = time.perf_counter()
            (answered,) = await self.write([(account, user)])
            await answered.wait()
            waits.append(time.perf_counter() - began)
        return waits

    async def round(self, kind: str, number: int) -> list[float]:
        """The waits of the others, beside a flood or without one."""
        flood = [
            (FLOODED, f"f{number}" if kind == USER else f"f{number}-{user}")
            for user in range(0 if kind == QUIET else self.sizes.flood)
        ]
        async with asyncio.timeout(LONGEST_SECONDS):
            flooding = await self.write(flood)
            waits = await asyncio.gather(
                *(
                    self.ask(ACCOUNTS[other % len(ACCOUNTS)], f"o{number}-{other}")
                    for other in range(self.sizes.others)
                )
            )
            over = all(one.is_set() for one in flooding)
            for one in flooding:
                await one.wait()
        if flood and over:
            say(f"  {kind} was answered before the last of the others was")
        return [wait for each in waits for wait in each]


@asynccontextmanager
async def world(bus_url: str, prefix: str, store_url: str, sizes: Sizes) -> AsyncIterator[World]:
    """A host that holds all partitions, and whoever hears the doorbells."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(store_url, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
        )
        bus = await stack.enter_async_context(open_bus(bus_url, TOPOLOGY, prefix=prefix))
        host = await stack.enter_async_context(
            ConversationHost(
                store=store,
                bus=bus,
                assistant=Patient(sizes.model),
                clock=system_clock,
                partitions=TOPOLOGY.inbox,
                outbox_partitions=TOPOLOGY.outbox,
                policies=TurnPolicies(burst=BurstPolicy(longest_ms=0)),
                limits=Limits(turns=sizes.places),
            )
        )
        member = Member("c/conversation-0", MemberKind.CONVERSATION, "1", "here", 1)
        names = [inbox_lease(number) for number in range(TOPOLOGY.inbox)]
        for lease in (await store.acquire(names, member, LEASE_SECONDS)).values():
            await host.hold(lease)
        opened = World(bus, sizes)
        hearing = [
            asyncio.create_task(consume(bus, Queue.OUTBOX, number, opened.hear, most=100))
            for number in range(TOPOLOGY.outbox)
        ]
        try:
            yield opened
        finally:
            for task in hearing:
                task.cancel()
            await asyncio.wait(hearing)


@contextmanager
def addresses(pair: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Bus, its prefix, and store of a pair, the servers running."""
    if pair == "sqlite":
        yield f"sqlite:///{folder}/bus.sqlite", "", f"sqlite:///{folder}/store.sqlite"
        return
    with running(provide_rabbitmq()) as rabbitmq, running(provide_postgres()) as postgres:
        space = rabbitmq.fresh_space()
        yield space.url, space.queue_prefix, postgres.fresh_database()


async def measure(bus: str, prefix: str, store: str, sizes: Sizes, rounds: int) -> None:
    """Prints medians and longest waits, and their ratios to those without a flood."""
    found: dict[str, list[list[float]]] = {QUIET: [], USER: [], ACCOUNT: []}
    numbers = count()
    async with world(bus, prefix, store, sizes) as opened:
        await opened.round(QUIET, next(numbers))  # connections, caches, statements
        for _ in range(rounds):
            for kind, waits in found.items():
                waits.append(await opened.round(kind, next(numbers)))
    for label, of in (("median", partial(percentile, share=0.5)), ("longest", max)):
        seen = {kind: [of(waits) for waits in each] for kind, each in found.items()}
        for kind, values in seen.items():
            ratios = [one / quiet for one, quiet in zip(values, seen[QUIET], strict=True)]
            say(
                f"  {kind}: {label} wait {statistics.median(values):.2f} s, "
                f"{statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
            )


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)


def main() -> int:
    """One pair, or both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--pair", choices=PAIRS, action="append")
    parser.add_argument("--flood", type=int, default=1500, help="messages at once")
    parser.add_argument("--others", type=int, default=20, help="users who ask beside it")
    parser.add_argument("--asks", type=int, default=5, help="questions of each of them")
    parser.add_argument("--places", type=int, default=20, help="turns under way at a time")
    parser.add_argument("--model", type=float, default=0.1, help="of an answer, seconds")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sizes = Sizes(given.flood, given.others, given.asks, given.places, given.model)
    say(", ".join(f"{name} {value}" for name, value in machine().items()))
    for pair in given.pair or PAIRS:
        say(f"{pair}:")
        with (
            tempfile.TemporaryDirectory() as folder,
            addresses(pair, Path(folder)) as (bus, prefix, store),
        ):
            asyncio.run(measure(bus, prefix, store, sizes, given.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
