"""What the tests of erasing share: users with something in every table, and whole dumps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, update

from tests.contract.store_support import (
    ACCOUNT,
    PARTITIONS,
    answered,
    changed,
    conversation,
    echo,
    hold_outbox,
    message,
    new,
    path,
    recorded,
    walk,
)
from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.privacy.graves import Graves
from vestlus.store import schema
from vestlus.store.erasing import Erasure, ErasureState, Farewell, Way, Whom
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import Change, DeadLetter, EventState, Lease, NewEvent, RecordedEvent
from vestlus.store.sql_store import SqlStore

GRAVES = Graves("the key of these tests, and of no other")
#: A word of the user's that stands in everything they say.
SECRET = "saladus"
#: Ids as Meta's are: an id is looked for in what nobody could read.
USER, OTHER = "900000000000001", "900000000000002"
ID = conversation_id(ACCOUNT, USER)

_codes = itertools.count(1)


def whom(user: str = "user", farewell: Farewell | None = None) -> Whom:
    """A user of ACCOUNT who is to be erased."""
    id_ = conversation_id(ACCOUNT, user)
    return Whom(
        account=ACCOUNT,
        user=user,
        conversation=id_,
        partition=partition_of(ACCOUNT, user, PARTITIONS),
        grave=GRAVES.of(id_),
        farewell=farewell,
    )


def wish(code: str = "", state: ErasureState = ErasureState.ERASED) -> Erasure:
    """An erasure as it is asked for."""
    return Erasure(
        code=code or f"CODE{next(_codes)}", asked_ms=0, way=Way.CLI, state=state, by="mari"
    )


async def erased(store: Store, user: str = "user", farewell: Farewell | None = None) -> Erasure:
    """Erases a user."""
    return await store.erase(wish(), [whom(user, farewell)])


async def came(store: Store, lease: Lease, *events: Event | NewEvent) -> list[RecordedEvent]:
    """Records events as hosts do: with a look at tombstones."""
    given = [one if isinstance(one, NewEvent) else new(one) for one in events]
    return await recorded(store, lease, *GRAVES.marked(given), now_ms=await store.now_ms())


async def dumped(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    assert isinstance(store, SqlStore)

    def work(connection: Connection) -> dict[str, list[dict[str, Any]]]:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in schema.metadata.sorted_tables
        }

    return await store._database.read(work)


async def traces(store: Store, *words: str) -> list[str]:
    """Tables and columns in which one of the words stands."""
    found = []
    for table, rows in (await dumped(store)).items():
        for row in rows:
            for column, value in row.items():
                text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                found += [f"{table}.{column}" for word in words if word in text]
    return found


async def tomb_times(store: Store, **values: int) -> None:
    """Moves the times of all tombstones."""
    assert isinstance(store, SqlStore)

    def work(connection: Connection) -> None:
        connection.execute(update(schema.tombstone).values(values))

    await store._database.write(work)


async def lived(store: Store, inbox: Lease, user: str) -> None:
    """Gives a user something in every place where there can be something of one."""
    outbox = await hold_outbox(store)
    id_ = conversation_id(ACCOUNT, user)

    async def ended(*states: SendState) -> None:
        (send,) = await answered(
            store, inbox, f"{SECRET} vastus", user=user, asked=message(user, text=SECRET)
        )
        await walk(store, outbox, path(send, *states))

    asked = message(user, text=SECRET, mid=f"{user}-mid")
    await answered(store, inbox, f"{SECRET} vastus", user=user, asked=asked, draft=True)
    await ended(SendState.SENDING, SendState.SENT)
    await ended(SendState.SENDING, SendState.DEAD)
    await ended(SendState.SENDING, SendState.LOOKING, SendState.UNKNOWN)
    await ended(SendState.SENDING)
    await recorded(store, inbox, message(user, text=f"{SECRET} viga"))
    await store.give_up(inbox, id_, reason="poison", now_ms=1)
    note = Change(note=f"{SECRET} märkus", waiting_ms=7)
    await changed(store, inbox, note, user)
    await store.keep_summary(inbox, id_, summary=f"{SECRET} kokkuvõte", summarised=1)
    await store.mark_read(id_, 1, 1)
    unclear = echo(user, text=f"{SECRET} kaja", mid=f"{user}-echo")
    await recorded(
        store,
        inbox,
        message(user, text=f"{SECRET} ootel"),
        new(unclear, state=EventState.UNDETERMINED),
        new(_nameless(user)),
    )
    await store.bury(
        [
            DeadLetter(
                id=f"inbox.1.{user}",
                source="inbox.1",
                reason="undecodable",
                body=f'{{"sender": {{"id": "{user}"}}, "text": "{SECRET}'.encode(),
                at_ms=1,
            )
        ]
    )


def _nameless(user: str) -> Event:
    """A reading of which Meta does not say whose, of a message of the user's."""
    read = message(user, kind=EventKind.READ, text=None, mid=f"{user}-mid")
    return replace(read, user=None, conversation=None, key=f"read of {user}")


async def ids_of(store: Store, user: str = "user") -> Sequence[str]:
    """The texts that wait for an answer."""
    row = await conversation(store, user)
    return [one.event.text or "" for one in row.pending]
