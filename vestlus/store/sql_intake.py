"""The way in, in SQL: events recorded with what they change, and looked up by Meta's ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    bindparam,
    literal_column,
    select,
    union_all,
)

from vestlus.errors import ValuesRefused
from vestlus.store import schema
from vestlus.store.rows import EventState, Lease, NewEvent, RecordedEvent
from vestlus.store.sql_arrivals import Arrival, marks_of, people_of, refused, row_of
from vestlus.store.sql_changes import Changes
from vestlus.store.sql_codec import cleaned, event_of, rows_parameter
from vestlus.store.sql_dead_letters import SqlDeadLetters
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_graves import anew_from, is_living
from vestlus.store.sql_standing import Occasion

_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c

_EVENT_COLUMNS: Final[dict[str, Any]] = {
    "key": Text(),
    "kind": Text(),
    "account": Text(),
    "user_id": Text(),
    "conversation": Text(),
    "partition": Integer(),
    "mid": Text(),
    "timestamp_ms": BigInteger(),
    "recorded_ms": BigInteger(),
    "state": Text(),
    "payload": Text(),
}
_PEOPLE_COLUMNS: Final[dict[str, Any]] = {
    "id": Text(),
    "account": Text(),
    "user_id": Text(),
    "partition": Integer(),
    "user_ms": BigInteger(),
}


class SqlIntake(SqlDeadLetters):
    """Records and finds events. See :class:`~vestlus.store.port.Turns`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._changes = Changes(dialect, outbox_partitions)
        rows = dialect.rows({"n": Integer(), **_EVENT_COLUMNS, "grave": Text()})
        # Rows are numbered by the database in the order of the select: both insert one after the
        # other as the sorted select gives them.
        self._insert = (
            dialect.insert(schema.inbox_event)
            .from_select(
                list(_EVENT_COLUMNS),
                select(*(rows.c[n] for n in _EVENT_COLUMNS))
                .where(is_living(rows))
                .order_by(rows.c.n),
            )
            .on_conflict_do_nothing(index_elements=["key"])
            .returning(_EVENT.key, _EVENT.seq)
        )
        whose = dialect.rows({**_PEOPLE_COLUMNS, "grave": Text()})
        anew = anew_from(whose)
        meet = dialect.insert(schema.conversation).from_select(
            [*_PEOPLE_COLUMNS, *anew],
            select(*(whose.c[n] for n in _PEOPLE_COLUMNS), *anew.values()).order_by(whose.c.id),
        )
        # Leaves the rows of known conversations unlocked.
        self._meet = meet.on_conflict_do_nothing(index_elements=["id"])
        self._hear = meet.on_conflict_do_update(
            index_elements=["id"],
            set_={"user_ms": meet.excluded.user_ms},
            where=schema.conversation.c.user_ms < meet.excluded.user_ms,
        )
        account = bindparam("account", type_=Text())
        self._users = union_all(
            select(_EVENT.mid, _EVENT.user_id).where(
                _EVENT.account == account,
                dialect.one_of(_EVENT.mid, "mids"),
                _EVENT.user_id.is_not(None),
            ),
            select(_LEDGER.sent_mid, _LEDGER.user_id).where(
                _LEDGER.account == account, dialect.one_of(_LEDGER.sent_mid, "mids")
            ),
        )

        self._unanswered_after = (
            select(_EVENT.seq, _EVENT.payload, _EVENT.recorded_ms)
            .where(
                _EVENT.conversation == bindparam("of", type_=Text()),
                _EVENT.state == literal_column(schema.PENDING, Text),
                _EVENT.seq > bindparam("after", type_=BigInteger()),
            )
            .order_by(_EVENT.seq)
            .limit(bindparam("most", type_=BigInteger()))
        )

    async def unanswered_after(
        self, conversation: str, after: int, limit: int
    ) -> tuple[RecordedEvent, ...]:
        """See :meth:`vestlus.store.port.Turns.unanswered_after`."""
        values = {"of": conversation, "after": after, "most": limit}
        rows = await self._database.fetch(self._unanswered_after, values)
        return tuple(
            RecordedEvent(seq, event_of(payload), EventState.PENDING, at_ms)
            for seq, payload, at_ms in rows
        )

    async def record(
        self, batches: Sequence[tuple[Lease, Sequence[NewEvent]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        """See :meth:`vestlus.store.port.Turns.record`."""
        if not batches:
            return []
        try:
            return await self._record(batches, now_ms)
        except ValuesRefused:
            return [await self._record_apart(lease, events, now_ms) for lease, events in batches]

    async def _record_apart(
        self, lease: Lease, events: Sequence[NewEvent], now_ms: int
    ) -> list[RecordedEvent] | None:
        """Records a batch one by one, so that what the database refuses stops no other event."""
        recorded: list[RecordedEvent] = []
        for new in events:
            try:
                alone = (await self._record([(lease, [new])], now_ms))[0]
            except ValuesRefused:
                await self.bury([refused(new, now_ms)])
                continue
            if alone is None:
                return None
            recorded += alone
        return recorded

    async def _record(
        self, batches: Sequence[tuple[Lease, Sequence[NewEvent]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        rows = [[row_of(new, lease, now_ms) for new in events] for lease, events in batches]

        def work(connection: Connection) -> list[list[RecordedEvent] | None]:
            held = self._held(connection, (lease for lease, _ in batches))
            wanted: dict[str, Arrival] = {}
            for (lease, events), batch in zip(batches, rows, strict=True):
                if lease in held:
                    for new, row in zip(events, batch, strict=True):
                        wanted.setdefault(new.event.key, Arrival(new, row))
            arrivals = self._store(connection, list(wanted.values()))
            became = self._carry_out(connection, list(arrivals.values()), now_ms)
            answer: list[list[RecordedEvent] | None] = []
            for lease, events in batches:
                if lease not in held:
                    answer.append(None)
                    continue
                recorded = []
                for new in events:
                    arrival = arrivals.pop(new.event.key, None)
                    if arrival is not None:
                        state = became.get(arrival.seq, arrival.new.state)
                        recorded.append(
                            RecordedEvent(arrival.seq, arrival.new.event, state, now_ms)
                        )
                answer.append(recorded)
            return answer

        return await self._database.write(work)

    def _store(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[str, Arrival]:
        """Inserts what is new and of nobody who was erased since: by key, numbered."""
        if not arrivals:
            return {}
        numbered = [
            {"n": place, **one.row, "grave": one.new.grave or None}
            for place, one in enumerate(arrivals)
        ]
        inserted = connection.execute(self._insert, {"rows": rows_parameter(numbered)})
        seqs: dict[object, int] = dict(inserted.all())
        new: dict[str, Arrival] = {}
        for one in arrivals:
            seq = seqs.get(one.row["key"])
            if seq is not None:
                one.seq = seq
                new[one.new.event.key] = one
        return new

    def _carry_out(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        now_ms: int,
    ) -> dict[int, EventState]:
        """Makes conversations where they are missing, and does what the new events change."""
        people, heard = people_of(arrivals, now_ms)
        occasions = [
            Occasion(one.seq, one.conversation, one.new.change, one.new.event.traceparent)
            for one in arrivals
            if one.new.change is not None and one.conversation is not None
        ]
        marks = marks_of(arrivals)
        if not occasions:
            silent = [row for id_, row in people.items() if id_ not in heard]
            if silent:
                connection.execute(self._meet, {"rows": rows_parameter(silent)})
            if heard:
                rows = [{**people[id_], "user_ms": at_ms} for id_, at_ms in heard.items()]
                connection.execute(self._hear, {"rows": rows_parameter(rows)})
            return self._changes.apply(connection, {}, (), marks, now_ms)
        connection.execute(self._meet, {"rows": rows_parameter(list(people.values()))})
        concerned = {one.conversation for one in occasions}
        standings = self._changes.lock(connection, concerned.union(heard))
        for id_, at_ms in heard.items():
            standings[id_].hear(at_ms)
        became = self._changes.apply(connection, standings, occasions, marks, now_ms)
        self._changes.write(connection, standings.values())
        return became

    async def users_of(self, account: str, mids: Collection[str]) -> dict[str, str]:
        """See :meth:`vestlus.store.port.Turns.users_of`."""
        if not mids:
            return {}
        rows = await self._database.fetch(
            self._users, {"account": cleaned(account), "mids": self._dialect.value_set(mids)}
        )
        return {row.mid: row.user_id for row in rows}
