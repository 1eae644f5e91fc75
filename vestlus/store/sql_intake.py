"""The way in, in SQL: events recorded, and looked up by what Meta calls them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, select, union_all

from vestlus.conversation.events import Event, calls_for_answer
from vestlus.store import schema
from vestlus.store.names import partition_number
from vestlus.store.rows import EventState, Lease, RecordedEvent
from vestlus.store.sql_codec import cleaned, event_payload, rows_parameter, within_range
from vestlus.store.sql_database import Database
from vestlus.store.sql_part import SqlPart

_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c

#: Meta's mids have under 200 characters. PostgreSQL refuses index entries over 2,704 bytes, and one
#: absurd mid must not hold up its whole partition: it is kept, but cannot be looked up.
_LONGEST_INDEXED: Final = 2_000

Row = dict[str, str | int | None]


class SqlIntake(SqlPart):
    """Records and finds events. See :class:`~vestlus.store.port.Turns`."""

    def __init__(self, database: Database, outbox_partitions: int) -> None:
        super().__init__(database, outbox_partitions)
        dialect = database.dialect
        columns: dict[str, Any] = {
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
        rows = dialect.rows({"n": Integer(), **columns})
        # Rows are numbered by the database in the order of the select: both insert one after the
        # other as the sorted select gives them.
        self._insert = (
            dialect.insert(schema.inbox_event)
            .from_select(list(columns), select(*(rows.c[n] for n in columns)).order_by(rows.c.n))
            .on_conflict_do_nothing(index_elements=["key"])
            .returning(_EVENT.key, _EVENT.seq)
        )
        people: dict[str, Any] = {
            "id": Text(),
            "account": Text(),
            "user_id": Text(),
            "partition": Integer(),
        }
        whose = dialect.rows(people)
        self._meet = (
            dialect.insert(schema.conversation)
            .from_select(list(people), select(*(whose.c[n] for n in people)).order_by(whose.c.id))
            .on_conflict_do_nothing(index_elements=["id"])
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

    async def record(
        self, batches: Sequence[tuple[Lease, Sequence[Event]]], now_ms: int
    ) -> list[list[RecordedEvent] | None]:
        """See :meth:`vestlus.store.port.Turns.record`."""
        if not batches:
            return []
        states = {event.key: _first_state(event) for _, events in batches for event in events}
        rows = [
            [_row(event, lease, states[event.key], now_ms) for event in events]
            for lease, events in batches
        ]

        def work(connection: Connection) -> list[list[RecordedEvent] | None]:
            held = self._held(connection, (lease for lease, _ in batches))
            wanted: dict[str, Row] = {}
            for (lease, _), batch in zip(batches, rows, strict=True):
                if lease in held:
                    for row in batch:
                        wanted.setdefault(str(row["key"]), row)
            new = self._store(connection, list(wanted.values()))
            answer: list[list[RecordedEvent] | None] = []
            for lease, events in batches:
                if lease not in held:
                    answer.append(None)
                    continue
                recorded = [
                    RecordedEvent(new.pop(event.key), event, states[event.key], now_ms)
                    for event in events
                    if event.key in new
                ]
                answer.append(recorded)
            return answer

        return await self._database.write(work)

    def _store(self, connection: Connection, rows: list[Row]) -> dict[str, int]:
        """Inserts what is new; its keys and numbers."""
        if not rows:
            return {}
        numbered = [{"n": place, **row} for place, row in enumerate(rows)]
        inserted = connection.execute(self._insert, {"rows": rows_parameter(numbered)})
        new: dict[str, int] = {row.key: row.seq for row in inserted}
        met: dict[str | int, Row] = {
            row["conversation"]: {
                "id": row["conversation"],
                "account": row["account"],
                "user_id": row["user_id"],
                "partition": row["partition"],
            }
            for row in rows
            if row["conversation"] is not None and row["user_id"] is not None and row["key"] in new
        }
        if met:
            connection.execute(self._meet, {"rows": rows_parameter(list(met.values()))})
        return new

    async def users_of(self, account: str, mids: Collection[str]) -> dict[str, str]:
        """See :meth:`vestlus.store.port.Turns.users_of`."""
        if not mids:
            return {}
        rows = await self._database.fetch(
            self._users, {"account": cleaned(account), "mids": self._dialect.value_set(mids)}
        )
        return {row.mid: row.user_id for row in rows}


def _first_state(event: Event) -> EventState:
    is_asked = event.conversation is not None and calls_for_answer(event)
    return EventState.PENDING if is_asked else EventState.NOTED


def _row(event: Event, lease: Lease, state: EventState, now_ms: int) -> Row:
    return {
        "key": event.key,
        "kind": str(event.kind),
        "account": event.account,
        "user_id": event.user,
        "conversation": event.conversation,
        "partition": partition_number(lease.name),
        "mid": _indexed(event),
        "timestamp_ms": within_range(event.timestamp_ms),
        "recorded_ms": now_ms,
        "state": str(state),
        "payload": event_payload(event),
    }


def _indexed(event: Event) -> str | None:
    if (
        event.mid is None
        or len((event.account + event.mid).encode(errors="replace")) > _LONGEST_INDEXED
    ):
        return None
    return event.mid
