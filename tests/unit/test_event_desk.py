"""What becomes of an event: recorded, judged by each rule, answered the same for the same key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.triggers import MemoryTriggers
from vestlus.errors import StoreUnavailable
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import (
    KEPT_MS,
    MOST_REFUSED,
    Answer,
    EventDesk,
    Verdict,
    forget_old,
)
from vestlus.planning.payloads import parse_payload
from vestlus.scheduling.recipe import Choice
from vestlus.settings import Settings
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import RuleOutcome, Trigger

ACCOUNT = "17841400000000001"
NOW_MS = 1_772_359_200_000  # Sunday, 1 March 2026, 12:00 in Tallinn
HOUR_MS = 3_600_000

NOVEL: dict[str, Any] = {
    "name": "novel",
    "event": "arrival",
    "account": ACCOUNT,
    "tags": ("books",),
    "prompt": "Tell of {{ event.title }}",
    "payload": {"type": "object", "required": ["title"]},
    "when": "event.copies > 0",
    "delay_minutes": 30,
    "cool_down_minutes": 60,
    "most_per_day": 2,
    "quiet_hours": "12:00-14:00",
}
ANY: dict[str, Any] = {"name": "any", "event": "arrival", "account": ACCOUNT, "pictures": ("map",)}


class World:
    """A desk over a store in memory, a clock, and how often somebody was woken."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        settings = Settings.model_validate(
            {"accounts": [{"id": ACCOUNT}], "event_rules": rules or (NOVEL, ANY)}
        )
        self.store = MemoryTriggers()
        self.now_ms = NOW_MS
        self.rung = 0
        self.desk = EventDesk(rules_of(settings), lambda: self.now_ms, self._ring)

    async def _ring(self) -> None:
        self.rung += 1

    async def take(
        self,
        body: bytes = b'{"title":"T","copies":1}',
        key: str | None = None,
        *,
        name: str = "arrival",
        source: str = "shop",
    ) -> Answer:
        return await self.desk.take(self.store, source, name, parse_payload(body), key)


@pytest.fixture
def world() -> World:
    return World()


def reasons(answer: Answer) -> dict[str, str]:
    return {one.rule: one.reason for one in answer.outcomes}


async def test_each_rule_that_applies_plans_an_occurrence(world: World) -> None:
    answer = await world.take()
    assert answer.verdict is Verdict.TAKEN
    assert answer.row is not None
    assert world.rung == 1
    novel, any_ = world.store.fired
    assert (novel.cool_down_ms, novel.most_per_day, novel.day) == (HOUR_MS, 2, "2026-03-01")
    assert any_.cool_down_ms == any_.most_per_day == 0
    new = novel.occurrence
    assert new.key == f"event:{answer.row.id}:novel"
    assert (new.trigger, new.name, new.account) == (Trigger.EVENT, "novel", ACCOUNT)
    assert (new.state, new.payload) == (OccurrenceState.PLANNED, '{"copies":1,"title":"T"}')
    assert (new.recipe.choice, new.recipe.tags) == (Choice.TAGGED, ("books",))
    assert new.recipe.account == ACCOUNT
    # Drafted at once, posted after half an hour and when the quiet hours are over.
    assert (new.wake_ms, new.due_ms) == (NOW_MS, NOW_MS + 2 * HOUR_MS)
    assert any_.occurrence.due_ms == NOW_MS
    assert new.traceparent == answer.row.traceparent


async def test_each_rule_judges_by_itself_and_says_why_it_does_not_apply(world: World) -> None:
    assert reasons(await world.take(b"{}")) == {"any": "", "novel": "payload_refused"}
    assert reasons(await world.take(b'{"title":"T","copies":0}')) == {
        "any": "",
        "novel": "condition",
    }
    failed = await world.take(b'{"title":"T"}')
    assert reasons(failed) == {"any": "", "novel": "condition_failed"}
    assert "names the field 'copies'" in failed.outcomes[1].problem
    assert len(world.store.rows) == 3
    assert {one.occurrence.name for one in world.store.fired} == {"any"}


async def test_an_event_of_which_no_rule_applies_is_recorded_and_wakes_nobody() -> None:
    world = World(NOVEL)
    answer = await world.take(b'{"title":"T","copies":0}')
    assert (answer.verdict, reasons(answer)) == (Verdict.TAKEN, {"novel": "condition"})
    assert answer.row is not None
    assert await world.store.event(answer.row.id) == answer.row
    assert world.rung == 0


async def test_an_unknown_event_is_recorded_and_plans_nothing(world: World) -> None:
    answer = await world.take(name="arival")
    assert answer.verdict is Verdict.UNKNOWN
    assert answer.row is not None
    assert answer.row.outcomes == (
        RuleOutcome(
            rule="",
            reason="unknown_event",
            problem="no event rule of the settings has this event",
        ),
    )
    assert (world.store.fired, world.rung) == ([], 0)


async def test_data_that_fit_no_rule_are_recorded_and_plan_nothing() -> None:
    world = World(NOVEL, NOVEL | {"name": "second"})
    answer = await world.take(b'{"copies":1}')
    assert answer.verdict is Verdict.REFUSED
    assert reasons(answer) == {"novel": "payload_refused", "second": "payload_refused"}
    assert answer.outcomes[0].problem == "'title' is a required property"
    assert answer.row is not None
    assert answer.row.outcomes == answer.outcomes
    assert (world.store.fired, world.rung) == ([], 0)


async def test_the_same_key_gets_the_same_answer_and_nothing_more_happens(world: World) -> None:
    first = await world.take(key="k")
    world.now_ms += KEPT_MS
    assert await world.take(b' {"copies": 1, "title": "T"}', "k") == first
    assert (len(world.store.fired), world.rung) == (2, 1)


async def test_the_same_key_gets_the_same_answer_when_the_rules_are_gone(world: World) -> None:
    first = await world.take(key="k")
    later = World(ANY | {"event": "other"})
    later.store = world.store
    assert await later.take(key="k") == first
    assert (await later.take(key="l")).verdict is Verdict.UNKNOWN


async def test_the_same_key_with_other_data_is_refused(world: World) -> None:
    first = await world.take(key="k")
    again = await world.take(b'{"title":"U","copies":1}', "k")
    assert (again.verdict, again.row) == (Verdict.KEY_REUSED, first.row)
    assert len(world.store.fired) == 2


async def test_without_a_key_each_event_counts(world: World) -> None:
    first, second = await world.take(), await world.take()
    assert first.row is not None
    assert second.row is not None
    assert first.row.id != second.row.id
    assert len(world.store.fired) == 4


async def test_a_key_belongs_to_its_source_and_event(world: World) -> None:
    answers = [await world.take(key="k"), await world.take(key="k", source="till")]
    assert [one.verdict for one in answers] == [Verdict.TAKEN] * 2
    assert (await world.take(key="k", name="other")).verdict is Verdict.UNKNOWN
    assert len(world.store.fired) == 4


async def test_a_refused_event_leaves_its_key_free(world: World) -> None:
    only = World(NOVEL)
    assert (await only.take(b"{}", "k")).verdict is Verdict.REFUSED
    assert (await only.take(key="k")).verdict is Verdict.TAKEN


async def test_the_same_refused_event_is_recorded_once(world: World) -> None:
    ids = {(await world.take(name="none", key=key)).row for key in (None, "a", "b")}
    assert len(ids) == len(world.store.rows) == 1


async def test_so_many_refused_events_of_a_source_are_recorded_in_an_hour(world: World) -> None:
    answers = [await world.take(name=f"no-{n}") for n in range(MOST_REFUSED + 5)]
    assert {one.verdict for one in answers} == {Verdict.UNKNOWN}
    assert [one.row is None for one in answers] == [False] * MOST_REFUSED + [True] * 5
    assert (await world.take(name="none", source="till")).row is not None
    assert (await world.take()).row is not None
    world.now_ms += HOUR_MS
    assert (await world.take(name="none")).row is not None


async def test_of_a_large_refused_event_its_data_are_not_kept(world: World) -> None:
    small = (await world.take(b'{"a":1}', name="none")).row
    large = (await world.take(b'{"a":"' + b"x" * 9_000 + b'"}', name="n" * 300)).row
    assert small is not None
    assert large is not None
    assert (small.payload, large.payload, large.name) == ('{"a":1}', "", "n" * 100)


async def test_a_store_that_is_away_is_told_and_nothing_is_rung(world: World) -> None:
    world.store.is_away = True
    for name in ("arrival", "none"):
        with pytest.raises(StoreUnavailable):
            await world.take(name=name)
    assert world.rung == 0


async def test_events_are_forgotten_when_their_keys_need_not_be_known(world: World) -> None:
    for key in range(1_200):
        await world.take(key=str(key))
    world.now_ms += 1
    await world.take(key="last")
    assert await forget_old(world.store, NOW_MS + KEPT_MS) == 0
    assert await forget_old(world.store, NOW_MS + KEPT_MS + 1) == 1_200
    assert [row.key for row in world.store.rows.values()] == ["last"]
