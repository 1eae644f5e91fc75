"""The store by itself, and conversations at rest: what is recorded, committed, read and kept."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count, cycle

from benchmarks.known import ACCOUNT, People, fill
from benchmarks.measuring import Part, Round, measured
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.hosting.conversations import LOADED_TOGETHER
from vestlus.hosting.mailbox import HISTORY_MESSAGES, MOST_EVENTS, Known, Mailbox
from vestlus.hosting.resting import Resting
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import (
    EventState,
    Lease,
    Member,
    MemberKind,
    NewEvent,
    NewSend,
    TurnCommit,
)

PARTITIONS = 16
PEOPLE = 2_000

#: Events recorded in one transaction, as a busy host does.
TOGETHER = 100

_numbers = count(1)


@asynccontextmanager
async def store_parts(name: str, url: str, scale: float) -> AsyncIterator[list[Part]]:
    """The parts of one kind of store, filled with people who have 20 messages each."""
    async with open_store(url, partitions=PARTITIONS, outbox_partitions=4) as store:
        users = [str(500_000_000_000_000 + number) for number in range(PEOPLE)]
        await fill(url, [People(users, 20)], 0, partitions=PARTITIONS)
        member = Member("parts", MemberKind.CONVERSATION, "1", "here", 1)
        names = [inbox_lease(number) for number in range(PARTITIONS)]
        bench = _Bench(store, await store.acquire(names, member, 3600), users)
        many = round(1_000 * scale)
        yield [
            Part(f"{name}: record, {TOGETHER} events together", partial(bench.record, many)),
            *(
                Part(
                    f"{name}: commit turns, {'alone' if size == 1 else f'{size} together'}",
                    partial(bench.commit, size, round(number * scale)),
                )
                for size, number in ((1, 100), (8, 320), (32, 640))
            ),
            Part(f"{name}: wake, alone", partial(bench.wake, 1, round(200 * scale))),
            Part(
                f"{name}: wake, {LOADED_TOGETHER} together",
                partial(bench.wake, LOADED_TOGETHER, many),
            ),
        ]


def resting_parts(scale: float) -> list[Part]:
    """What needs no store."""
    number = round(5_000 * scale)
    return [
        Part("lay to rest, 20 messages", partial(_rest, number, 0)),
        Part("wake from rest, 20 messages", partial(_rest, number, 1)),
        Part("passivate", partial(_rest, number, 2)),
    ]


class _Bench:
    def __init__(self, store: Store, leases: dict[str, Lease], users: list[str]) -> None:
        self._store = store
        self._leases = leases
        self._users = cycle(users)

    async def record(self, number: int) -> Round:
        taken = Round()
        for _ in range(0, number, TOGETHER):
            batches: dict[Lease, list[NewEvent]] = {}
            for _ in range(TOGETHER):
                lease, event = self._event()
                batches.setdefault(lease, []).append(event)
            began = time.perf_counter()
            with measured(taken, TOGETHER):
                await self._store.record(list(batches.items()), system_clock())
            taken.waits.append(time.perf_counter() - began)
        return taken

    async def commit(self, together: int, number: int) -> Round:
        taken = Round()
        for _ in range(max(number // together, 1)):
            turns = await self._turns(together)
            began = time.perf_counter()
            with measured(taken, together):
                await self._store.commit_turns(turns, system_clock())
            taken.waits.append(time.perf_counter() - began)
        return taken

    async def wake(self, together: int, number: int) -> Round:
        taken = Round()
        for _ in range(max(number // together, 1)):
            wanted = [conversation_id(ACCOUNT, next(self._users)) for _ in range(together)]
            began = time.perf_counter()
            with measured(taken, together):
                rows = await self._store.load(wanted, HISTORY_MESSAGES, unanswered=MOST_EVENTS)
                for conversation, row in rows.items():
                    box = Mailbox(conversation, self._leases[inbox_lease(row.partition)])
                    box.fill(row, ())
            taken.waits.append(time.perf_counter() - began)
        return taken

    def _event(self) -> tuple[Lease, NewEvent]:
        user, mid = next(self._users), f"mid{next(_numbers)}{'x' * 120}"
        event = Event(
            key=event_key(EventKind.MESSAGE, ACCOUNT, mid),
            kind=EventKind.MESSAGE,
            account=ACCOUNT,
            user=user,
            conversation=conversation_id(ACCOUNT, user),
            mid=mid,
            timestamp_ms=system_clock(),
            text="Tere! Kas teie kontor on homme avatud?",
        )
        lease = self._leases[inbox_lease(partition_of(ACCOUNT, user, PARTITIONS))]
        return lease, NewEvent(event, EventState.PENDING)

    async def _turns(self, number: int) -> list[TurnCommit]:
        """Turns ready to be committed, of as many users."""
        wanted = [self._event() for _ in range(number)]
        now = system_clock()
        recorded = await self._store.record([(lease, [new]) for lease, new in wanted], now)
        ids = [str(new.event.conversation) for _, new in wanted]
        rows = await self._store.load(ids, 1)
        turns = []
        for (lease, new), some in zip(wanted, recorded, strict=True):
            event, conversation = new.event, str(new.event.conversation)
            version = rows[conversation].version
            send = NewSend(
                id=f"{conversation}.{version}.0",
                account=ACCOUNT,
                user=str(event.user),
                conversation=conversation,
                position=version * 1000,
                text=_SAID,
                answers=(str(event.mid),),
                due_ms=0,
                deadline_ms=now + 24 * 3600 * 1000,
                turn=version,
            )
            history = (
                HistoryMessage(Role.USER, str(event.text), now, event.mid),
                HistoryMessage(Role.ASSISTANT, _SAID, now),
            )
            turns.append(
                TurnCommit(
                    lease=lease,
                    conversation=conversation,
                    version=version,
                    answered=tuple(one.seq for one in some or ()),
                    history=history,
                    sends=(send,),
                )
            )
        return turns


_SAID = "Tere! Oleme homme avatud kella 9-17. Kas saan veel millegagi aidata? " * 2


async def _rest(number: int, timed: int) -> Round:
    """Lays conversations to rest, wakes half of them, drops the others; one of these is timed."""
    resting, lease = Resting(most=number, most_bytes=2**40), Lease("inbox.0", 1)
    history = [
        HistoryMessage(Role(role), _SAID, 1_790_000_000_000 + place, mid)
        for place in range(10)
        for role, mid in ((Role.USER, f"mid{place}{'x' * 140}"), (Role.ASSISTANT, None))
    ]
    boxes = [
        Mailbox(
            str(name), lease, ACCOUNT, str(name), loaded=True, known=Known(), history=[*history]
        )
        for name in range(number)
    ]
    steps = [Round(), Round(), Round()]
    with measured(steps[0], number):
        for box in boxes:
            resting.put(box, 1)
    with measured(steps[1], number // 2):
        for box in boxes[: number // 2]:
            resting.take(lease, box.id)
    with measured(steps[2], len(resting)):
        resting.passivate(2)
    return steps[timed]
