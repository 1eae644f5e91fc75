"""A user erased, in SQL. See :mod:`vestlus.store.erasing`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Row, Text, bindparam, func, select, update

from vestlus.conversation.identity import outbox_partition_of
from vestlus.errors import ConversationPreserved
from vestlus.store import schema
from vestlus.store.erasing import (
    AHEAD_MS,
    GIVEN_BY_HAND,
    MOST_ROWS,
    SWEEP_MS,
    UNDER_WAY_MS,
    Erasure,
    ErasureState,
    UserData,
    Whom,
    entry_of,
)
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.rows import MOST_SENDS, NewSend
from vestlus.store.sql_audit import add_entry
from vestlus.store.sql_codec import cleaned, rows_parameter
from vestlus.store.sql_dead_letters import DEAD_QUEUE_LEASE
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_erasures import SqlErasures
from vestlus.store.sql_leases import SqlLeases
from vestlus.store.sql_preserving import is_preserved
from vestlus.store.sql_promises import Promises
from vestlus.store.sql_user_rows import UserRows
from vestlus.store.user_letters import Kept

_TOMB: Final = schema.tombstone.c
_CONVERSATION: Final = schema.conversation.c

#: A conversation that begins anew while rows of the one before are still there counts its messages
#: from so much further on: whatever is read of it never reaches back to them.
FAR_AWAY: Final = 1_000_000


class SqlErasing(SqlLeases, SqlErasures):
    """See :class:`~vestlus.store.erasing.Erasing`.

    What others do with a user's rows they do under the lease of a partition: an erasure locks those
    leases for writing, and whoever holds one waits for its end, some milliseconds. Afterwards they
    find no row to change: a turn's commit is a conflict, a send's step is stale, and an event that
    is recorded meets the tombstone.
    """

    #: Rows of each table that one transaction takes away.
    most_rows: int = MOST_ROWS

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._user_rows = UserRows(dialect)
        self._farewells = Promises(dialect, outbox_partitions)
        of = bindparam("of", type_=Text())
        self._erased_row = (
            select(_CONVERSATION.version, _CONVERSATION.messages)
            .where(_CONVERSATION.id == of)
            .with_for_update()
        )
        self._tomb_before = select(_TOMB.version, _TOMB.messages, _TOMB.at_ms).where(
            _TOMB.grave == bindparam("name", type_=Text())
        )
        add = dialect.insert(schema.tombstone)
        self._lay = add.on_conflict_do_update(
            index_elements=["grave"],
            set_={
                column.name: add.excluded[column.name]
                for column in schema.tombstone.columns
                if column.name != "grave"
            },
        )
        self._of_code = select(_TOMB.conversation, _TOMB.messages, _TOMB.seq, _TOMB.version).where(
            _TOMB.code == bindparam("named", type_=Text()), _TOMB.conversation != ""
        )
        self._due_sweeps = (
            select(_TOMB.grave)
            .where(_TOMB.conversation != "", _TOMB.sweep_ms <= bindparam("now", type_=BigInteger()))
            .order_by(_TOMB.sweep_ms, _TOMB.grave)
            .limit(bindparam("most", type_=BigInteger()))
        )
        self._open_tomb = (
            select(schema.tombstone)
            .where(_TOMB.grave == bindparam("name", type_=Text()), _TOMB.conversation != "")
            .with_for_update()
        )
        # Locked: whoever writes just now begins anew, or has done so before.
        self._came_back = (
            select(_CONVERSATION.user_ms).where(_CONVERSATION.id == of).with_for_update()
        )
        self._forget_tomb = (
            update(schema.tombstone)
            .where(_TOMB.grave == bindparam("name", type_=Text()))
            .values(
                conversation="",
                farewell="",
                echo_ms=func.coalesce(bindparam("until", type_=BigInteger()), _TOMB.echo_ms),
            )
        )

    async def user_data(self, account: str, user: str, conversation: str) -> UserData:
        """See :meth:`vestlus.store.erasing.Erasing.user_data`."""
        whose = Kept(cleaned(account), cleaned(user), conversation)
        return await self._database.read(lambda connection: self._user_rows.read(connection, whose))

    async def user_counts(self, conversation: str) -> Mapping[str, int]:
        """See :meth:`vestlus.store.erasing.Erasing.user_counts`."""
        of = cleaned(conversation)
        return await self._database.read(lambda connection: self._user_rows.count(connection, of))

    async def erase(
        self,
        erasure: Erasure,
        whom: Collection[Whom],
        *,
        even_preserved: bool = False,
        entry: AuditEntry | None = None,
    ) -> Erasure:
        """See :meth:`vestlus.store.erasing.Erasing.erase`."""

        def work(connection: Connection) -> Erasure:
            by_hand = erasure.way in GIVEN_BY_HAND
            graves = [one.grave for one in whom] if by_hand else []
            known = self._recorded_of(connection, erasure.code, graves)
            if known is not None:
                return known
            self._lock_for(connection, whom)
            if not even_preserved:
                self._refuse_preserved(connection, whom)
            now_ms = int(connection.execute(select(self._dialect.now_ms())).scalar_one())
            counts: Counter[str] = Counter()
            for one in sorted(whom, key=lambda one: one.conversation):
                counts += self._erase_one(connection, one, erasure.code, now_ms)
            done = erasure.state is ErasureState.DONE
            made = replace(
                erasure, asked_ms=now_ms, done_ms=now_ms if done else 0, counts=dict(counts)
            )
            self._record_erasure(connection, made)
            add_entry(connection, entry_of(made, entry))
            return replace(made, is_new=True)

        return await self._database.write(work)

    def _lock_for(self, connection: Connection, whom: Collection[Whom]) -> None:
        """Locks the leases of all who may be at work on these users; in one order, as everywhere.

        A lease that nobody has ever held is made, so that whoever takes it now waits.
        """
        names = {DEAD_QUEUE_LEASE}
        for one in whom:
            outbox = outbox_partition_of(one.account, self._outbox_partitions)
            names |= {inbox_lease(one.partition), outbox_lease(outbox)}
        rows = rows_parameter([{"name": name} for name in sorted(names)])
        connection.execute(self._make, {"rows": rows})
        connection.execute(self._lock, {"names": self._dialect.value_set(names)})

    def _refuse_preserved(self, connection: Connection, whom: Collection[Whom]) -> None:
        kept = tuple(
            one
            for one in sorted(one.conversation for one in whom)
            if is_preserved(connection, self._dialect, one)
        )
        if kept:
            raise ConversationPreserved(kept)

    def _erase_one(
        self, connection: Connection, whom: Whom, code: str, now_ms: int
    ) -> Counter[str]:
        whose = Kept(cleaned(whom.account), cleaned(whom.user), whom.conversation)
        row = connection.execute(self._erased_row, {"of": whom.conversation}).one_or_none()
        before = connection.execute(self._tomb_before, {"name": whom.grave}).one_or_none()
        version = max(row.version if row else 0, before.version if before else 0)
        newest = self._user_rows.newest(connection, whose)
        counts = self._user_rows.take_away(connection, whose, self.most_rows)
        more = self._was_too_much(counts)
        messages = max(row.messages if row else 0, before.messages if before else 0)
        farewell = self._farewell(connection, whom, version + 1, now_ms)
        at_ms = max(now_ms, min(newest.timestamp_ms, now_ms + AHEAD_MS))
        connection.execute(
            self._lay,
            {
                "grave": whom.grave,
                "at_ms": max(at_ms, before.at_ms if before else 0),
                "echo_ms": at_ms + UNDER_WAY_MS,
                # The last word has a version of its own, and the next conversation another.
                "version": version + 2,
                "messages": messages + FAR_AWAY if more else messages,
                "seq": newest.seq,
                "code": code,
                "conversation": whom.conversation,
                "farewell": farewell,
                "sweep_ms": now_ms + SWEEP_MS,
                "hours": 0,
                "counted_ms": now_ms,
            },
        )
        return counts

    def _farewell(self, connection: Connection, whom: Whom, turn: int, now_ms: int) -> str:
        """The last word, as a send without a conversation; its id, empty where there is none."""
        if whom.farewell is None:
            return ""
        id_ = f"{whom.conversation}.{turn}.0"
        last = NewSend(
            id=id_,
            account=whom.account,
            user=whom.user,
            conversation=whom.conversation,
            position=turn * MOST_SENDS,
            text=whom.farewell.text,
            answers=(),
            due_ms=0,
            deadline_ms=whom.farewell.deadline_ms,
            turn=turn,
        )
        self._farewells.add(connection, [last], now_ms)
        return id_

    async def erase_more(self, code: str) -> bool:
        """See :meth:`vestlus.store.erasing.Erasing.erase_more`."""

        def work(connection: Connection) -> bool:
            counts: Counter[str] = Counter()
            for tomb in connection.execute(self._of_code, {"named": cleaned(code)}).all():
                counts += self._take_more(connection, tomb)
            self._add_counts(connection, code, counts)
            return self._was_too_much(counts)

        return await self._database.write(work)

    def _take_more(self, connection: Connection, tomb: Row[*tuple[Any, ...]]) -> Counter[str]:
        return self._user_rows.take_more(
            connection,
            tomb.conversation,
            position=tomb.messages,
            seq=tomb.seq,
            # The last word's own turn is one before that of the next conversation.
            turn=tomb.version - 1,
            most=self.most_rows,
        )

    def _was_too_much(self, counts: Counter[str]) -> bool:
        """Whether a transaction may have left something for want of room."""
        return any(count >= self.most_rows for count in counts.values())

    async def unswept(self, limit: int) -> tuple[str, ...]:
        """See :meth:`vestlus.store.erasing.Erasing.unswept`."""

        def work(connection: Connection) -> tuple[str, ...]:
            now_ms = connection.execute(select(self._dialect.now_ms())).scalar_one()
            due = connection.execute(self._due_sweeps, {"now": now_ms, "most": limit})
            return tuple(due.scalars())

        return await self._database.read(work)

    async def sweep(self, grave: str) -> bool:
        """See :meth:`vestlus.store.erasing.Erasing.sweep`."""
        return await self._database.write(self._sweeping(grave))

    def _sweeping(self, grave: str) -> Callable[[Connection], bool]:
        def work(connection: Connection) -> bool:
            tomb = connection.execute(self._open_tomb, {"name": grave}).one_or_none()
            if tomb is None:
                return True
            left = self._take_more(connection, tomb)
            self._add_counts(connection, tomb.code, left)
            until_ms = self._user_rows.ended_ms(connection, tomb.farewell)
            if until_ms is None or self._was_too_much(left):
                return False
            came_back = connection.execute(self._came_back, {"of": tomb.conversation}).scalar()
            if came_back:
                self._user_rows.take_farewell(connection, tomb.conversation, tomb.farewell)
            else:
                self._user_rows.take_stragglers(connection, tomb.conversation)
            until = until_ms + UNDER_WAY_MS if until_ms else None
            connection.execute(self._forget_tomb, {"name": grave, "until": until})
            return True

        return work
