"""The database itself tells which steps its ledger took."""

from __future__ import annotations

from tests.chaos.steps import Steps
from tests.contract.store_support import (
    hold_outbox,
    promise,
    send,
    step,
    store,
    walk,
)
from vestlus.store.ledger import SendState
from vestlus.store.port import Store

__all__ = ["store"]

PENDING, SENDING, LOOKING = SendState.PENDING, SendState.SENDING, SendState.LOOKING
UNKNOWN = SendState.UNKNOWN


async def test_each_step_is_noted_once_with_its_row_and_reason(
    store: Store, store_url: str
) -> None:
    steps = Steps(store_url)
    await steps.begin()
    one, two = send("one"), send("two")
    await promise(store, one, two)
    lease = await hold_outbox(store)
    await walk(store, lease, [step(new, PENDING, SENDING) for new in (one, two)])
    await walk(store, lease, [step(one, SENDING, LOOKING)])
    await walk(store, lease, [step(one, LOOKING, UNKNOWN, reason="ambiguous_twice")])

    assert await steps.counted() == {
        (PENDING, SENDING): 2,
        (SENDING, LOOKING): 1,
        (LOOKING, UNKNOWN): 1,
    }
    told = await steps.of_user(one.user)
    assert [(one.before, one.after, one.reason) for one in told][-1] == (
        "looking",
        "unknown",
        "ambiguous_twice",
    )
    assert await steps.states_of(two.user) == ["sending"]
