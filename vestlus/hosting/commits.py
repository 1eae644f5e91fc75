"""Turns committed in groups, and the doorbell rung after them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from vestlus.bus.port import Bus, Queue
from vestlus.clock import Clock
from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import BusUnavailable
from vestlus.grouping import GroupCommitter
from vestlus.hosting.stages import being_rung
from vestlus.messages import SendReference, encode, outbox_message
from vestlus.store.port import Turns
from vestlus.store.rows import CommitResult, NewSend, TurnCommit

_log = structlog.get_logger(__name__)

#: Turns in one transaction: enough to share its cost, few enough to end in milliseconds.
LARGEST_GROUP = 64

#: Between the beginnings of two groups of a kind, seconds. A transaction costs nearly the same for
#: one item as for ten, so that at 100 messages a second this takes a quarter off what one of them
#: costs; on its way a message waits for half of it, three times. In quiet hours nothing waits.
PACE_SECONDS = 0.02

#: Bells that wait to be rung, beyond which sends are left for the publishers to find.
MOST_BELLS = 2_000

#: How long closing waits for bells that a silent bus delays, seconds.
LAST_BELLS_SECONDS = 3.0


class TurnCommits:
    """Commits turns of many users together and rings the publishers' doorbell.

    The bell is a hint: publishers look by themselves every two seconds, so one that cannot be
    rung costs time and loses nothing. Rings are sent by a task of their own, so that a slow bus
    holds up no commit.
    """

    def __init__(self, store: Turns, bus: Bus, clock: Clock, outbox_partitions: int) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._partitions = outbox_partitions
        self._group = GroupCommitter[TurnCommit, CommitResult](
            self._flush, name="turn-commits", max_items=LARGEST_GROUP, pace=PACE_SECONDS
        )
        self._bells = GroupCommitter[NewSend, None](self._ring, name="doorbell", max_items=512)
        self._ringing: set[asyncio.Task[None]] = set()
        #: Bells that could not be rung.
        self.unrung = 0

    async def __aenter__(self) -> Self:
        await self._bells.__aenter__()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._group.close()
        if self._ringing:
            _, late = await asyncio.wait(self._ringing, timeout=LAST_BELLS_SECONDS)
            for task in late:
                task.cancel()
        await self._bells.close()

    async def commit(self, turn: TurnCommit) -> CommitResult:
        """Commits one turn, together with whatever else waits. Raises StoreUnavailable.

        Cancelling the caller does not undo or stop the commit.
        """
        return await self._group.submit(turn)

    async def _flush(self, turns: Sequence[TurnCommit]) -> list[CommitResult | Exception]:
        results = await self._store.commit_turns(turns, self._clock())
        for turn, result in zip(turns, results, strict=True):
            if result is CommitResult.COMMITTED:
                for send in turn.sends:
                    if len(self._ringing) >= MOST_BELLS:
                        self.unrung += 1
                        continue
                    task = asyncio.create_task(self._bells.submit(send), name="ring")
                    self._ringing.add(task)
                    task.add_done_callback(self._rung)
        return list(results)

    def _rung(self, task: asyncio.Task[None]) -> None:
        self._ringing.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self.unrung += 1
            _log.warning("doorbell_not_rung", error=type(error).__name__)

    async def _ring(self, sends: Sequence[NewSend]) -> list[Exception | None]:
        by_partition: dict[int, list[NewSend]] = defaultdict(list)
        for send in sends:
            by_partition[outbox_partition_of(send.account, self._partitions)].append(send)
        failed: dict[int, BusUnavailable] = {}

        async def ring(partition: int, group: Sequence[NewSend]) -> None:
            try:
                with being_rung(group):
                    await self._bus.publish(Queue.OUTBOX, partition, [self._bell(group)])
            except BusUnavailable as error:
                failed[partition] = error

        # Side by side: a silent bus costs one wait, and not one for each partition.
        await asyncio.gather(*(ring(*one) for one in by_partition.items()))
        return [failed.get(outbox_partition_of(s.account, self._partitions)) for s in sends]

    def _bell(self, sends: Sequence[NewSend]) -> bytes:
        references = tuple(
            SendReference(
                ledger_id=send.id,
                account=send.account,
                user=send.user,
                conversation=send.conversation,
                answers=send.answers,
            )
            for send in sends
        )
        # Each row has its own; the bell's is for whoever looks at the bus.
        context = sends[0].traceparent if len(sends) == 1 else ""
        return encode(outbox_message(references, at_ms=self._clock(), traceparent=context))
