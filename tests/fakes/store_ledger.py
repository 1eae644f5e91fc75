"""The ledger's part of the store in memory, with the port's guarantees, epochs included."""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.fakes.clock import virtual_ms
from tests.fakes.store_letters import MemoryLetters
from tests.fakes.store_missed import MemoryMissed
from vestlus.conversation.identity import conversation_id
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.store.ledger import FINISHED, TRANSITIONS, SendState
from vestlus.store.names import partition_number
from vestlus.store.rows import (
    EchoRow,
    Kind,
    Lease,
    Origin,
    SendRow,
    Transition,
    TransitionResult,
)

DAY_MS = 24 * 60 * 60 * 1000


@dataclass
class Kept:
    """A row and what the port does not show of it."""

    row: SendRow
    outbox: int
    sent_mid: str | None = None
    reason: str = ""


class MemoryLedger(MemoryMissed, MemoryLetters):
    """Rows of outbox partitions. Reads and writes take ``latency`` seconds of virtual time.

    ``unavailable`` calls fail first; ``in_doubt`` writes are made and their answer lost.
    Conversations in ``undetermined`` have an echo of which it is not known whose it is; the rows
    ``silenced`` were decided before a person answered.
    """

    def __init__(self, *, latency: float = 0.002, chance: random.Random | None = None) -> None:
        super().__init__(latency=latency, chance=chance)
        self.rows: dict[str, Kept] = {}
        #: Those of them that are not finished, by conversation, in their order.
        self._open: dict[str, dict[str, Kept]] = {}
        #: Whose row a message is, by account and mid.
        self._claimed: dict[tuple[str, str], str] = {}
        self.history: list[tuple[str, SendState, SendState]] = []
        self.transactions = 0
        self.readings = 0
        self.in_doubt = 0
        self.undetermined: set[str] = set()
        self.silenced: set[str] = set()
        #: By account and file.
        self.uploads: dict[tuple[str, str], str] = {}
        self._echoes: dict[str, list[EchoRow]] = {}
        #: By mid, the row whose echo it was told to be.
        self.echo_of: dict[str, str] = {}

    def add(
        self,
        ledger_id: str,
        *,
        account: str = "a1",
        user: str = "u1",
        text: str = "Tere!",
        outbox: int = 0,
        due_ms: int = 0,
        deadline_ms: int | None = None,
        state: SendState = SendState.PENDING,
        attempted_ms: int = 0,
        resends: int = 0,
        pictures: tuple[str, ...] = (),
        origin: Origin = Origin.BOT,
    ) -> SendRow:
        """Write a row, after the others of its conversation."""
        row = SendRow(
            id=ledger_id,
            account=account,
            user=user,
            conversation=conversation_id(account, user),
            position=len(self.rows),
            text="" if pictures else text,
            answers=(f"in-{ledger_id}",),
            state=state,
            due_ms=due_ms,
            deadline_ms=virtual_ms() + DAY_MS if deadline_ms is None else deadline_ms,
            attempts=0,
            resends=resends,
            attempted_ms=attempted_ms,
            traceparent="",
            kind=Kind.PICTURES if pictures else Kind.TEXT,
            pictures=pictures,
            origin=origin,
            created_ms=virtual_ms(),
        )
        self.rows[ledger_id] = kept = Kept(row, outbox)
        if state not in FINISHED:
            self._open.setdefault(row.conversation, {})[ledger_id] = kept
        return row

    def person_answered(self, account: str, user: str) -> None:
        """Silence what the bot has decided for a user so far."""
        conversation = conversation_id(account, user)
        rows = [kept.row for kept in self.rows.values()]
        self.silenced |= {
            row.id for row in rows if row.conversation == conversation and row.origin is Origin.BOT
        }

    def add_echo(  # noqa: PLR0917 - what a timer is given
        self,
        account: str,
        user: str,
        mid: str,
        text: str,
        timestamp_ms: int,
        attachments: int = 0,
    ) -> None:
        """Record an echo, as the ConversationActor does."""
        echo = EchoRow(mid, text, timestamp_ms, virtual_ms(), attachments)
        self._echoes.setdefault(conversation_id(account, user), []).append(echo)

    def claim(self, ledger_id: str, mid: str) -> None:
        """Have it known that this message is what a row was sent as."""
        kept = self.rows[ledger_id]
        kept.sent_mid = mid
        self._claimed[kept.row.account, mid] = ledger_id

    def state(self, ledger_id: str) -> SendState:
        """Return a row's state."""
        return self.rows[ledger_id].row.state

    def all_finished(self) -> bool:
        """Return whether no row is left."""
        return not self._open

    async def settled(self) -> None:
        """Wait until every row is finished."""
        while not self.all_finished():
            await asyncio.sleep(0.05)

    async def recover(self, lease: Lease, now_ms: int) -> int:  # noqa: ARG002 - the port's
        """See the port."""
        await self._answering()
        if not self._holds(lease):
            raise LeaseLost(lease.name)
        left = [
            kept
            for kept in self.rows.values()
            if kept.outbox == partition_number(lease.name) and kept.row.state is SendState.SENDING
        ]
        for kept in left:
            kept.row = replace(kept.row, state=SendState.LOOKING)
            self.history.append((kept.row.id, SendState.SENDING, SendState.LOOKING))
        return len(left)

    async def unfinished(
        self,
        outbox: int,
        *,
        limit: int,
        ids: Collection[str] | None = None,
        without_accounts: Collection[str] = (),
        people: bool = False,
    ) -> tuple[SendRow, ...]:
        """See the port."""
        self.readings += 1
        await self._answering()
        wanted = self._open if ids is None else {self.rows[one].row.conversation for one in ids}
        first = [self._first(conversation, outbox) for conversation in wanted]
        rows = [row for row in first if row is not None and row.account not in without_accounts]
        rows = [row for row in rows if not people or row.origin is Origin.PERSON]
        answer = sorted(rows, key=lambda row: (row.deadline_ms, row.id))[:limit]
        # What is read is out of date by the time it is there.
        await self._delay()
        return tuple(answer)

    async def heads(self, ids: Mapping[int, Collection[str]]) -> dict[int, tuple[SendRow, ...]]:
        """See the port."""
        self.readings += 1
        await self._answering()
        found: dict[int, tuple[SendRow, ...]] = {}
        for outbox, some in ids.items():
            conversations = {self.rows[one].row.conversation for one in some}
            first = [self._first(conversation, outbox) for conversation in conversations]
            rows = [row for row in first if row is not None]
            found[outbox] = tuple(sorted(rows, key=lambda row: (row.deadline_ms, row.id)))
        # What is read is out of date by the time it is there.
        await self._delay()
        return found

    def _first(self, conversation: str, outbox: int) -> SendRow | None:
        return next(
            (
                kept.row
                for kept in self._open.get(conversation, {}).values()
                if kept.outbox == outbox and kept.row.state is not SendState.DRAFT
            ),
            None,
        )

    async def transition(
        self, lease: Lease, transitions: Sequence[Transition]
    ) -> list[TransitionResult]:
        """See the port."""
        (results,) = await self.transitions([(lease, transitions)])
        return results

    async def transitions(
        self, groups: Sequence[tuple[Lease, Sequence[Transition]]]
    ) -> list[list[TransitionResult]]:
        """See the port."""
        self.transactions += 1
        await self._answering()
        results = [
            [self._step(step) for step in steps]
            if self._holds(lease)
            else [TransitionResult.LEASE_LOST] * len(steps)
            for lease, steps in groups
        ]
        await self._delay()
        if self.in_doubt:
            self.in_doubt -= 1
            raise StoreUnavailable
        return results

    async def unclaimed_echoes(
        self, conversation: str, since_ms: int, of: str
    ) -> tuple[EchoRow, ...]:
        """See the port."""
        await self._answering()
        claimed = {kept.sent_mid for kept in self.rows.values()}
        echoes = [
            echo
            for echo in self._echoes.get(conversation, [])
            if echo.timestamp_ms >= since_ms
            and echo.mid not in claimed
            and self.echo_of.get(echo.mid, of) == of
        ]
        return tuple(sorted(echoes, key=lambda echo: echo.timestamp_ms))

    async def overdue_drafts(self, outbox: int, now_ms: int, limit: int) -> tuple[SendRow, ...]:
        """See the port."""
        await self._answering()
        rows = [kept.row for kept in self.rows.values() if kept.outbox == outbox]
        overdue = [row for row in rows if row.state is SendState.DRAFT and row.deadline_ms < now_ms]
        return tuple(sorted(overdue, key=lambda row: row.deadline_ms)[:limit])

    async def uploaded(self, account: str, files: Collection[str]) -> dict[str, str]:
        """See the port."""
        await self._answering()
        kept = {file: self.uploads.get((account, file), "") for file in files}
        return {file: one for file, one in kept.items() if one}

    async def note_upload(
        self,
        account: str,
        file: str,
        attachment_id: str,
        now_ms: int,  # noqa: ARG002 - the port's
    ) -> None:
        """See the port."""
        await self._answering()
        self.uploads[account, file] = attachment_id

    async def claimed_mids(self, account: str, mids: Collection[str]) -> frozenset[str]:
        """See the port."""
        await self._answering()
        claimed = {kept.sent_mid for kept in self.rows.values() if kept.row.account == account}
        claimed |= self.echo_of.keys()
        return frozenset(mid for mid in mids if mid in claimed)

    def _step(self, step: Transition) -> TransitionResult:
        if (step.before, step.after) not in TRANSITIONS:
            raise ValueError(step)
        kept = self.rows[step.id]
        row = kept.row
        refusal = self._refusal(step, row)
        if refusal is not None:
            return refusal
        if step.after in {SendState.DEAD, SendState.UNKNOWN} and not step.reason:
            raise ValueError(step)
        if step.after is SendState.SENT and step.sent_mid:
            self.claim(step.id, step.sent_mid)
        kept.reason = step.reason
        changes: dict[str, Any] = {}
        if step.after is SendState.SENDING:
            changes = {"attempts": row.attempts + 1, "attempted_ms": step.at_ms}
        elif step.after in {SendState.PENDING, SendState.LOOKING}:
            changes = {"due_ms": step.due_ms}
        if (step.before, step.after) == (SendState.LOOKING, SendState.PENDING):
            changes["resends"] = row.resends + 1
        kept.row = replace(row, state=step.after, **changes)
        if step.after in FINISHED:
            self._close(kept.row)
        self.history.append((step.id, step.before, step.after))
        return TransitionResult.DONE

    def _close(self, row: SendRow) -> None:
        others = self._open[row.conversation]
        del others[row.id]
        if not others:
            del self._open[row.conversation]

    def _refusal(self, step: Transition, row: SendRow) -> TransitionResult | None:
        if row.state is not step.before:
            return TransitionResult.STALE
        if step.after is SendState.SENDING and row.origin is Origin.BOT:
            if row.id in self.silenced:
                return TransitionResult.SILENCED
            if row.conversation in self.undetermined:
                return TransitionResult.HELD
        if step.after is not SendState.SENT:
            return None
        taken = not step.sent_mid or (row.account, step.sent_mid) in self._claimed
        return TransitionResult.MID_TAKEN if taken else None
