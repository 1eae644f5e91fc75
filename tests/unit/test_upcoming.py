"""What will go out and when, of everything that is planned in whatever way, each once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.planning.definitions import next_look_ms, row_of
from vestlus.planning.telling import moment_values, upcoming_values, wall
from vestlus.planning.upcoming import MOST_DAYS, Snapshot, Source, Upcoming, until, upcoming
from vestlus.scheduling.recipe import Recipe
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.plan_rows import Keeper, OccurrenceRow, ScheduleRow, Trigger
from vestlus.store.post_rows import PostKind, PostPicture, PostRow
from vestlus.store.posts import PostState

OWNER = Account(id="1", timezone="Europe/Tallinn")
SETTINGS = Settings(accounts=(OWNER,))
HOUR = 3_600_000
DAY = 24 * HOUR


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


#: Two days before Estonia puts its clocks forward, at 03:00 on 28 March 2027.
NOW = ms("2027-03-26T12:00")


def schedule(name: str = "news", cron: str = "0 9 * * *", **more: Any) -> ScheduleRow:  # noqa: ANN401
    made = Schedule.model_validate({"name": name, "cron": cron, "tags": ("sea",), **more})
    return row_of(made, OWNER, Keeper.HAND, NOW)


def occurrence(name: str, due_ms: int, **more: Any) -> OccurrenceRow:  # noqa: ANN401
    row = OccurrenceRow(
        id=f"o-{name}",
        key=f"schedule:{name}:x",
        trigger=Trigger.SCHEDULE,
        name=name,
        account="1",
        recipe=Recipe(account="1", tags=("sea",)),
        payload="",
        state=OccurrenceState.WAITING,
        version=1,
        due_ms=due_ms,
        wake_ms=due_ms,
    )
    return replace(row, **more)


def post(key: str, state: PostState = PostState.READY) -> PostRow:
    return PostRow(
        id=f"p-{key}",
        key=key,
        account="1",
        kind=PostKind.PICTURE,
        pictures=(PostPicture("map"),),
        caption="Tere",
        ai_generated=False,
        state=state,
        planned_ms=NOW,
        due_ms=NOW,
        deadline_ms=NOW + HOUR,
    )


def told(
    *schedules: ScheduleRow,
    occurrences: tuple[OccurrenceRow, ...] = (),
    posts: tuple[PostRow, ...] = (),
    days: float = 3,
    limit: int = 100,
) -> list[Upcoming]:
    found = Snapshot(schedules, occurrences, posts)
    return upcoming(found, SETTINGS, now_ms=NOW, until_ms=until(NOW, days), limit=limit)


def test_times_are_those_of_the_accounts_clock_on_either_side_of_its_change() -> None:
    found = told(schedule())
    assert [upcoming_values(one)["at"] for one in found] == [
        "2027-03-27T09:00:00+02:00",
        "2027-03-28T09:00:00+03:00",
        "2027-03-29T09:00:00+03:00",
    ]
    assert [upcoming_values(one)["utc"] for one in found] == [
        "2027-03-27T07:00:00Z",
        "2027-03-28T06:00:00Z",
        "2027-03-29T06:00:00Z",
    ]
    assert wall(found[1].at_ms, "Europe/Tallinn") == "Sun 2027-03-28 09:00 +03:00"


def test_everything_is_in_one_row_by_time() -> None:
    found = told(
        schedule("b", "0 12 * * *"),
        schedule("a", "0 9 * * *"),
        occurrences=(occurrence("c", NOW + HOUR),),
        posts=(post("hand:1:x"),),
        days=1,
    )
    assert [(one.name, one.state) for one in found] == [
        ("", "ready"),
        ("c", "waiting"),
        ("a", "scheduled"),
        ("b", "scheduled"),
    ]
    assert [one.source for one in found[:2]] == [Source.HAND, Source.SCHEDULE]
    assert [one.name for one in told(schedule(), schedule("a"), days=9, limit=3)] == [
        *("a", "news", "a"),
    ]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["* * * * *", "*/7 3 * * *", "0 9 * * *", "30 2 28 3 *", "0 0 L * *"]),
            st.integers(0, 3 * 24 * 60),
            st.booleans(),
        ),
        max_size=6,
    ),
    st.integers(1, 60),
)
def test_times_of_many_schedules_are_those_of_each_in_order(
    given_schedules: list[tuple[str, int, bool]], limit: int
) -> None:
    """However far each was looked at."""
    rows, expected = [], []
    for at, (cron, minutes, is_paused) in enumerate(given_schedules):
        row = schedule(f"n{at}", cron)
        recurrence = Schedule(name="x", cron=cron, tags=("a",)).recurrence("Europe/Tallinn")
        watched = NOW + minutes * 60_000
        look = next_look_ms(recurrence, after_ms=watched, now_ms=NOW)
        rows.append(replace(row, watched_ms=watched, look_ms=look, paused=is_paused))
        times = itertools.takewhile(
            lambda one: one.at_ms <= until(NOW, 4), recurrence.after(watched)
        )
        expected += [(one.at_ms, row.name) for one in itertools.islice(times, limit)]
    found = told(*rows, days=4, limit=limit)
    assert [(one.at_ms, one.name) for one in found] == sorted(expected)[:limit]


def test_a_time_that_is_claimed_is_told_as_its_occurrence_only() -> None:
    first = ms("2027-03-27T07:00")
    row = replace(schedule(), watched_ms=first, look_ms=first + DAY - HOUR // 2)
    found = told(row, occurrences=(occurrence("news", first),), days=2)
    assert [(one.at_ms, one.state) for one in found] == [
        (first, "waiting"),
        (first + DAY - HOUR, "scheduled"),
    ]


@pytest.mark.parametrize(("rule", "made_up"), [("skip", 0), ("latest", 1), ("all", 4)])
def test_what_is_made_up_for_is_told_too(rule: str, made_up: int) -> None:
    """Nobody looked for four hours."""
    row = replace(schedule(cron="30 * * * *", missed=rule), watched_ms=NOW - 4 * HOUR)
    found = [one for one in told(row, days=0.02) if one.at_ms < NOW]
    assert len(found) == made_up
    paused = replace(row, paused=True)
    assert not [one for one in told(paused, days=0.02) if one.at_ms < NOW]


def test_a_paused_schedule_is_told_as_such_with_what_is_open_of_it() -> None:
    row = replace(schedule(), paused=True)
    event = occurrence("news", NOW + 2, id="e", trigger=Trigger.EVENT)
    found = told(row, occurrences=(occurrence("news", NOW + 1), event), days=1)
    assert [one.paused for one in found] == [True, False, True]
    said = occurrence("news", NOW + 1, state=OccurrenceState.READY, changed_ms=row.changed_ms + 1)
    (shown, *_) = told(row, occurrences=(said,), days=1)
    assert not shown.paused


def test_posts_are_told_by_what_they_come_from_until_they_have_ended() -> None:
    found = told(
        posts=(
            post("schedule:news:2027-03-26T14:00"),
            post("event:abc:opening"),
            post("hand:1:avamine"),
            *(post(f"hand:1:{state}", state) for state in PostState),
        )
    )
    assert {(one.source, one.name) for one in found} == {
        (Source.SCHEDULE, "news"),
        (Source.EVENT, "opening"),
        (Source.HAND, ""),
    }
    assert {one.state for one in found} == {
        *("planned", "creating", "waiting", "ready", "publishing", "looking"),
    }


def test_what_is_later_than_asked_for_is_left_out() -> None:
    found = told(
        schedule("daily"),
        schedule("yearly", "0 9 1 1 *"),
        schedule("over", end="2027-03-27T00:00"),
        occurrences=(occurrence("far", NOW + 9 * DAY),),
        days=1,
    )
    assert [one.name for one in found] == ["daily"]


def test_a_definition_that_cannot_be_read_stands_in_front() -> None:
    row = replace(schedule("broken"), definition="{}")
    first, *rest = told(row, schedule())
    assert (first.name, first.state) == ("broken", "unreadable")
    assert "broken" in first.problem
    assert rest


def test_far_ahead_is_a_year() -> None:
    assert until(NOW, 1e9) == NOW + MOST_DAYS * DAY
    assert moment_values(NOW, "Asia/Kathmandu")["at"] == "2027-03-26T17:45:00+05:45"
