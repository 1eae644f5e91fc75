"""What ``benchmarks.turns`` plays of the service: users, and whoever sends the answers."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import bindparam, func, select, update

from vestlus.bus.consuming import consume
from vestlus.bus.port import Bus, Delivery, Queue, Topology
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.messages import SendReference, decode_outbox, encode, inbox_message
from vestlus.store import schema
from vestlus.store.port import Store
from vestlus.store.sql_database import Database
from vestlus.store.sql_store import SqlStore

TOPOLOGY = Topology()

_QUESTIONS = (
    "Tere! Mis kell muuseum täna avatakse?",
    "Kas koeraga võib tulla?",
    "Palju maksab perepilet?",
    "Where can we park the car?",
    "Kuidas bussiga kohale saab?",
)
_SENT = (
    update(schema.ledger)
    .where(schema.ledger.c.id == bindparam("of"))
    .values(
        state="sent",
        sent_mid=bindparam("by"),
        attempted_ms=bindparam("at"),
        changed_ms=bindparam("at"),
    )
)
_TEXTS = select(schema.ledger.c.id, schema.ledger.c.text)
_ECHOES = select(func.count()).where(schema.inbox_event.c.kind == "echo")


@dataclass(slots=True)
class Traffic:
    """Users who write, and whoever sends what they are answered."""

    store: Store
    bus: Bus
    accounts: Sequence[str]
    written: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    echoed: int = 0

    async def write(self, number: int) -> None:
        """One user's first message."""
        account = self.accounts[number % len(self.accounts)]
        user = f"8{number:015d}"
        mid = f"m_{number:08d}{'x' * 80}"
        self.written[mid] = time.monotonic()
        text = f"{_QUESTIONS[number % len(_QUESTIONS)]}"
        await self._publish(_event(EventKind.MESSAGE, account, user, mid, text))

    async def send(self, partition: int) -> None:
        """Takes one outbox partition's bells until cancelled."""
        await consume(self.bus, Queue.OUTBOX, partition, self._take_bells, most=100)

    async def _take_bells(self, deliveries: Sequence[Delivery]) -> None:
        now = time.monotonic()
        sends = [one for each in deliveries for one in decode_outbox(each.body).sends]
        for one in sends:
            self.took += [now - self.written.pop(mid) for mid in one.answers if mid in self.written]
        if not sends:
            return
        texts = await self._sent(sends)
        for one in sends:
            echo = _event(EventKind.ECHO, one.account, one.user, _mid_of(one), texts[one.ledger_id])
            await self._publish(echo)
            self.echoed += 1

    async def _sent(self, sends: Sequence[SendReference]) -> dict[str, str]:
        at = system_clock()
        rows = [{"of": one.ledger_id, "by": _mid_of(one), "at": at} for one in sends]
        wanted = _TEXTS.where(schema.ledger.c.id.in_([one.ledger_id for one in sends]))
        # Not through the port, which has a publisher take three transactions for what is not
        # measured here.
        await self._database.write(lambda connection: connection.execute(_SENT, rows))
        return {row.id: row.text for row in await self._database.fetch(wanted)}

    async def echoes_recorded(self) -> int:
        """How many echoes are in the store."""
        ((count,),) = await self._database.fetch(_ECHOES)
        return int(count)

    @property
    def _database(self) -> Database:
        return cast("SqlStore", self.store)._database  # noqa: SLF001

    async def _publish(self, event: Event) -> None:
        message = inbox_message((event,), at_ms=system_clock())
        partition = partition_of(event.account, str(event.user), TOPOLOGY.inbox)
        await self.bus.publish(Queue.INBOX, partition, [encode(message)])


def _mid_of(send: SendReference) -> str:
    return f"s_{send.ledger_id}"


def _event(kind: EventKind, account: str, user: str, mid: str, text: str) -> Event:
    return Event(
        key=event_key(kind, account, mid),
        kind=kind,
        account=account,
        user=user,
        conversation=conversation_id(account, user),
        mid=mid,
        timestamp_ms=system_clock(),
        text=text,
    )


async def write(traffic: Traffic, numbers: range, rate: float) -> None:
    """Open loop: arrivals at random, whatever becomes of the earlier ones."""
    chance = random.Random(numbers.start)  # noqa: S311 - arrivals, no secret
    due = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(traffic.write(number))


async def until_echoed(traffic: Traffic, messages: int) -> None:
    """Waits until so many echoes are in the store, and no message waits for an answer."""
    while traffic.written or traffic.echoed < messages:
        await asyncio.sleep(0.1)
    while await traffic.echoes_recorded() < traffic.echoed:
        await asyncio.sleep(0.1)
