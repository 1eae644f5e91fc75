"""Events: recorded once by their key, and rules that keep to their limits whoever fires them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.contract.store_support import ACCOUNT, another, rival, store
from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.store import schema
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import (
    NewOccurrence,
    NewTrigger,
    OccurrenceRow,
    RuleFiring,
    RuleOutcome,
    Taken,
    Trigger,
    TriggerRow,
)
from vestlus.store.port import Store
from vestlus.store.sql_plan_rows import occurrence_row
from vestlus.store.sql_store import SqlStore

__all__ = ["rival", "store"]

_numbers = itertools.count(1)
DAY = "2026-03-01"
MINUTE = 60_000


def new_event(**fields: Any) -> NewTrigger:  # noqa: ANN401  fields of several types
    identity = f"event-{next(_numbers)}"
    event = NewTrigger(
        id=identity,
        source="shop",
        name="arrival",
        key=identity,
        digest="d",
        payload='{"title":"Tõde"}',
        received_ms=1_000,
        traceparent="00-1-2-01",
    )
    return replace(event, **fields)


def firing(
    event: NewTrigger,
    rule: str = "novel",
    due_ms: int = 5_000,
    **fields: Any,  # noqa: ANN401
) -> RuleFiring:
    occurrence = NewOccurrence(
        id=f"{event.id}.{rule}",
        key=f"event:{event.id}:{rule}",
        trigger=Trigger.EVENT,
        name=rule,
        account=ACCOUNT,
        recipe=Recipe(account=ACCOUNT, choice=Choice.TAGGED, tags=("books",), prompt="Õ"),
        due_ms=due_ms,
        wake_ms=event.received_ms,
        payload=event.payload,
    )
    return RuleFiring(occurrence=occurrence, **{"day": DAY, **fields})


async def fire(
    store: Store,
    rule: str = "novel",
    due_ms: int = 5_000,
    **fields: Any,  # noqa: ANN401
) -> RuleOutcome:
    """A new event that one rule applies to, and what came of it."""
    event = new_event()
    taken = await store.take_event(event, (), [firing(event, rule, due_ms, **fields)])
    return taken.row.outcomes[0]


async def kept(store: Store) -> list[OccurrenceRow]:
    assert isinstance(store, SqlStore)
    rows = await store._database.fetch(select(schema.occurrence))
    return sorted((occurrence_row(row) for row in rows), key=lambda row: row.key)


@pytest.fixture
async def stores(store_url: str, store: Store, rival: Store) -> AsyncIterator[Sequence[Store]]:
    """Four processes' stores, as far as the database can tell."""
    async with AsyncExitStack() as stack:
        more = [await stack.enter_async_context(another(store_url)) for _ in range(2)]
        yield (store, rival, *more)


async def at_once(stores: Sequence[Store], keys: Sequence[str]) -> list[Taken]:
    """The same event handed in with each of these keys, all together."""

    def handed_in(store: Store, key: str) -> Any:  # noqa: ANN401  a coroutine
        event = new_event(key=key)
        return store.take_event(event, [RuleOutcome(rule="a", reason="no")], [firing(event)])

    around = itertools.cycle(stores)
    return list(await asyncio.gather(*(handed_in(next(around), key) for key in keys)))


async def test_an_event_is_kept_with_what_its_rules_made_of_it(store: Store) -> None:
    event = new_event(payload='{"title":"Õ\\u0000🙂"}', source="shop \x00")
    no = RuleOutcome(rule="zero", reason="condition", problem="`when` does not hold")
    taken = await store.take_event(event, [no], [firing(event, "b"), firing(event, "a")])

    planned = [
        RuleOutcome(rule=rule, occurrence=f"{event.id}.{rule}", due_ms=5_000) for rule in ("a", "b")
    ]
    expected = TriggerRow(
        id=event.id,
        source="shop \N{REPLACEMENT CHARACTER}",
        name="arrival",
        key=event.key,
        digest="d",
        payload=event.payload,
        received_ms=1_000,
        outcomes=(*planned, no),
        traceparent="00-1-2-01",
    )
    assert taken == Taken(expected, known=False)
    assert await store.event(event.id) == expected
    assert await store.event("unheard of") is None
    assert await store.event_of_key("shop \x00", "arrival", event.key) == expected
    assert await store.event_of_key("shop", "arrival", event.key) is None
    first, _ = await kept(store)
    assert (first.id, first.state, first.due_ms) == (
        f"{event.id}.a",
        OccurrenceState.PLANNED,
        5_000,
    )
    assert first.recipe == firing(event).occurrence.recipe
    assert (first.payload, first.created_ms, first.wake_ms) == (event.payload, 1_000, 1_000)


async def test_a_known_event_changes_nothing_whatever_it_says_now(store: Store) -> None:
    event = new_event()
    first = await store.take_event(event, (), [firing(event)])
    again = new_event(key=event.key, digest="another", payload="{}", received_ms=9_000)
    second = await store.take_event(again, (), [firing(again, "other")])
    assert second == Taken(first.row, known=True)
    assert [row.name for row in await kept(store)] == ["novel"]


@pytest.mark.parametrize("field", ["source", "name"])
async def test_a_key_is_one_sources_of_one_event(store: Store, field: str) -> None:
    event = new_event()
    other = new_event(key=event.key, **{field: "other"})
    for one in (event, other):
        assert not (await store.take_event(one, (), [firing(one)])).known
    assert len(await kept(store)) == 2


async def test_one_key_fifty_times_at_once_is_one_event_and_one_occurrence(
    stores: Sequence[Store],
) -> None:
    answers = await at_once(stores, ["k"] * 50)
    assert len({answer.row for answer in answers}) == 1
    assert [answer.known for answer in answers].count(False) == 1
    assert len(await stores[0].events(limit=100)) == 1
    (only,) = await kept(stores[0])
    assert only.id == answers[0].row.outcomes[1].occurrence


async def test_two_keys_at_once_are_two_events(stores: Sequence[Store]) -> None:
    answers = await at_once(stores, ["k", "l"] * 12)
    assert len({answer.row for answer in answers}) == 2
    assert len({answer.row for answer in answers[::2]}) == 1
    assert len(await kept(stores[0])) == 2


async def test_a_rule_cools_down_from_when_its_last_post_is_due(store: Store) -> None:
    async def at(due_ms: int) -> str:
        return (await fire(store, due_ms=due_ms, cool_down_ms=10 * MINUTE)).reason

    assert await at(100 * MINUTE) == ""
    assert await at(110 * MINUTE - 1) == "cool_down"
    assert await at(100 * MINUTE) == "cool_down"
    assert await at(110 * MINUTE) == ""
    assert (await fire(store, "another", due_ms=110 * MINUTE, cool_down_ms=MINUTE)).reason == ""
    assert len(await kept(store)) == 3


async def test_a_rule_has_so_many_posts_on_a_day(store: Store) -> None:
    async def on(day: str) -> str:
        return (await fire(store, day=day, most_per_day=2)).reason

    assert [await on("2026-03-01") for _ in range(3)] == ["", "", "daily_limit"]
    assert [await on("2026-03-02") for _ in range(3)] == ["", "", "daily_limit"]
    # Somebody whose clock is a little behind.
    assert await on("2026-03-01") == "daily_limit"
    outcome = await fire(store, day="2026-03-02", most_per_day=2)
    assert (outcome.occurrence, outcome.due_ms) == ("", 0)
    assert outcome.problem == "the rule has its 2 posts of 2026-03-02"
    assert len(await kept(store)) == 4


async def test_limits_hold_however_many_fire_a_rule_at_once(stores: Sequence[Store]) -> None:
    around = itertools.cycle(stores)
    outcomes = await asyncio.gather(
        *(fire(next(around), "cooling", cool_down_ms=MINUTE) for _ in range(12)),
        *(fire(next(around), "daily", most_per_day=3) for _ in range(12)),
    )
    reasons = [outcome.reason for outcome in outcomes]
    assert (reasons[:12].count(""), reasons[:12].count("cool_down")) == (1, 11)
    assert (reasons[12:].count(""), reasons[12:].count("daily_limit")) == (3, 9)
    assert len(await kept(stores[0])) == 4


async def test_events_of_several_rules_do_not_wait_for_each_other_in_a_ring(
    stores: Sequence[Store],
) -> None:
    async def several(store: Store, rules: Sequence[str]) -> Taken:
        event = new_event()
        return await store.take_event(event, (), [firing(event, rule) for rule in rules])

    around = itertools.cycle(stores)
    orders = [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")] * 3
    taken = await asyncio.gather(*(several(next(around), rules) for rules in orders))
    assert not any(one.known for one in taken)
    assert len(await kept(stores[0])) == 27


async def test_the_newest_are_listed_first(store: Store) -> None:
    for at_ms, name in ((1, "a"), (3, "b"), (2, "a")):
        await store.take_event(new_event(id=f"at-{at_ms}", name=name, received_ms=at_ms), (), ())
    assert [row.id for row in await store.events(limit=2)] == ["at-3", "at-2"]
    assert [row.id for row in await store.events(limit=9, name="a")] == ["at-2", "at-1"]
    assert await store.events(limit=9, name="c") == ()


async def test_what_is_forgotten_leaves_its_occurrences_and_may_come_again(store: Store) -> None:
    events = [new_event(key=f"k{number}", received_ms=number) for number in range(5)]
    for event in events:
        await store.take_event(event, (), [firing(event)])
    assert await store.forget_events(3, limit=2) == 2
    assert await store.forget_events(3, limit=2) == 1
    assert await store.forget_events(3, limit=2) == 0
    assert [row.id for row in await store.events(limit=9)] == [events[4].id, events[3].id]
    assert len(await kept(store)) == 5

    again = new_event(key="k0", received_ms=10)
    assert not (await store.take_event(again, (), [firing(again)])).known
    assert len(await kept(store)) == 6
