"""Conversations of every age and state, for the tests of what may go."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from tests.contract.store_support import ACCOUNT
from vestlus.conversation.events import Attachment, Event, EventKind
from vestlus.conversation.identity import conversation_id
from vestlus.store import schema
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.pruning import (
    EVERYBODY,
    PLAUSIBLE_MS,
    Hold,
    Remains,
    Whose,
    event_may_go,
    letter_may_go,
    message_may_go,
    send_may_go,
)
from vestlus.store.rows import EventState, LetterState
from vestlus.store.sql_codec import event_payload

MARI = conversation_id(ACCOUNT, "mari")
DAY_MS = 24 * 60 * 60 * 1000
LATER = PLAUSIBLE_MS + 100 * DAY_MS


async def pruned(
    store: Store,
    what: Remains,
    before_ms: int,
    *,
    limit: int = 3,
    whose: Whose = EVERYBODY,
    dropped_before_ms: int | None = None,
) -> int:
    """Walks from the beginning to the end in small steps; how many went."""
    removed, after = 0, None
    for _ in range(1_000):
        batch = await store.prune(
            what,
            before_ms,
            limit=limit,
            after=after,
            whose=whose,
            dropped_before_ms=dropped_before_ms,
        )
        removed, after = removed + batch.removed, batch.after
        if after is None:
            return removed
    pytest.fail("the walk does not end")


@dataclass(frozen=True)
class Talk:
    """A conversation with one row of each kind."""

    hold: Hold
    user_ms: int
    event: EventState
    send: SendState
    letter: LetterState
    at_ms: int
    account: str = ACCOUNT
    #: What the event holds besides its text.
    media: str = ""


#: Around the limit, and two times that cannot be true.
BEFORE = PLAUSIBLE_MS + 50 * DAY_MS
NOW_MS = BEFORE + 60 * DAY_MS
AHEAD = 2**50
TIMES = st.sampled_from([5, BEFORE - DAY_MS, BEFORE - 1, BEFORE, BEFORE + DAY_MS, AHEAD])
TALKS = st.builds(
    Talk,
    hold=st.builds(
        Hold, waiting_ms=st.sampled_from([0, 0, 7]), preserved_ms=st.sampled_from([0, 0, 7])
    ),
    user_ms=TIMES,
    event=st.sampled_from(EventState),
    send=st.sampled_from(SendState),
    letter=st.sampled_from(LetterState),
    at_ms=TIMES,
)


def _event(key: str, talk: Talk) -> Event:
    """What a user sent, who may have written what looks like our own words for media."""
    event = Event(
        key=key,
        kind=EventKind.MESSAGE,
        account=talk.account,
        user="u",
        conversation=key,
        mid=None,
        timestamp_ms=1,
        text='"attachments":[] ja "story_url":',
    )
    if talk.media == "picture":
        return replace(event, attachments=(Attachment("image", "https://example.org/p"),))
    if talk.media == "story":
        return replace(event, story_url="https://example.org/s")
    return event


def fill(connection: Connection, talks: list[Talk]) -> None:
    """Has these talks in the store, and nothing else."""
    for table in (schema.conversation, schema.inbox_event, schema.ledger, schema.history):
        connection.execute(delete(table))
    connection.execute(delete(schema.dead_letter))
    for number, talk in enumerate(talks):
        id_ = f"talk-{number}"
        whose = {"account": talk.account, "user_id": "u", "conversation": id_}
        connection.execute(
            insert(schema.conversation).values(
                id=id_,
                account=talk.account,
                user_id="u",
                partition=1,
                user_ms=talk.user_ms,
                waiting_ms=talk.hold.waiting_ms,
                preserved_ms=talk.hold.preserved_ms,
            )
        )
        connection.execute(
            insert(schema.inbox_event).values(
                key=id_,
                kind="message",
                partition=1,
                timestamp_ms=1,
                recorded_ms=talk.at_ms,
                state=str(talk.event),
                payload=event_payload(_event(id_, talk)),
                **whose,
            )
        )
        connection.execute(
            insert(schema.ledger).values(
                id=id_,
                outbox=0,
                position=1,
                text="Tere",
                answers="[]",
                state=str(talk.send),
                due_ms=1,
                deadline_ms=1,
                traceparent="",
                created_ms=1,
                changed_ms=talk.at_ms,
                **whose,
            )
        )
        connection.execute(
            insert(schema.history).values(
                conversation=id_, position=0, role="user", text="Tere", at_ms=talk.at_ms
            )
        )
        connection.execute(
            insert(schema.dead_letter).values(
                # That of the event, wherever the event is dead.
                id=f"event:{id_}",
                source="s",
                reason="r",
                body=b"",
                at_ms=talk.at_ms,
                state=str(talk.letter),
                **whose,
            )
        )


def left_rows(connection: Connection) -> dict[str, set[str]]:
    """Which rows there are, by their kind."""
    letters = select(schema.dead_letter.c.conversation)
    return {
        "events": set(connection.execute(select(schema.inbox_event.c.key)).scalars()),
        "sends": set(connection.execute(select(schema.ledger.c.id)).scalars()),
        "messages": set(connection.execute(select(schema.history.c.conversation)).scalars()),
        "dead_letters": set(connection.execute(letters).scalars()),
    }


def needed_rows(talk: Talk) -> dict[str, bool]:
    """Which of its rows have to stay, by the plain rules."""
    at_ms, hold_ = talk.at_ms, talk.hold
    return {
        "events": not event_may_go(talk.event, at_ms, hold_, BEFORE, letter=talk.letter),
        "sends": not send_may_go(talk.send, at_ms, hold_, BEFORE),
        "messages": not message_may_go(at_ms, talk.user_ms, hold_, BEFORE, NOW_MS),
        "dead_letters": not letter_may_go(talk.letter, at_ms, hold_, BEFORE),
    }
