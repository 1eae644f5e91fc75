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

from vestlus.conversation.history import HistoryMessage
from vestlus.store.content_port import Content
from vestlus.store.erasing import Erasing
from vestlus.store.measure_port import Backlogs, Minutes, PostsOfDay, ProcessMeasures
from vestlus.store.operator_port import Operators
from vestlus.store.plan_port import Occurrences, Schedules, Triggers
from vestlus.store.pool_rows import Pool, PoolState, PoolWish
from vestlus.store.post_rows import NewPost, PostRow, PostStep, PostStepResult, PostTimes
from vestlus.store.preserving import Preserving
from vestlus.store.pruning import Pruning
from vestlus.store.rows import (
    CommitResult,
    ConversationRow,
    Counts,
    DeadLetter,
    Draft,
    EchoRow,
    Lease,
    LettersWanted,
    Member,
    MemberKind,
    NewEvent,
    RecentSend,
    RecordedEvent,
    RecordedMessage,
    SendRow,
    Settled,
    Transition,
    TransitionResult,
    TurnCommit,
)
from vestlus.store.talk_port import Talks
from vestlus.store.token_rows import TokenRow
from vestlus.store.trail import Moment
from vestlus.store.usage_port import ModelUsage


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

    async def retire(self, member: Member) -> None:
        """Signs a member off that ends in good order: from now on nothing is assigned to it.

        Its leases stay its own until they are released. It must give no sign of life afterwards.
        """
        ...

    async def leave(self, member: Member) -> None:
        """Forgets the member and its assignments, and frees the leases that this incarnation
        holds; for a planned end, or for a member whose process is known to be gone.
        """
        ...


class Turns(Protocol):
    """The way in: events recorded, conversations loaded, turns committed."""

    async def record(
        self, batches: Sequence[tuple[Lease, Sequence[NewEvent]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        """Stores events, by batch: the new ones in order, without those already known.

        All batches share a transaction. ``None`` for a batch whose lease is lost, of which
        nothing is stored. Conversations are made where they are missing. Events without a
        conversation are stored too. The changes of new events are applied in the same
        transaction, in order; those of known ones are not. States are those after the changes.
        What cancelled answers were to answer is PENDING again if the user saw nothing of them,
        unless the change says that somebody answered everything before it. Of that, the commands
        of a user (stop, start, delete) stay PENDING.
        A new PENDING event moves its conversation's ``user_ms`` up to when the user wrote.
        The first echo that is told to be a send's stays that send's echo. An event whose values
        the database does not take becomes a dead letter, and stops no other one.
        """
        ...

    async def recent_sends(
        self, conversations: Collection[str], since_ms: int
    ) -> dict[str, tuple[RecentSend, ...]]:
        """By conversation, the ledger rows of which a request was begun since then, or whose
        ``sent_mid`` was recorded since; oldest first.
        """
        ...

    async def undetermined(self, lease: Lease) -> tuple[RecordedEvent, ...]:
        """The partition's UNDETERMINED echoes, oldest first. Raises LeaseLost."""
        ...

    async def settle(self, lease: Lease, settled: Sequence[Settled], now_ms: int) -> None:
        """Ends the undetermined state of echoes that are still in it, with their changes; a
        conversation without any other such echo is not held any more. Raises LeaseLost.
        """
        ...

    async def texts_of(
        self, account: str, conversation: str, mids: Collection[str]
    ) -> dict[str, str]:
        """Mid → text, for messages of the conversation: the user's, a person's and ours.

        What has no text, or was taken back, is left out.
        """
        ...

    async def part_of_history(
        self, conversation: str, first: int, count: int
    ) -> tuple[HistoryMessage, ...]:
        """That many messages of the history from a position on, without removed ones."""
        ...

    async def keep_summary(
        self,
        lease: Lease,
        conversation: str,
        *,
        summary: str,
        summarised: int,
        version: int | None = None,
    ) -> bool:
        """Notes what the first ``summarised`` messages say, unless more are summed up already, or
        the conversation has another version than the one given; whether it did. Raises LeaseLost.
        """
        ...

    async def users_of(self, account: str, mids: Collection[str]) -> dict[str, str]:
        """Mid → user, for the messages of an account that are known, in or out."""
        ...

    async def take_over(self, lease: Lease) -> tuple[str, ...]:
        """The partition's conversations with unanswered events, oldest event first, each of
        whose ``takeovers`` is raised by one, but for those that wait: for people, or for the time
        of the next try. Raises LeaseLost.
        """
        ...

    async def load(
        self, conversations: Collection[str], history: int, *, unanswered: int | None = None
    ) -> dict[str, ConversationRow]:
        """Conversations with their newest ``history`` messages and their unanswered events.

        ``unanswered``: of each conversation only so many of these, the first in order of
        recording.
        """
        ...

    async def unanswered_after(
        self, conversation: str, after: int, limit: int
    ) -> tuple[RecordedEvent, ...]:
        """The first unanswered events of a conversation that were recorded after the event
        ``after``, at most ``limit``, in order of recording.
        """
        ...

    async def commit_turns(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        """Commits turns, in one transaction, each wholly or not at all.

        A turn conflicts when its conversation's version differs or one of its events is not
        PENDING any more. A committed one cancels what was decided before it, if its ``after`` says
        so, marks its events ANSWERED, adds its history and sends, raises the version and sets
        failures, takeovers, probes and wake time to 0, and then what else its ``after`` says. A
        turn whose values the database does not take is REFUSED, and stops nobody else's.
        """
        ...

    async def postpone(
        self,
        lease: Lease,
        conversation: str,
        *,
        wake_ms: int,
        failures: int,
        moment: Moment | None = None,
    ) -> None:
        """Notes a failed turn and when to try again; ``moment`` is for the history of a dead
        letter, should it come to one. Raises LeaseLost, and ConversationGone for an unknown one.
        """
        ...

    async def probe(self, lease: Lease, conversation: str) -> int:
        """Counts that a suspect's turn begins; returns the new count. Raises LeaseLost, and
        ConversationGone for an unknown one.
        """
        ...

    async def absolve(self, lease: Lease, conversation: str) -> None:
        """Sets takeovers and probes to 0: a suspect's turn came to its end, and what is
        unanswered waits. Raises LeaseLost, and ConversationGone for an unknown one.
        """
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
        people: bool = False,
    ) -> tuple[SendRow, ...]:
        """The first unfinished row of each conversation of an outbox partition: nearest
        deadline first, at most ``limit``; only conversations of the rows ``ids``, if given,
        and none of the accounts ``without_accounts``, whose rows do not count. ``people``, not
        together with ``ids``: only rows that a person wrote.

        Rows that are not due yet are among them: callers see when to come back.
        """
        ...

    async def transition(
        self, lease: Lease, transitions: Sequence[Transition]
    ) -> list[TransitionResult]:
        """Makes the steps in one transaction, each on its own condition.

        A request of the bot's begins (PENDING to SENDING) only while nothing silences or holds
        its conversation; who records such a thing at the same moment comes wholly before or
        wholly after.
        """
        ...

    async def transitions(
        self, groups: Sequence[tuple[Lease, Sequence[Transition]]]
    ) -> list[list[TransitionResult]]:
        """The same of several partitions, each under its own lease, in one transaction."""
        ...

    async def heads(self, ids: Mapping[int, Collection[str]]) -> dict[int, tuple[SendRow, ...]]:
        """By outbox partition, what :meth:`unfinished` gives for these ``ids``, in one reading."""
        ...

    async def unclaimed_echoes(
        self, conversation: str, since_ms: int, of: str
    ) -> tuple[EchoRow, ...]:
        """Echoes recorded of this conversation with Meta's timestamp at or after ``since_ms``
        whose mid is not the ``sent_mid`` of any row, nor told to be the echo of another row than
        ``of``; oldest first.
        """
        ...

    async def overdue_drafts(self, outbox: int, now_ms: int, limit: int) -> tuple[SendRow, ...]:
        """Drafts of an outbox partition whose deadline has passed, oldest deadline first."""
        ...

    async def uploaded(self, account: str, files: Collection[str]) -> dict[str, str]:
        """File → Meta's reusable attachment id, for pictures that Instagram has already."""
        ...

    async def note_upload(self, account: str, file: str, attachment_id: str, now_ms: int) -> None:
        """Notes that Instagram has a picture, or, with an empty id, that it has it no more."""
        ...

    async def claimed_mids(self, account: str, mids: Collection[str]) -> frozenset[str]:
        """Those of the mids that are the ``sent_mid`` of a row of the account, or told to be the
        echo of one.
        """
        ...


class MissedMessages(Protocol):
    """How far it is known that no message was missed, and which messages are recorded."""

    async def looked_until(self, account: str) -> int:
        """Until when everything that Instagram had of the account is recorded; 0 for never."""
        ...

    async def note_looked(self, lease: Lease, account: str, until_ms: int) -> None:
        """Moves that time on; never back. Raises LeaseLost."""
        ...

    async def restored(self) -> int:
        """When the store was restored from a backup, milliseconds; 0 for never. What is known from
        before may have been answered since.
        """
        ...

    async def known_messages(
        self, account: str, conversation: str, mids: Collection[str], since_ms: int
    ) -> tuple[RecordedMessage, ...]:
        """Recorded messages of either side: those with these mids, and those of the conversation
        with Meta's timestamp since then. What tells only of a message, such as a reaction, is
        none.
        """
        ...


class DeadLetters(Protocol):
    """What was given up."""

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Adds them; those already there are left alone, unless they were replayed: such a one
        is open again, with this reason and body, and this history behind its own.
        """
        ...

    async def dead_letters(
        self, *, limit: int, wanted: LettersWanted | None = None
    ) -> tuple[DeadLetter, ...]:
        """The newest that are wanted, newest first, ties by id; all of them where not said."""
        ...

    async def dead_letter(self, letter: str) -> DeadLetter | None:
        """The one of that id, if there is one."""
        ...

    async def discard(self, letter: str, *, by: str, now_ms: int) -> bool:
        """Empties an open letter and notes who wanted that, and when; False for others."""
        ...

    async def note_replay(self, letter: str, *, by: str, now_ms: int) -> bool:
        """Notes that what an open letter held is on its way again; False for others.

        For letters of no conversation. Those of one are replayed by
        :attr:`~vestlus.store.rows.Change.replay`.
        """
        ...


class Bank(Protocol):
    """The image bank's catalogue, as JSON, and vectors of texts."""

    async def catalogue(self) -> dict[str, str]:
        """Picture id → its entry."""
        ...

    async def catalogue_stamp(self) -> str:
        """Differs after every change of the catalogue; cheap to ask for."""
        ...

    async def put_pictures(self, entries: Mapping[str, str], now_ms: int) -> None:
        """Adds entries, or replaces those of the same id."""
        ...

    async def remove_pictures(self, ids: Collection[str], now_ms: int) -> frozenset[str]:
        """Removes entries; returns the ids that were there."""
        ...

    async def embeddings(self, model: str, digests: Collection[str]) -> dict[str, bytes]:
        """Digest → vector, for the texts whose vectors are kept."""
        ...

    async def put_embeddings(self, model: str, vectors: Mapping[str, bytes]) -> None:
        """Keeps vectors; those already there are left alone."""
        ...


class Desk(Protocol):
    """What people who look after conversations read."""

    async def conversations(
        self, *, limit: int, waiting: bool = False, account: str | None = None
    ) -> tuple[ConversationRow, ...]:
        """The newest by the user's last message, or those that wait for a person, longest first;
        without histories and unanswered events.
        """
        ...

    async def unfinished_conversations(
        self,
        *,
        after_ms: int,
        before_ms: int,
        limit: int,
        account: str | None = None,
        waiting: bool = False,
    ) -> tuple[ConversationRow, ...]:
        """Conversations with a message unanswered, an answer not sent or a person waited for,
        whose user last wrote after and not later than these times; the longest ago first, without
        histories. ``waiting``: only those that wait for a person.
        """
        ...

    async def drafts(self, *, limit: int) -> tuple[Draft, ...]:
        """What waits for a person's yes, nearest deadline first."""
        ...


class Tokens(Protocol):
    """Access tokens of accounts. Whoever calls encrypts and decrypts them."""

    async def tokens(self) -> tuple[TokenRow, ...]:
        """Those of all accounts that have one, by account."""
        ...

    async def put_token(self, row: TokenRow) -> bool:
        """Writes the row if it is the next version of the account's, 1 where there is none;
        whether it did. False: somebody else changed it meanwhile, and nothing was written.
        """
        ...


class Posts(Protocol):
    """What is to be published, and what became of it."""

    async def add_posts(self, posts: Sequence[NewPost], now_ms: int) -> frozenset[str]:
        """Plans posts; those whose key or id is known are left alone. Returns the added ids."""
        ...

    async def recover_posts(self, lease: Lease, now_ms: int) -> int:
        """For a new holder: what the one before was publishing is LOOKING now, and what it was
        creating a container of is PLANNED; returns how many. Raises LeaseLost.
        """
        ...

    async def due_posts(
        self,
        outbox: int,
        now_ms: int,
        *,
        limit: int,
        without_accounts: Collection[str] = (),
    ) -> tuple[PostRow, ...]:
        """Posts of an outbox partition that have not ended and of which a step is due, the longest
        due first, none of the accounts ``without_accounts``.
        """
        ...

    async def post_step(self, lease: Lease, step: PostStep) -> PostStepResult:
        """Makes a step on its condition, and what it says of containers with it."""
        ...

    async def cancel_post(self, id_: str, now_ms: int) -> bool:
        """Takes a post back that nobody is publishing; False when it is too late for that."""
        ...

    async def post(self, id_: str) -> PostRow | None:
        """One post."""
        ...

    async def post_of_key(self, key: str) -> PostRow | None:
        """The post of an occasion."""
        ...

    async def posts(self, *, limit: int, account: str | None = None) -> tuple[PostRow, ...]:
        """The posts that were planned for the latest time, latest first, without containers."""
        ...

    async def post_times(self, account: str, since_ms: int) -> PostTimes:
        """What counts towards Meta's limits of a day: containers that were begun since then,
        and posts that were published, or may have been, by an attempt since then.
        """
        ...

    async def claimed_media(self, account: str, media: Collection[str]) -> frozenset[str]:
        """Those of Instagram's ids that are the ``media_id`` of a post already."""
        ...


class Pools(Protocol):
    """How many actors people wish for, and how many there are."""

    async def wishes(self) -> dict[Pool, PoolWish]:
        """What people wish for, of the pools for which they do."""
        ...

    async def wish(self, wishes: Mapping[Pool, str | None]) -> None:
        """Writes sizes as a person wishes them; None takes a wish back."""
        ...

    async def settle_wish(self, wish: PoolWish, configured: str | None) -> None:
        """Notes under which settings the wish was followed; with None, forgets the wish. Changes
        nothing when the wish is not as it was read.
        """
        ...

    async def tell_pools(self, states: Sequence[PoolState]) -> None:
        """Writes how the pools of a cluster are; what clusters of another day told is forgotten."""
        ...

    async def pools(self, within_seconds: float) -> tuple[PoolState, ...]:
        """How the pools are, as told within that time by the database's clock, by cluster."""
        ...


class Store(
    Leases,
    Members,
    Turns,
    Ledger,
    MissedMessages,
    DeadLetters,
    Bank,
    Desk,
    Tokens,
    Posts,
    Pools,
    Schedules,
    Occurrences,
    Triggers,
    Pruning,
    Operators,
    Minutes,
    ProcessMeasures,
    Backlogs,
    PostsOfDay,
    ModelUsage,
    Preserving,
    Erasing,
    Talks,
    Content,
    Protocol,
):
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

    async def now_ms(self) -> int:
        """The database's clock, milliseconds since 1970."""
        ...

    async def counts(self) -> Counts:
        """Sums over whole tables: dear where much is kept. See :meth:`Backlogs.open_work`."""
        ...
