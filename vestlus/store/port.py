"""The store's ports, one per user of it. An adapter implements them all as one :class:`Store`.

Guarantees that both adapters give and ``tests/contract/test_store_*.py`` show:

- every method is one transaction, or none where it raises;
- methods that take a :class:`~vestlus.store.rows.Lease` lock the lease's row and compare the
  epoch in that transaction, so that a holder who was overtaken changes nothing, ever;
- leases expire by the database's clock; other times are the caller's;
- ``StoreUnavailable`` is raised within seconds when the database does not answer or gives the
  transaction up; trying again is then right. Where the connection broke during the commit, the
  transaction may be done all the same: a repeat then finds events known, turns in conflict,
  steps stale. So whoever repeats :meth:`Turns.record` loads the batch's conversations afterwards,
  because events that are not new may still be unanswered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from vestlus.conversation.events import Event
from vestlus.store.rows import (
    CommitResult,
    ConversationRow,
    Counts,
    DeadLetter,
    EchoRow,
    Lease,
    Member,
    MemberKind,
    RecordedEvent,
    SendRow,
    Transition,
    TransitionResult,
    TurnCommit,
)


class Leases(Protocol):
    """Who may act for what."""

    async def acquire(
        self, names: Collection[str], member: Member, seconds: float
    ) -> dict[str, Lease]:
        """Takes the leases that are free, expired, or held by an earlier incarnation of this
        member, each with a new epoch. Names held by others are left out of the answer.

        A lease that this same incarnation holds is kept, with its epoch. Callers make sure that
        an earlier incarnation of theirs is dead before they act.
        """
        ...

    async def renew(
        self, leases: Collection[Lease], member: Member, seconds: float
    ) -> frozenset[str]:
        """Extends what is still held, and returns those names. An expired lease that nobody
        took is renewed with its epoch.
        """
        ...

    async def release(self, leases: Collection[Lease], member: Member) -> None:
        """Lets go of what is still held; others can take it at once."""
        ...


class Members(Protocol):
    """Who is there, and who should serve what. One assignment, computed by one registry."""

    async def heartbeat(self, member: Member) -> frozenset[str]:
        """Notes that the member is alive; returns the lease names assigned to its id."""
        ...

    async def live(self, kind: MemberKind, within_seconds: float) -> tuple[Member, ...]:
        """Members of a kind with a heartbeat within that time, by the database's clock, by id."""
        ...

    async def assignment(self, prefix: str) -> dict[str, str]:
        """Lease name → member id, for the names that start with ``prefix``."""
        ...

    async def assign(self, registry: Lease, assignment: Mapping[str, str]) -> None:
        """Writes lease name → member id. Raises LeaseLost when ``registry`` is not held."""
        ...

    async def leave(self, member: Member) -> None:
        """Forgets the member and its assignments, and frees the leases that this incarnation
        holds; for a planned end, or for a member whose process is known to be gone.
        """
        ...


class Turns(Protocol):
    """The way in: events recorded, conversations loaded, turns committed."""

    async def record(
        self, batches: Sequence[tuple[Lease, Sequence[Event]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        """Stores events, by batch: the new ones in order, without those already known.

        All batches share a transaction. ``None`` for a batch whose lease is lost, of which
        nothing is stored. Conversations are made where they are missing. Events that call for
        an answer (``calls_for_answer``) start as PENDING, others as NOTED. Events without a
        conversation are stored too.
        """
        ...

    async def users_of(self, account: str, mids: Collection[str]) -> dict[str, str]:
        """Mid → user, for the messages of an account that are known, in or out."""
        ...

    async def take_over(self, lease: Lease) -> tuple[str, ...]:
        """The partition's conversations with unanswered events, oldest event first, each of
        whose ``takeovers`` is raised by one. Raises LeaseLost.
        """
        ...

    async def load(
        self, conversations: Collection[str], history: int
    ) -> dict[str, ConversationRow]:
        """Conversations with their newest ``history`` messages and all unanswered events."""
        ...

    async def commit_turns(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        """Commits turns, in one transaction, each wholly or not at all.

        A turn conflicts when its conversation's version differs or one of its events is not
        PENDING any more. A committed one marks its events ANSWERED, adds its history and sends,
        raises the version and sets failures, takeovers, probes and wake time to 0. A turn whose
        values the database does not take is REFUSED, and stops nobody else's.
        """
        ...

    async def postpone(
        self, lease: Lease, conversation: str, *, wake_ms: int, failures: int
    ) -> None:
        """Notes a failed turn and when to try again. Raises LeaseLost."""
        ...

    async def probe(self, lease: Lease, conversation: str) -> int:
        """Counts that a suspect's turn begins; returns the new count. Raises LeaseLost."""
        ...

    async def give_up(self, lease: Lease, conversation: str, *, reason: str, now_ms: int) -> int:
        """Makes the conversation's unanswered events DEAD, a dead letter each; returns how
        many. Failures, takeovers and probes start anew. Raises LeaseLost.
        """
        ...


class Ledger(Protocol):
    """The way out: what is to be sent, and what became of it."""

    async def recover(self, lease: Lease, now_ms: int) -> int:
        """For a new holder: rows left SENDING become LOOKING; returns how many.
        Raises LeaseLost.
        """
        ...

    async def unfinished(
        self,
        outbox: int,
        *,
        limit: int,
        ids: Collection[str] | None = None,
        without_accounts: Collection[str] = (),
    ) -> tuple[SendRow, ...]:
        """The first unfinished row of each conversation of an outbox partition: nearest
        deadline first, at most ``limit``; only conversations of the rows ``ids``, if given,
        and none of the accounts ``without_accounts``, whose rows do not count.

        Rows that are not due yet are among them: callers see when to come back.
        """
        ...

    async def transition(
        self, lease: Lease, transitions: Sequence[Transition]
    ) -> list[TransitionResult]:
        """Makes the steps in one transaction, each on its own condition."""
        ...

    async def unclaimed_echoes(self, conversation: str, since_ms: int) -> tuple[EchoRow, ...]:
        """Echoes recorded of this conversation with Meta's timestamp at or after ``since_ms``
        whose mid is not the ``sent_mid`` of any row; oldest first.
        """
        ...

    async def claimed_mids(self, account: str, mids: Collection[str]) -> frozenset[str]:
        """Those of the mids that are the ``sent_mid`` of a row of the account."""
        ...


class DeadLetters(Protocol):
    """What was given up."""

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Adds them; those already there are left alone."""
        ...

    async def dead_letters(
        self, *, limit: int, before_ms: int | None = None
    ) -> tuple[DeadLetter, ...]:
        """The newest, newest first."""
        ...


class Store(Leases, Members, Turns, Ledger, DeadLetters, Protocol):
    """All of it. ``async with`` opens and closes; one per process."""

    async def __aenter__(self) -> Self:
        """Connects and brings the schema up to date; safe while another process does the same.
        Raises PartitionMismatch, StoreUnavailable.
        """
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def check(self) -> None:
        """Raises StoreUnavailable unless the database answers."""
        ...

    async def counts(self) -> Counts:
        """Sums for measures."""
        ...
