"""The store over SQL: its parts put together, opened and closed."""

from __future__ import annotations

from copy import copy
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Select, func, literal_column, select

from vestlus.conversation.window import WINDOW_MS
from vestlus.store import schema
from vestlus.store.migrate import bring_up_to_date
from vestlus.store.rows import Counts, LetterState
from vestlus.store.sql_bank import SqlBank
from vestlus.store.sql_claims import SqlClaims
from vestlus.store.sql_commits import SqlCommits
from vestlus.store.sql_content import SqlContent
from vestlus.store.sql_database import Database
from vestlus.store.sql_desk import SqlDesk, has_something_open
from vestlus.store.sql_dialect import Backend, Dialect
from vestlus.store.sql_echoes import SqlEchoes
from vestlus.store.sql_erasing import SqlErasing
from vestlus.store.sql_history import SqlHistory
from vestlus.store.sql_intake import SqlIntake
from vestlus.store.sql_leases import SqlLeases
from vestlus.store.sql_ledger import SqlLedger
from vestlus.store.sql_measures import SqlMeasures
from vestlus.store.sql_members import SqlMembers
from vestlus.store.sql_missed import SqlMissed
from vestlus.store.sql_occurrences import SqlOccurrences
from vestlus.store.sql_open_work import CLOSING_SOON_MS, SqlOpenWork
from vestlus.store.sql_operators import SqlOperators
from vestlus.store.sql_pools import SqlPools
from vestlus.store.sql_posts import SqlPosts
from vestlus.store.sql_preserving import SqlPreserving
from vestlus.store.sql_pruning import SqlPruning
from vestlus.store.sql_schedules import SqlSchedules
from vestlus.store.sql_sign_in import SqlSignIn
from vestlus.store.sql_talk_search import SqlTalkSearch
from vestlus.store.sql_talks import SqlTalks
from vestlus.store.sql_transcripts import SqlTranscripts
from vestlus.store.sql_transitions import SqlTransitions
from vestlus.store.sql_triggers import SqlTriggers
from vestlus.store.sql_turns import SqlTurns
from vestlus.store.sql_usage import SqlUsage


class SqlStore(
    SqlErasing,
    SqlLeases,
    SqlMembers,
    SqlIntake,
    SqlEchoes,
    SqlTurns,
    SqlHistory,
    SqlCommits,
    SqlLedger,
    SqlTransitions,
    SqlMissed,
    SqlBank,
    SqlDesk,
    SqlOpenWork,
    SqlPosts,
    SqlPools,
    SqlSchedules,
    SqlClaims,
    SqlOccurrences,
    SqlTriggers,
    SqlPruning,
    SqlOperators,
    SqlMeasures,
    SqlUsage,
    SqlPreserving,
    SqlSignIn,
    SqlTalks,
    SqlTalkSearch,
    SqlTranscripts,
    SqlContent,
):
    """The :class:`~vestlus.store.port.Store` over PostgreSQL or SQLite.

    One per process and event loop. Survives restarts of the database: calls fail with
    StoreUnavailable while it is away, within seconds, and work again when it is back.
    """

    _backend: Backend
    _partitions: int

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._check: Select[Any] = select(literal_column("1"))
        self._now = select(dialect.now_ms())
        event, ledger = schema.inbox_event.c, schema.ledger.c
        self._events = select(event.kind, event.state, func.count()).group_by(
            event.kind, event.state
        )
        self._sends = select(ledger.state, func.count()).group_by(ledger.state)
        talk, now = schema.conversation.c, dialect.now_ms()
        self._waiting_people = (
            select(func.count())
            .select_from(schema.conversation)
            .where(talk.waiting_ms > schema.ZERO)
        )
        self._closing = (
            select(func.count())
            .select_from(schema.conversation)
            .where(
                talk.user_ms > now - WINDOW_MS,
                talk.user_ms <= now - WINDOW_MS + CLOSING_SOON_MS,
                has_something_open(),
            )
        )
        self._letters = (
            select(func.count())
            .select_from(schema.dead_letter)
            .where(schema.dead_letter.c.state == str(LetterState.OPEN))
        )
        self._posts_by_state = select(schema.post.c.state, func.count()).group_by(
            schema.post.c.state
        )
        self._occurrences_by_state = select(schema.occurrence.c.state, func.count()).group_by(
            schema.occurrence.c.state
        )

    def over(self, backend: Backend, partitions: int) -> Self:
        """A store with these statements over a database that speaks their language."""
        store = copy(self)
        store._database = Database(backend)  # noqa: SLF001  the copy is one of us
        store._backend = backend  # noqa: SLF001
        store._partitions = partitions  # noqa: SLF001
        return store

    async def __aenter__(self) -> Self:
        """See :meth:`vestlus.store.port.Store.__aenter__`."""
        try:
            await bring_up_to_date(
                self._backend,
                made_for={
                    "partitions": self._partitions,
                    "outbox_partitions": self._outbox_partitions,
                },
            )
        except BaseException:
            # It was asked on a pooled connection what there is to do.
            await self._database.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the connections."""
        await self._database.close()

    async def check(self) -> None:
        """See :meth:`vestlus.store.port.Store.check`."""
        await self._database.fetch(self._check)

    async def now_ms(self) -> int:
        """See :meth:`vestlus.store.port.Store.now_ms`."""
        rows = await self._database.fetch(self._now)
        return int(rows[0][0])

    async def counts(self) -> Counts:
        """See :meth:`vestlus.store.port.Store.counts`. Reads the tables whole."""
        events = await self._database.fetch(self._events)
        sends = await self._database.fetch(self._sends)
        letters = await self._database.fetch(self._letters)
        waiting = await self._database.fetch(self._waiting_people)
        closing = await self._database.fetch(self._closing)
        posts = await self._database.fetch(self._posts_by_state)
        occurrences = await self._database.fetch(self._occurrences_by_state)
        return Counts(
            events={f"{kind}/{state}": number for kind, state, number in events},
            sends={row[0]: row[1] for row in sends},
            dead_letters=letters[0][0],
            waiting=waiting[0][0],
            closing=closing[0][0],
            tokens=await self.tokens(),
            posts={row[0]: row[1] for row in posts},
            occurrences={row[0]: row[1] for row in occurrences},
        )
