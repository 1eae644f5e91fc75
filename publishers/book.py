"""The steps of ledger rows, many to a transaction, and none lost to a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from types import TracebackType
from typing import Self

import structlog

from publishers.measured import note_step
from publishers.tally import Tally
from publishers.together import TogetherLedger
from vestlus.backoff import Backoff, until_available
from vestlus.clock import Clock
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.store.ledger import FINISHED, TRANSITIONS, SendState
from vestlus.store.names import partition_number
from vestlus.store.port import Ledger
from vestlus.store.rows import Lease, SendRow, Transition, TransitionResult

_log = structlog.get_logger(__name__)

#: How long leaving waits for steps that a silent store delays. What is not written then is left
#: SENDING, which the next holder treats as ambiguous.
LAST_STEPS_SECONDS = 5.0


class LedgerBook:
    """Writes the steps of one outbox partition under one lease.

    A step that was handed in is written even when its caller is cancelled: a known outcome must
    reach the store. Leaving ``async with`` waits a while for such steps, unless the lease is lost.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        together: TogetherLedger,
        lease: Lease,
        clock: Clock,
        tally: Tally,
    ) -> None:
        self._ledger = ledger
        self._together = together
        self._lease = lease
        self._outbox = partition_number(lease.name)
        self._clock = clock
        self._tally = tally
        self._writing: set[asyncio.Task[TransitionResult]] = set()
        #: The lease is lost: nothing can be written any more.
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.lost.is_set() and self._writing:
            await asyncio.wait(self._writing, timeout=LAST_STEPS_SECONDS)
        for task in self._writing:
            task.cancel()

    async def step(
        self,
        row: SendRow,
        after: SendState,
        *,
        due_ms: int = 0,
        sent_mid: str | None = None,
        reason: str = "",
    ) -> TransitionResult:
        """Makes a step from the state that ``row`` shows; repeats it until the store answers.

        DONE, STALE, MID_TAKEN, or, of a step to SENDING, HELD or SILENCED. Raises LeaseLost.
        """
        if (row.state, after) not in TRANSITIONS:
            message = f"no transition from {row.state} to {after}"
            raise ValueError(message)
        transition = Transition(
            id=row.id,
            before=row.state,
            after=after,
            at_ms=self._clock(),
            due_ms=due_ms,
            sent_mid=sent_mid,
            reason=reason,
        )
        task = asyncio.create_task(self._write(transition), name="step")
        self._writing.add(task)
        task.add_done_callback(self._written)
        result = await asyncio.shield(task)
        if result is TransitionResult.DONE:
            self._tally.step(row.state, after, reason)
            note_step(row, after, transition.at_ms)
        return result

    async def recover(self) -> int:
        """Makes what an earlier holder left SENDING ambiguous; returns how many.

        Raises LeaseLost, StoreUnavailable.
        """
        return await self._ledger.recover(self._lease, self._clock())

    async def heads(
        self, limit: int, *, without_accounts: Collection[str] = ()
    ) -> tuple[SendRow, ...]:
        """The first unfinished row of each conversation. Raises StoreUnavailable."""
        return await self._ledger.unfinished(
            self._outbox, limit=limit, without_accounts=without_accounts
        )

    async def heads_of(self, ids: Collection[str]) -> tuple[SendRow, ...]:
        """The same of these rows' conversations only, read together with other partitions'."""
        return await self._together.heads(self._outbox, ids)

    async def people(self, limit: int, without_accounts: Collection[str]) -> tuple[SendRow, ...]:
        """Of these, the rows that a person wrote. Raises StoreUnavailable."""
        return await self._ledger.unfinished(
            self._outbox, limit=limit, without_accounts=without_accounts, people=True
        )

    async def overdue_drafts(self, limit: int) -> tuple[SendRow, ...]:
        """Drafts whose deadline has passed. Raises StoreUnavailable."""
        return await self._ledger.overdue_drafts(self._outbox, self._clock(), limit)

    async def _write(self, transition: Transition) -> TransitionResult:
        # Made only when needed: seeding its chance costs more than all the rest of a step.
        backoff: Backoff | None = None
        while True:
            try:
                result = await self._together.step(self._lease, transition)
            except StoreUnavailable:
                _log.warning("step_not_written_yet", ledger_id=transition.id)
                backoff = backoff or Backoff()
                await backoff.wait()
                continue
            if result is TransitionResult.LEASE_LOST:
                self.lost.set()
                raise LeaseLost(self._lease.name)
            if result is TransitionResult.STALE and backoff:
                # The try whose answer never came may have been committed all the same.
                return await self._as_it_stands(transition)
            return result

    async def _as_it_stands(self, transition: Transition) -> TransitionResult:
        """Whether a row shows what a step in doubt would have made of it.

        Nobody else makes steps under this lease, and the conversation has one task here.
        """
        rows = await until_available(
            lambda: self._ledger.unfinished(self._outbox, limit=1, ids=[transition.id])
        )
        state = next((row.state for row in rows if row.id == transition.id), None)
        if state is transition.after or (state is None and transition.after in FINISHED):
            return TransitionResult.DONE
        return TransitionResult.STALE

    def _written(self, task: asyncio.Task[TransitionResult]) -> None:
        self._writing.discard(task)
        # A caller that was cancelled hears no more of it; the loss of the lease is kept above.
        if (
            not task.cancelled()
            and (error := task.exception())
            and not isinstance(error, LeaseLost)
        ):
            _log.error("step_failed", error=type(error).__name__)
