"""Schedules as rows: the text is the same for the same schedule, and says all of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.planning.definitions import (
    AHEAD_MS,
    LOOK_AGAIN_MS,
    Definition,
    Unreadable,
    definition_of,
    next_look_ms,
    read_definition,
    row_of,
    rows_of_file,
)
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.plan_rows import Keeper, ScheduleRow

OWNER = Account(id="17841400000000001", timezone="Pacific/Apia")
#: 2026-11-27 12:00 UTC.
NOW = 1_795_780_800_000

unhurried = settings(deadline=None, max_examples=50)

_words = st.text(st.characters(exclude_characters="{}"), max_size=20)
_walls = st.integers(0, 5_000_000).map(
    lambda minutes: datetime.fromisoformat("2026-01-01") + timedelta(minutes=minutes)
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Schedules of all kinds."""
    values: dict[str, Any] = {
        "name": draw(st.from_regex(r"[a-z0-9]([a-z0-9]{0,5})", fullmatch=True))
    }
    if draw(st.booleans()):
        values["at"] = draw(_walls)
    else:
        values["cron"] = draw(st.sampled_from(["0 9 * * *", "*/15 8-18 * * 1-5", "30 2 L * *"]))
        values |= {"start": draw(_walls)} if draw(st.booleans()) else {}
        values["without"] = draw(st.lists(st.dates(date(2026, 1, 1), date(2027, 1, 1)), max_size=3))
    values |= draw(
        st.sampled_from(
            [{"pictures": ("a", "b")}, {"tags": ("sügis",)}, {"tags": ("x",), "choose": "model"}]
        )
    )
    values |= draw(st.sampled_from([{}, {"timezone": "Europe/Tallinn"}, {"account": OWNER.id}]))
    values |= {draw(st.sampled_from(["caption", "prompt"])): draw(_words)}
    values |= draw(st.sampled_from([{}, {"missed": "all"}, {"approve": False}]))
    values["missed_hours"] = draw(st.floats(0, 720))
    return Schedule.model_validate(values)


@unhurried
@given(schedules())
def test_a_row_says_all_that_the_schedule_said(schedule: Schedule) -> None:
    """With the account and the zone of the settings, without which it is read."""
    read = read_definition(row_of(schedule, OWNER, Keeper.HAND, NOW))
    assert isinstance(read, Definition)
    assert (
        read.schedule.model_copy(
            update={"account": schedule.account, "timezone": schedule.timezone}
        )
        == schedule
    )
    assert (read.account, read.timezone) == (OWNER.id, schedule.timezone or OWNER.timezone)
    assert read.recipe == schedule.recipe(OWNER.id)
    assert read.missed is schedule.missed
    assert read.longest_ms == round(schedule.missed_hours * 3_600_000)
    expected = schedule.recurrence(OWNER.timezone)
    assert _first(read.recurrence.after(NOW)) == _first(expected.after(NOW))


@unhurried
@given(schedules())
def test_the_same_schedule_is_the_same_text_however_it_came(schedule: Schedule) -> None:
    """Read back and written again, and with its account and zone written out."""
    text = definition_of(schedule, OWNER)
    read = read_definition(_row(text))
    assert isinstance(read, Definition)
    assert definition_of(read.schedule, OWNER) == text
    assert text.isascii()


@unhurried
@given(schedules())
def test_a_new_row_is_looked_at_half_an_hour_before_it_is_due(schedule: Schedule) -> None:
    """At once where that is past, once a week until then, never where nothing is to come."""
    row = row_of(schedule, OWNER, Keeper.HAND, NOW)
    upcoming = _first(schedule.recurrence(OWNER.timezone).after(NOW))
    assert row.watched_ms == NOW
    ahead_ms = upcoming[0].at_ms - AHEAD_MS if upcoming else -NOW
    assert row.look_ms == (min(max(NOW, ahead_ms), NOW + LOOK_AGAIN_MS) if upcoming else 0)


@pytest.mark.parametrize(
    ("wall", "keeper", "is_looked_at"),
    [
        ("2026-11-27T11:51", Keeper.FILE, True),
        ("2026-11-27T11:50", Keeper.FILE, False),
        ("2026-11-27T11:59", Keeper.HAND, False),
    ],
)
def test_a_time_that_passed_while_the_service_started_was_missed(
    wall: str, keeper: Keeper, *, is_looked_at: bool
) -> None:
    """What becomes of it is said by the schedule's rule for missed times."""
    schedule = Schedule.model_validate(
        {"name": "opening", "at": wall, "timezone": "UTC", "tags": ["sea"]}
    )
    row = row_of(schedule, OWNER, keeper, NOW)
    assert row.look_ms == (NOW if is_looked_at else 0)
    repeated = Schedule(name="news", cron="* * * * *", tags=("sea",))
    assert row_of(repeated, OWNER, keeper, NOW).watched_ms == NOW


def test_rows_of_the_file_are_its_schedules_each_with_its_account() -> None:
    """In the zone of the account."""
    schedule = Schedule(name="news", account=OWNER.id, cron="0 9 * * *", tags=("sea",))
    other = Account(id="2")
    assert rows_of_file([schedule], [other, OWNER], NOW) == [
        row_of(schedule, OWNER, Keeper.FILE, NOW)
    ]


def test_a_schedule_is_another_one_in_another_zone() -> None:
    """Its times are others, so its occurrences are."""
    schedule = Schedule(name="news", cron="0 9 * * *", tags=("sea",))
    moved = OWNER.model_copy(update={"timezone": "Europe/Tallinn"})
    assert definition_of(schedule, OWNER) != definition_of(schedule, moved)


def test_what_is_left_out_is_not_in_the_text() -> None:
    """So that a later version's new settings do not make every schedule another one."""
    schedule = Schedule(name="news", cron="0 9 * * *", tags=("sea",))
    assert set(json.loads(definition_of(schedule, OWNER))) == {
        *("version", "name", "account", "timezone", "cron", "tags"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON"),
        ("[]", "is no JSON object"),
        ('{"version": 2, "name": "news"}', "has version 2"),
        ("{}", "has version None"),
        ('{"version": 1, "name": "news", "cron": "0 9 * * *", "tags": ["a"], "mood": 1}', "mood"),
        (
            '{"version": 1, "name": "n", "at": "2026-01-01T09:00", "timezone": "Mars/Base"}',
            "timezone",
        ),
        ('{"version": 1, "name": "n", "cron": "0 9 * * *", "tags": ["a"]}', "has no account"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, said: str) -> None:
    """With the schedule's name and what to mend, and without failing."""
    read = read_definition(_row(text))
    assert isinstance(read, Unreadable)
    assert read.problem.startswith("news: ")
    assert said in read.problem


def test_the_next_look_is_after_what_is_claimed() -> None:
    """What was claimed ahead of its time is not looked at again."""
    schedule = Schedule(name="news", cron="0 * * * *", timezone="UTC", tags=("sea",))
    recurrence = schedule.recurrence("UTC")
    claimed = next(iter(recurrence.after(NOW))).at_ms
    assert next_look_ms(recurrence, after_ms=claimed, now_ms=NOW) == claimed + 3_600_000 - AHEAD_MS


def _row(text: str) -> ScheduleRow:
    row = ScheduleRow(name="news", keeper=Keeper.FILE, account=OWNER.id, definition="")
    return dataclasses.replace(row, definition=text)


def _first(found: Any) -> list[Any]:  # noqa: ANN401 - an iterator of occurrences
    return list(itertools.islice(found, 1))
