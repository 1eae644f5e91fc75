"""The ledger obeys its table of transitions, whatever steps are asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.store_support import hold_outbox, promise, send, store, unfinished
from vestlus.store.ledger import FINISHED, TRANSITIONS, SendState
from vestlus.store.port import Store
from vestlus.store.rows import Transition, TransitionResult

__all__ = ["store"]

STATES = sorted(SendState)
USERS = 3
#: Each example has users of its own in the one store.
examples = count()


@dataclass
class Modelled:
    """What a row must be."""

    state: SendState = SendState.PENDING
    attempts: int = 0
    resends: int = 0
    due_ms: int = 5


@dataclass(frozen=True)
class Wish:
    """A step to be asked of one of the rows."""

    row: int
    #: Which of the steps from the row's state is asked for; which of all, where it is finished or
    #: the wish is not to fit.
    choice: int
    fits: bool
    #: One of a few mids, so that they collide.
    mid: int
    due_ms: int


wishes = st.builds(
    Wish,
    row=st.integers(0, USERS - 1),
    choice=st.integers(0, 11),
    fits=st.sampled_from([True, True, True, False]),
    mid=st.integers(0, 1),
    due_ms=st.integers(0, 9_000),
)


def states_of(row: Modelled, wish: Wish) -> tuple[SendState, SendState]:
    """The state before and after that the wish means for the row as it is."""
    steps = sorted(TRANSITIONS)
    if wish.fits and row.state not in FINISHED:
        steps = [pair for pair in steps if pair[0] is row.state]
    return steps[wish.choice % len(steps)]


def made(rows: list[Modelled], taken: set[int], wish: Wish) -> TransitionResult:
    """Does to the model what the step must do to the store."""
    row = rows[wish.row]
    before, after = states_of(row, wish)
    if row.state is not before:
        return TransitionResult.STALE
    if after is SendState.SENT:
        if wish.mid in taken:
            return TransitionResult.MID_TAKEN
        taken.add(wish.mid)
    row.attempts += after is SendState.SENDING
    row.resends += (before, after) == (SendState.LOOKING, SendState.PENDING)
    if after in (SendState.PENDING, SendState.LOOKING):
        row.due_ms = wish.due_ms
    row.state = after
    return TransitionResult.DONE


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(calls=st.lists(st.lists(wishes, min_size=1, max_size=5), max_size=8))
async def test_rows_go_where_the_table_says(store: Store, calls: list[list[Wish]]) -> None:
    example = next(examples)
    sends = [send(f"{example}-{n}") for n in range(USERS)]
    await promise(store, *sends)
    lease = await hold_outbox(store)
    rows, taken = [Modelled() for _ in sends], set[int]()
    for call in calls:
        asked, want = [], []
        for wish in call:
            before, after = states_of(rows[wish.row], wish)
            asked.append(
                Transition(
                    id=sends[wish.row].id,
                    before=before,
                    after=after,
                    at_ms=1,
                    due_ms=wish.due_ms,
                    sent_mid=f"{example}-{wish.mid}" if after is SendState.SENT else None,
                    reason="r" if after in FINISHED else "",
                )
            )
            want.append(made(rows, taken, wish))
        assert await store.transition(lease, asked) == want

    found = {row.id: row for row in await unfinished(store, ids=[new.id for new in sends])}
    for new, row in zip(sends, rows, strict=True):
        if row.state in FINISHED:
            assert new.id not in found
        else:
            is_ = found[new.id]
            assert Modelled(is_.state, is_.attempts, is_.resends, is_.due_ms) == row


async def test_a_step_that_is_not_in_the_table_is_an_error_and_nothing_happens(
    store: Store,
) -> None:
    new = send()
    await promise(store, new)
    lease = await hold_outbox(store)
    fine = Transition(id=new.id, before=SendState.PENDING, after=SendState.SENDING, at_ms=1)

    for before, after in set(product(STATES, STATES)) - TRANSITIONS:
        wrong = Transition(
            id=new.id, before=before, after=after, at_ms=1, sent_mid="mid", reason="reason"
        )
        with pytest.raises(ValueError, match=f"{before} to {after}"):
            await store.transition(lease, [fine, wrong])
    assert [row.state for row in await unfinished(store)] == [SendState.PENDING]


async def test_a_step_without_what_it_needs_is_an_error(store: Store) -> None:
    lease = await hold_outbox(store)

    for before, after, missing in (
        (SendState.SENDING, SendState.SENT, "sent_mid"),
        (SendState.SENDING, SendState.DEAD, "reason"),
        (SendState.LOOKING, SendState.UNKNOWN, "reason"),
    ):
        step = Transition(id="x", before=before, after=after, at_ms=1)
        with pytest.raises(ValueError, match=missing):
            await store.transition(lease, [step])
