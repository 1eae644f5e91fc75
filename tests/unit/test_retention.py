"""How long things are kept, and walks that rest between their steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.measures import measured
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, LONGEST_REDELIVERY_MS
from vestlus.errors import SettingsError, StoreUnavailable
from vestlus.retention import pruner as pruning
from vestlus.retention.accounts import AccountPeriods
from vestlus.retention.periods import DAY_MS, Periods
from vestlus.retention.pruner import Pruner, keep_pruned
from vestlus.settings import Mode, load_settings
from vestlus.store.pruning import EVERYBODY, Batch, Cursor, Mark, Remains, Whose
from vestlus.store.weeks import WEEK_MS, outdated, week_named, week_of, weeks_ahead

NOW_MS = 1_800_000_000_000


class PretendStore:
    """Has so many rows of each kind to take away, and notes what it is asked."""

    def __init__(self, rows: int = 0, advance: Callable[[], None] = lambda: None) -> None:
        self.left = dict.fromkeys(Remains, rows)
        self.asked: list[tuple[Remains, int]] = []
        self.marks: dict[str, Mark] = {}
        self.away = 0
        self._advance = advance
        self._pages = 1_200

    async def now_ms(self) -> int:
        if self.away:
            self.away -= 1
            message = "away"
            raise StoreUnavailable(message)
        return NOW_MS

    async def prune(
        self,
        what: Remains,
        before_ms: int,
        *,
        limit: int,
        after: Cursor | None = None,
        whose: Whose = EVERYBODY,
        dropped_before_ms: int | None = None,
    ) -> Batch:
        del after, whose, dropped_before_ms
        self._advance()
        self.asked.append((what, before_ms))
        some = min(limit, self.left[what])
        self.left[what] -= some
        return Batch(some, (0, 1) if self.left[what] else None)

    async def mark(self, name: str) -> Mark | None:
        return self.marks.get(name)

    async def keep_mark(self, name: str, mark: Mark) -> None:
        self.marks[name] = mark

    async def end_preservations(self) -> int:
        return 2

    async def forget_who_erased(self, before_ms: int) -> int:
        return int(before_ms == NOW_MS - 730 * DAY_MS)

    async def make_weeks(self, now_ms: int) -> int:
        return int(now_ms == NOW_MS)

    async def drop_weeks(self, before_ms: int) -> tuple[str, ...]:
        return (week_of(before_ms).name,)

    async def give_back(self, pages: int) -> int:
        some = min(pages, self._pages)
        self._pages -= some
        return some * 4096


async def test_a_walk_takes_everything_that_may_go_and_rests_after_each_step() -> None:
    clock = [0.0]
    rests: list[float] = []

    def advance() -> None:
        clock[0] += 0.1

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    store = PretendStore(rows=1_100, advance=advance)
    periods = AccountPeriods(Periods(media=10))
    before = measured("vestlus_retention_removed_total", what="sends")
    pruned = await Pruner(store, periods, sleep=sleep, monotonic=lambda: clock[0]).walk()

    assert measured("vestlus_retention_removed_total", what="sends") == before + 1_100
    assert set(store.left.values()) == {0}
    assert pruned.removed == dict.fromkeys(Remains, 1_100)
    assert (pruned.weeks_made, len(pruned.weeks_dropped)) == (1, 1)
    assert pruned.preservations_ended == 2
    assert pruned.names_forgotten == 1
    assert pruned.told()["names_forgotten"] == 1
    assert pruned.bytes_given_back == 1_200 * 4096
    steps = 3 * len(Remains)
    assert rests[:steps] == pytest.approx([0.3] * steps)
    assert set(rests[steps:]) == {pruning.LEAST_REST_SECONDS}


async def test_a_store_that_is_away_ends_the_walk_and_not_the_service() -> None:
    store = PretendStore()
    store.away = 2
    before = measured("vestlus_upkeep_rounds_total", of="retention", outcome="put_off")
    task = asyncio.create_task(
        keep_pruned(store, AccountPeriods(Periods(media=10)), every_seconds=0.0)
    )
    while len(store.asked) < len(Remains):
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    after = measured("vestlus_upkeep_rounds_total", of="retention", outcome="put_off")
    assert after == before + 2


@given(now_ms=st.integers(0, 2**42))
def test_no_event_goes_while_meta_may_send_it_again_or_a_person_may_answer_it(now_ms: int) -> None:
    least = load_settings({}, mode=Mode.OPERATE).retention.model_copy(update={"events_days": 9})
    for errand in AccountPeriods(least.periods).errands(now_ms):
        assert errand.before_ms <= now_ms - LONGEST_REDELIVERY_MS - HUMAN_AGENT_WINDOW_MS


@given(at_ms=st.integers(0, 2**42))
def test_weeks_follow_each_other_without_gaps_and_are_known_by_name(at_ms: int) -> None:
    week = week_of(at_ms)
    assert week.start_ms <= at_ms < week.end_ms == week.start_ms + WEEK_MS
    assert week_named(week.name) == week
    assert week_of(week.end_ms) == week.next
    assert weeks_ahead(at_ms, 2) == (week, week.next, week.next.next)
    assert outdated([week.next.name, "history_other", week.name], week.end_ms) == (week,)


@pytest.mark.parametrize("name", ["history_w20261124", "history_w2026", "history_w20269999", "h"])
def test_other_tables_are_no_weeks(name: str) -> None:
    assert week_named(name) is None


def test_the_table_retention_is_read_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "vestlus.toml"
    file.write_text("[retention]\nmessages_days = 30\n")
    periods = load_settings({}, mode=Mode.OPERATE).retention.periods
    assert periods == Periods(messages=30)
    assert periods.days[Remains.SUMMARIES] == 30

    file.write_text("[retention]\nmessages_days = 8\nevents = 3\nposts_days = 30\n")
    with pytest.raises(SettingsError) as caught:
        load_settings({}, mode=Mode.OPERATE)
    text = str(caught.value)
    for problem in (
        "retention.messages_days: must be at least 9",
        "retention.events: is not a setting of retention",
        "retention.posts_days: must be at least 35",
    ):
        assert problem in text

    file.write_text("retention = 3\n")
    with pytest.raises(SettingsError, match=r"written \[retention\]"):
        load_settings({}, mode=Mode.OPERATE)


def test_a_pooler_is_one_by_transactions_or_none() -> None:
    address = "postgresql://h/d?pooler="
    good = {"VESTLUS_DATABASE_URL": f"{address}transaction"}
    assert load_settings(good, mode=Mode.OPERATE).database.endswith("pooler=transaction")
    with pytest.raises(SettingsError, match="VESTLUS_DATABASE_URL: must have pooler=transaction"):
        load_settings({"VESTLUS_DATABASE_URL": f"{address}session"}, mode=Mode.OPERATE)
