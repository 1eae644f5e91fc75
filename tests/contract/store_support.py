"""What the store's contract tests share: a store of either kind, and the values for it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from vestlus.conversation.events import Event, EventKind, calls_for_answer, event_key
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id, outbox_partition_of
from vestlus.conversation.transcript import as_history
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.rows import (
    After,
    Change,
    CommitResult,
    ConversationRow,
    EventState,
    Lease,
    Member,
    MemberKind,
    NewEvent,
    NewSend,
    RecordedEvent,
    SendRow,
    Transition,
    TransitionResult,
    TurnCommit,
)

PARTITIONS = 4
OUTBOX_PARTITIONS = 2
ACCOUNT = "17841400000000001"
OUTBOX = outbox_partition_of(ACCOUNT, OUTBOX_PARTITIONS)
INBOX = inbox_lease(1)
#: Long enough for any test; takeovers are provoked with leases of 0 seconds.
LONG = 600.0

ANNA = Member("anna", MemberKind.CONVERSATION, "1", "host-a", 11)
BERT = Member("bert", MemberKind.CONVERSATION, "1", "host-b", 22)
ANNA_AGAIN = replace(ANNA, incarnation="2", pid=33)

_numbers = itertools.count(1)


def another(url: str) -> Store:
    """One more process's store, as far as the database can tell."""
    return open_store(url, partitions=PARTITIONS, outbox_partitions=OUTBOX_PARTITIONS)


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store."""
    async with another(store_url) as opened:
        yield opened


@pytest.fixture
async def rival(store_url: str, store: Store) -> AsyncIterator[Store]:
    """A second one on the same database."""
    async with another(store_url) as opened:
        yield opened


async def hold(
    store: Store, name: str = INBOX, member: Member = ANNA, seconds: float = LONG
) -> Lease:
    """A lease that is free for the taking."""
    return (await store.acquire([name], member, seconds))[name]


async def hold_outbox(store: Store) -> Lease:
    """The lease to send for ACCOUNT."""
    return await hold(store, outbox_lease(OUTBOX))


def message(user: str = "user", **fields: Any) -> Event:  # noqa: ANN401  fields of several types
    """A new message from a user."""
    mid = fields.pop("mid", f"mid-{next(_numbers)}")
    kind = fields.pop("kind", EventKind.MESSAGE)
    account = fields.pop("account", ACCOUNT)
    event = Event(
        key=event_key(kind, account, mid),
        kind=kind,
        account=account,
        user=user,
        conversation=conversation_id(account, user),
        mid=mid,
        timestamp_ms=1_000,
        text="Tere!",
    )
    return replace(event, **fields)


def said(text: str, at_ms: int = 0) -> HistoryMessage:
    """Something a user said."""
    return HistoryMessage(Role.USER, text, at_ms)


def send(user: str = "user", **fields: Any) -> NewSend:  # noqa: ANN401  fields of several types
    """A new answer to a user."""
    account = fields.pop("account", ACCOUNT)
    new = NewSend(
        id=f"send-{next(_numbers)}",
        account=account,
        user=user,
        conversation=conversation_id(account, user),
        position=1,
        text="Tere, tere!",
        answers=("mid-a", "mid-b"),
        due_ms=5,
        deadline_ms=1_000,
    )
    return replace(new, **fields)


def new(event: Event, change: Change | None = None, **fields: Any) -> NewEvent:  # noqa: ANN401
    """The event as it is recorded when nothing else is said: unanswered if it calls for one."""
    state = EventState.PENDING if calls_for_answer(event) else EventState.NOTED
    return replace(NewEvent(event, state, change), **fields)


def echo(user: str = "user", **fields: Any) -> Event:  # noqa: ANN401  fields of several types
    """A new echo of something that was sent to a user."""
    return message(user, kind=EventKind.ECHO, **fields)


async def recorded(
    store: Store, lease: Lease, *events: Event | NewEvent, now_ms: int = 10
) -> list[RecordedEvent]:
    """What the store says is new among the events."""
    given = [event if isinstance(event, NewEvent) else new(event) for event in events]
    batch = (await store.record([(lease, given)], now_ms))[0]
    assert batch is not None
    return batch


async def changed(
    store: Store, lease: Lease, change: Change, user: str = "user", *, now_ms: int = 10
) -> None:
    """Records an event that calls for no answer and changes its conversation."""
    event = message(user, kind=EventKind.OPERATOR, text=None)
    assert await recorded(store, lease, new(event, change), now_ms=now_ms)


async def conversation(store: Store, user: str = "user", history: int = 20) -> ConversationRow:
    """The conversation with a user as it is now."""
    id_ = conversation_id(ACCOUNT, user)
    return (await store.load([id_], history))[id_]


def turn(
    lease: Lease,
    row: ConversationRow,
    *,
    history: Sequence[HistoryMessage] = (),
    sends: Sequence[NewSend] = (),
    after: After | None = None,
) -> TurnCommit:
    """A turn that answers everything unanswered."""
    return TurnCommit(
        lease=lease,
        conversation=row.id,
        version=row.version,
        answered=tuple(event.seq for event in row.pending),
        history=tuple(history),
        sends=tuple(sends),
        after=after or After(),
    )


async def promise(store: Store, *sends: NewSend) -> None:
    """Writes ledger rows, each in a turn of its user."""
    lease = await hold(store)
    for new in sends:
        await recorded(store, lease, message(new.user, account=new.account))
        row = (await store.load([new.conversation], 0))[new.conversation]
        await store.commit_turns([turn(lease, row, sends=[new])], now_ms=20)


async def unfinished(
    store: Store, *, limit: int = 100, ids: Sequence[str] | None = None, people: bool = False
) -> tuple[SendRow, ...]:
    """What is first to be sent for ACCOUNT."""
    return await store.unfinished(OUTBOX, limit=limit, ids=ids, people=people)


def step(new: NewSend, before: SendState, after: SendState, **fields: Any) -> Transition:  # noqa: ANN401
    """One step of a row, with what the state after needs."""
    if after in (SendState.DEAD, SendState.UNKNOWN, SendState.CANCELLED):
        fields.setdefault("reason", "refused")
    if after is SendState.SENT:
        fields.setdefault("sent_mid", f"mid-of-{new.id}")
    return Transition(id=new.id, before=before, after=after, **{"at_ms": 50, **fields})


def path(new: NewSend, *states: SendState, **fields: Any) -> list[Transition]:  # noqa: ANN401
    """A row's steps from SendState.PENDING through the states; the fields are for the last one."""
    pairs = list(zip((SendState.PENDING, *states), states, strict=False))
    steps = [step(new, before, after) for before, after in pairs[:-1]]
    return [*steps, step(new, *pairs[-1], **fields)]


async def walk(store: Store, lease: Lease, steps: list[Transition]) -> None:
    """Makes steps that must succeed."""
    assert await store.transition(lease, steps) == [TransitionResult.DONE] * len(steps)


async def answered(
    store: Store,
    lease: Lease,
    *texts: str,
    user: str = "user",
    asked: Event | None = None,
    **fields: Any,  # noqa: ANN401  fields of several types
) -> list[NewSend]:
    """A user writes and a turn answers with these texts; its sends, as hosts make them."""
    await recorded(store, lease, asked or message(user))
    row = await conversation(store, user)
    turn_of, first = row.version, row.version * 1000
    ids = [f"{row.id}.{turn_of}.{index}" for index in range(len(texts))]
    sends = [
        send(user, id=id_, position=first + index, text=text, turn=turn_of, **fields)
        for index, (id_, text) in enumerate(zip(ids, texts, strict=True))
    ]
    history = [as_history(one.event) for one in row.pending]
    history.append(HistoryMessage(Role.ASSISTANT, "\n\n".join(texts), 2))
    commit = turn(lease, row, history=history, sends=sends)
    assert await store.commit_turns([commit], now_ms=20) == [CommitResult.COMMITTED]
    return sends


async def texts(store: Store, user: str = "user") -> list[str]:
    """What the history with a user says."""
    return [item.text for item in (await conversation(store, user, history=1_000)).history]


def whose_entries(connection: Connection) -> list[str]:
    """Whose the entries of the audit are, oldest first."""
    its = schema.audit.c
    return list(connection.execute(select(its.account).order_by(its.id)).scalars())
