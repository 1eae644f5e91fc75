"""What a conversation's events do to its ledger rows: the steps that are theirs, and no others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import select

from tests.contract.store_support import (
    answered,
    changed,
    hold,
    hold_outbox,
    path,
    step,
    store,
    walk,
)
from vestlus.store import schema
from vestlus.store.ledger import CONVERSATION_TRANSITIONS, SendState
from vestlus.store.port import Store
from vestlus.store.rows import Change, NewSend, Silence
from vestlus.store.sql_store import SqlStore

__all__ = ["store"]

DRAFT, PENDING, SENDING, LOOKING = (
    SendState.DRAFT,
    SendState.PENDING,
    SendState.SENDING,
    SendState.LOOKING,
)
#: How a row gets into each state from PENDING, or DRAFT.
WAYS: Mapping[SendState, tuple[SendState, ...]] = {
    DRAFT: (),
    PENDING: (),
    SENDING: (SENDING,),
    LOOKING: (SENDING, LOOKING),
    SendState.SENT: (SENDING, SendState.SENT),
    SendState.DEAD: (SENDING, SendState.DEAD),
    SendState.UNKNOWN: (SENDING, LOOKING, SendState.UNKNOWN),
    SendState.CANCELLED: (SendState.CANCELLED,),
}


def acts(turn: int) -> dict[str, Change]:
    """Everything by which a conversation changes its sends."""
    return {
        "nothing": Change(),
        "a person answers": Change(
            silence=Silence.PERSON, silent_until_ms=2**40, cancel_sends=True, answers_all=True
        ),
        "approved": Change(approved_turn=turn),
        "reworded": Change(approved_turn=turn, approved_texts=("Teine tekst",)),
        "rejected": Change(rejected_turn=turn),
        "held": Change(held_until_ms=2**40),
    }


async def states(store: Store) -> dict[str, SendState]:
    assert isinstance(store, SqlStore)
    rows = await store._database.fetch(select(schema.ledger.c.id, schema.ledger.c.state), {})
    return {row.id: SendState(row.state) for row in rows}


async def in_state(store: Store, user: str, state: SendState) -> NewSend:
    """A send of its user's own that is in this state."""
    (new,) = await answered(store, await hold(store), "Tere!", user=user, draft=state is DRAFT)
    if WAYS[state]:
        steps = path(new, *WAYS[state])
        if state is SendState.CANCELLED:
            steps = [step(new, PENDING, SendState.CANCELLED, reason="person_answered")]
        await walk(store, await hold_outbox(store), steps)
    return new


async def test_a_conversation_makes_its_own_steps_and_no_others(store: Store) -> None:
    sends = {
        (act, state): await in_state(store, f"{act} {state}", state)
        for act in acts(0)
        for state in SendState
    }
    before = await states(store)
    inbox = await hold(store)
    for (act, _), new in sends.items():
        await changed(store, inbox, acts(new.turn)[act], new.user)
    after = await states(store)

    assert {before[new.id] for new in sends.values()} == set(SendState)
    steps = {(before[id_], after[id_]) for id_ in before if before[id_] is not after[id_]}
    assert steps == CONVERSATION_TRANSITIONS
    # What is born meanwhile waits to be sent.
    assert {after[id_] for id_ in after.keys() - before.keys()} == {PENDING}


@pytest.mark.parametrize("state", [SENDING, LOOKING])
async def test_what_has_begun_is_the_publishers_to_end(store: Store, state: SendState) -> None:
    new = await in_state(store, "user", state)
    for change in acts(new.turn).values():
        await changed(store, await hold(store), change, "user")
    assert await states(store) == {new.id: state}
