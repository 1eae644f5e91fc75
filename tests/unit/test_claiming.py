"""Looking at a schedule: each of its times is claimed exactly once, or told to have passed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.planning.claiming import MOST_AT_ONCE, MOST_TOLD, claim_of
from vestlus.planning.definitions import AHEAD_MS
from vestlus.scheduling.missed import ON_TIME_MS, MissedRule
from vestlus.scheduling.recipe import Recipe
from vestlus.scheduling.recurrence import Once, Repeated
from vestlus.scheduling.walltime import wall_at
from vestlus.store.occurrences import CHANGED, REMOVED, OccurrenceState, is_unclaimed
from vestlus.store.plan_rows import (
    Claim,
    Keeper,
    NewOccurrence,
    OccurrenceRow,
    ScheduleRow,
    Trigger,
)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ZONE = ZoneInfo("Europe/Tallinn")
HOURLY = Repeated("0 * * * *", ZONE)
#: 2026-10-24 00:00 in Tallinn: clocks are put back in the night after.
START_MS = 1_792_789_200_000
RECIPE = Recipe(account="1", pictures=("saal",), within_hours=24)


@dataclass(frozen=True)
class Plan:
    recurrence: Once | Repeated = HOURLY
    missed: MissedRule = MissedRule.ALL
    longest_ms: int = 24 * HOUR_MS
    recipe: Recipe = RECIPE


def row(**fields: Any) -> ScheduleRow:  # noqa: ANN401  fields of several types
    new = ScheduleRow(
        name="tund",
        keeper=Keeper.HAND,
        account="1",
        definition="",
        watched_ms=START_MS,
        created_ms=START_MS,
        changed_ms=START_MS,
    )
    return replace(new, **fields)


def after(claim: Claim) -> ScheduleRow:
    """The row as the store has it then."""
    return replace(
        claim.of,
        watched_ms=claim.watched_ms,
        look_ms=claim.look_ms,
        version=claim.of.version + 1,
    )


def planned(claim: Claim) -> list[int]:
    return [
        one.due_ms - START_MS for one in claim.occurrences if one.state is OccurrenceState.PLANNED
    ]


def skipped(claim: Claim) -> list[tuple[int, str]]:
    return [
        (one.due_ms - START_MS, one.reason)
        for one in claim.occurrences
        if one.state is OccurrenceState.SKIPPED
    ]


def withdrawn(
    one: NewOccurrence,
    at_ms: int,
    reason: str = CHANGED,
    **fields: Any,  # noqa: ANN401  fields of several types
) -> OccurrenceRow:
    """Return what a change at that moment left of an occurrence that was ready."""
    before = OccurrenceRow(
        id="before",
        key=one.key,
        trigger=Trigger.SCHEDULE,
        name=one.name,
        account=one.account,
        recipe=RECIPE,
        payload="",
        state=OccurrenceState.WITHDRAWN,
        version=3,
        due_ms=one.due_ms,
        wake_ms=one.due_ms,
        reason=reason,
        changed_ms=at_ms,
    )
    return replace(before, **fields)


def changed_row(at_ms: int, **fields: Any) -> ScheduleRow:  # noqa: ANN401  as above
    """Return the schedule right after its definition changed."""
    return row(**{"watched_ms": at_ms, "created_ms": at_ms, "changed_ms": at_ms} | fields)


def test_times_are_claimed_half_an_hour_ahead_and_the_next_look_is_as_early() -> None:
    early = claim_of(row(), Plan(), START_MS + 29 * MINUTE_MS)
    assert (planned(early), early.look_ms) == ([], START_MS + 30 * MINUTE_MS)

    claim = claim_of(after(early), Plan(), START_MS + 30 * MINUTE_MS)
    assert planned(claim) == [HOUR_MS]
    (one,) = claim.occurrences
    wall = wall_at(one.due_ms, ZONE)
    assert one.key == f"schedule:tund:{wall.isoformat(timespec='minutes')}"
    assert (one.recipe, one.wake_ms) == (RECIPE, one.due_ms - AHEAD_MS)
    assert claim.look_ms == START_MS + 90 * MINUTE_MS


def test_what_is_over_is_never_looked_at_again() -> None:
    once = Plan(recurrence=Once(wall_at(START_MS + HOUR_MS, ZONE), ZONE))
    claim = claim_of(row(), once, START_MS + 45 * MINUTE_MS)
    assert (planned(claim), claim.look_ms) == ([HOUR_MS], 0)


def test_a_time_far_ahead_is_the_moment_by_the_rules_that_its_zone_has_by_then() -> None:
    """A new version brings rules by which the clocks show 09:00 an hour earlier."""
    old = Plan(Repeated("0 9 1 * *", ZoneInfo("Etc/GMT-2")), MissedRule.SKIP)
    new = Plan(Repeated("0 9 1 * *", ZoneInfo("Etc/GMT-3")), MissedRule.SKIP)
    (due,) = itertools.islice(new.recurrence.after(START_MS), 1)
    far = START_MS + 60 * 24 * HOUR_MS
    kept, looks = row(look_ms=START_MS, watched_ms=due.at_ms), 0
    found: list[NewOccurrence] = []
    while not found and kept.look_ms < far:
        looks += 1
        claim = claim_of(kept, old if looks == 1 else new, kept.look_ms)
        found, kept = list(claim.occurrences), after(claim)
    (one,) = found
    (expected,) = itertools.islice(new.recurrence.after(due.at_ms), 1)
    assert (one.state, one.due_ms) == (OccurrenceState.PLANNED, expected.at_ms)
    assert kept.watched_ms == expected.at_ms
    assert looks <= 10


def test_what_passed_while_it_was_paused_is_skipped_whatever_the_rule() -> None:
    resumed = row(changed_ms=START_MS + 3 * HOUR_MS + MINUTE_MS)
    claim = claim_of(resumed, Plan(), START_MS + 4 * HOUR_MS)
    assert skipped(claim) == [(hour * HOUR_MS, "paused") for hour in (1, 2, 3)]
    assert planned(claim) == [4 * HOUR_MS]


def test_a_schedule_that_was_watched_before_it_was_added_has_not_been_paused() -> None:
    added = row(created_ms=START_MS + 2 * HOUR_MS, changed_ms=START_MS + 2 * HOUR_MS)
    claim = claim_of(added, Plan(), START_MS + 2 * HOUR_MS)
    assert (planned(claim), skipped(claim)) == ([HOUR_MS, 2 * HOUR_MS], [])


def test_what_was_missed_says_why_it_is_not_made_up_for() -> None:
    claim = claim_of(row(), Plan(missed=MissedRule.LATEST), START_MS + 3 * HOUR_MS + HOUR_MS // 2)
    assert skipped(claim) == [(HOUR_MS, "missed"), (2 * HOUR_MS, "missed")]
    assert planned(claim) == [3 * HOUR_MS, 4 * HOUR_MS]
    assert 'missed = "latest"' in claim.occurrences[0].problem


def test_very_many_that_are_made_up_for_are_claimed_in_pieces() -> None:
    plan = Plan(recurrence=Repeated("* * * * *", ZONE))
    now_ms = START_MS + 10 * HOUR_MS
    first = claim_of(row(), plan, now_ms)
    assert len(first.occurrences) == MOST_AT_ONCE
    assert (first.watched_ms, first.look_ms) == (START_MS + 200 * MINUTE_MS, now_ms)
    rows, claims = after(first), [first]
    while rows.look_ms == now_ms:
        claims.append(claim_of(rows, plan, now_ms))
        rows = after(claims[-1])
    found = sorted(due for claim in claims for due in planned(claim))
    assert found == [minute * MINUTE_MS for minute in range(1, 631)]


def test_a_schedule_that_nobody_looked_at_for_years_tells_a_few_of_what_passed() -> None:
    plan = Plan(recurrence=Repeated("* * * * *", ZONE), missed=MissedRule.SKIP)
    claim = claim_of(row(), plan, START_MS + 3 * 365 * 24 * HOUR_MS)
    assert len(skipped(claim)) == MOST_TOLD
    resumed = row(changed_ms=START_MS + 2 * 365 * 24 * HOUR_MS)
    claim = claim_of(resumed, plan, START_MS + 2 * 365 * 24 * HOUR_MS)
    assert len(skipped(claim)) == MOST_TOLD


def test_of_a_changed_schedule_what_was_open_and_stays_is_planned_anew() -> None:
    before = claim_of(row(), Plan(), START_MS + 90 * MINUTE_MS).occurrences
    assert len(before) == 2
    now_ms = START_MS + 95 * MINUTE_MS
    old = [withdrawn(one, now_ms) for one in before]
    changed = changed_row(now_ms)
    assert is_unclaimed(changed.watched_ms, changed.created_ms)

    claim = claim_of(changed, Plan(), now_ms, old)
    assert [one.key for one in claim.occurrences] == [one.key for one in before]
    assert planned(claim) == [HOUR_MS, 2 * HOUR_MS]
    removed = [withdrawn(one, now_ms, REMOVED) for one in before]
    assert planned(claim_of(changed, Plan(), now_ms, removed)) == [2 * HOUR_MS]
    assert not is_unclaimed(claim.watched_ms, changed.created_ms)


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (MissedRule.SKIP, []),
        (MissedRule.LATEST, [3 * HOUR_MS]),
        (MissedRule.ALL, [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS]),
    ],
)
def test_what_was_open_and_missed_when_the_schedule_changed_goes_by_its_rule(
    missed: MissedRule, expected: list[int]
) -> None:
    """Times that were claimed before it, and times that were not, are one row of times."""
    before = claim_of(row(), Plan(), START_MS + 100 * MINUTE_MS).occurrences
    now_ms = START_MS + 200 * MINUTE_MS
    changed = changed_row(now_ms, watched_ms=START_MS + 130 * MINUTE_MS)
    old = [withdrawn(one, now_ms) for one in reversed(before)]

    claim = claim_of(changed, Plan(missed=missed), now_ms, old)
    assert planned(claim) == expected
    passed = [hour * HOUR_MS for hour in (1, 2, 3) if hour * HOUR_MS not in expected]
    assert sorted(skipped(claim)) == [(one, "missed") for one in passed]


def test_what_was_open_and_is_too_old_by_the_new_rule_is_told() -> None:
    before = claim_of(row(), Plan(), START_MS + 90 * MINUTE_MS).occurrences
    now_ms = START_MS + 190 * MINUTE_MS
    old = [withdrawn(one, now_ms) for one in before]
    claim = claim_of(changed_row(now_ms), Plan(longest_ms=90 * MINUTE_MS), now_ms, old)
    assert (planned(claim), skipped(claim)) == ([2 * HOUR_MS], [(HOUR_MS, "missed")])


def test_a_draft_that_waits_or_is_being_made_is_not_missed_when_the_schedule_changes() -> None:
    before = claim_of(row(), Plan(), START_MS + 90 * MINUTE_MS).occurrences
    now_ms = START_MS + 190 * MINUTE_MS
    waits = withdrawn(before[0], now_ms, wake_ms=START_MS + 25 * HOUR_MS)
    is_tried = withdrawn(before[1], now_ms, wake_ms=now_ms + MINUTE_MS)
    claim = claim_of(changed_row(now_ms), Plan(missed=MissedRule.SKIP), now_ms, [is_tried, waits])
    assert (sorted(planned(claim)), skipped(claim)) == ([HOUR_MS, 2 * HOUR_MS], [])


def test_what_was_missed_and_is_no_time_any_more_is_told() -> None:
    (one,) = claim_of(row(), Plan(), START_MS + 45 * MINUTE_MS).occurrences
    now_ms = START_MS + 95 * MINUTE_MS
    other = Plan(recurrence=Repeated("30 7 * * *", ZONE))
    claim = claim_of(changed_row(now_ms), other, now_ms, [withdrawn(one, now_ms)])
    (told,) = claim.occurrences
    assert (told.key, told.state, told.reason) == (one.key, OccurrenceState.SKIPPED, "missed")
    assert "other times" in told.problem


def test_what_an_earlier_change_withdrew_does_not_come_back_with_a_later_one() -> None:
    (one,) = claim_of(row(), Plan(), START_MS + 45 * MINUTE_MS).occurrences
    now_ms = START_MS + 95 * MINUTE_MS
    old = [withdrawn(one, START_MS + 50 * MINUTE_MS)]
    claim = claim_of(changed_row(now_ms), Plan(), now_ms, old)
    assert [one.due_ms - START_MS for one in claim.occurrences] == [2 * HOUR_MS]


def test_what_a_person_had_go_out_at_once_is_of_its_time_when_the_schedule_changes() -> None:
    every = Plan(recurrence=Repeated("*/10 * * * *", ZONE))
    before = claim_of(row(), every, START_MS + MINUTE_MS).occurrences
    now_ms = START_MS + 3 * MINUTE_MS
    early = START_MS + 2 * MINUTE_MS
    old = [withdrawn(one, now_ms) for one in before[:-1]]
    old.append(withdrawn(before[-1], now_ms, due_ms=early, wake_ms=early))
    claim = claim_of(changed_row(now_ms), every, now_ms, old)
    keys = [one.key for one in claim.occurrences]
    assert sorted(keys) == sorted({*keys, *(one.key for one in before)})
    assert skipped(claim) == []


@pytest.mark.parametrize("has_decided", [True, False])
def test_what_a_person_had_go_out_late_is_of_its_time_when_the_schedule_changes(
    *, has_decided: bool
) -> None:
    """By a yes to its draft, or after it had passed in a pause, which is no yes."""
    (one,) = claim_of(row(), Plan(), START_MS + 45 * MINUTE_MS).occurrences
    late_ms = START_MS + 90 * MINUTE_MS + (0 if has_decided else 1)
    decided_ms = late_ms if has_decided else 0
    now_ms = late_ms + 1_000
    changed = changed_row(now_ms, watched_ms=START_MS + 75 * MINUTE_MS)
    old = withdrawn(one, now_ms, due_ms=late_ms, wake_ms=late_ms, decided_ms=decided_ms)
    assert planned(claim_of(changed, Plan(), now_ms, [old])) == [HOUR_MS, 2 * HOUR_MS]


def test_a_claimed_time_that_is_earlier_in_another_zone_is_not_made_up_for() -> None:
    (one,) = claim_of(row(), Plan(), START_MS + 45 * MINUTE_MS).occurrences
    east = Plan(recurrence=Repeated("0 1 24 10 *", ZoneInfo("Asia/Kolkata")))
    for minutes, expected in ((50, []), (70, [(HOUR_MS, "missed")])):
        now_ms = START_MS + minutes * MINUTE_MS
        claim = claim_of(changed_row(now_ms), east, now_ms, [withdrawn(one, now_ms)])
        assert (planned(claim), skipped(claim)) == ([], expected)


def test_what_was_open_and_passed_in_a_pause_after_the_change_is_told_as_such() -> None:
    (one,) = claim_of(row(), Plan(), START_MS + 45 * MINUTE_MS).occurrences
    changed_ms, resumed_ms = START_MS + 50 * MINUTE_MS, START_MS + 80 * MINUTE_MS
    kept = changed_row(changed_ms, watched_ms=START_MS + 75 * MINUTE_MS)
    resumed = replace(kept, changed_ms=resumed_ms)
    claim = claim_of(resumed, Plan(), resumed_ms, [withdrawn(one, changed_ms)])
    assert (planned(claim), skipped(claim)) == ([], [(HOUR_MS, "paused")])


#: Seconds that pass before it is looked at, or what a person does instead.
steps = st.lists(
    st.one_of(st.integers(-3 * 3600, 5 * 3600), st.sampled_from(["pause", "resume", "restart"])),
    min_size=1,
    max_size=20,
)
plans = st.builds(
    Plan,
    recurrence=st.sampled_from(
        [
            HOURLY,
            Repeated("*/20 1-5 * * *", ZONE),
            Repeated("30 3 * * *", ZONE, end=datetime(2026, 10, 29)),  # noqa: DTZ001 - a wall time
            Once(wall_at(START_MS, ZONE) + timedelta(hours=30), ZONE),
        ]
    ),
    missed=st.sampled_from(MissedRule),
    longest_ms=st.integers(0, 30 * HOUR_MS),
)


@settings(deadline=None)
@given(steps=steps, plan=plans)
def test_over_looks_jumps_pauses_and_restarts_each_time_is_claimed_exactly_once(
    steps: list[int | str], plan: Plan
) -> None:
    kept, now_ms = row(look_ms=1), START_MS
    claimed: list[NewOccurrence] = []
    for step in steps:
        match step:
            case "pause" | "resume":
                if kept.paused != (step == "pause"):
                    kept = replace(kept, paused=step == "pause", changed_ms=now_ms)
            case "restart":
                pass
            case int():
                now_ms += step * 1000
        if kept.paused or not 0 < kept.look_ms <= now_ms:
            continue
        claim = claim_of(kept, plan, now_ms)
        for one in claim.occurrences:
            told_late = one.due_ms < now_ms - ON_TIME_MS
            if one.state is OccurrenceState.PLANNED and told_late:
                assert plan.missed is not MissedRule.SKIP
                assert one.due_ms >= now_ms - plan.longest_ms - 1
            assert one.due_ms <= max(now_ms + AHEAD_MS, kept.watched_ms)
        claimed += claim.occurrences
        assert claim.watched_ms >= kept.watched_ms
        assert claim.look_ms == 0 or claim.look_ms > now_ms
        kept = after(claim)

    keys = [one.key for one in claimed]
    assert len(keys) == len(set(keys))
    times = plan.recurrence.after(START_MS)
    expected = itertools.takewhile(lambda one: one.at_ms <= kept.watched_ms, times)
    assert sorted(one.due_ms for one in claimed) == [one.at_ms for one in expected]


@settings(deadline=None)
@given(
    zone=st.sampled_from(["Pacific/Kiritimati", "Asia/Kolkata", "Europe/London", "America/Lima"]),
    missed=st.sampled_from(MissedRule),
    # When it was claimed, how much later it is changed, and by how much a person moved some.
    minutes=st.tuples(st.integers(0, 1_600), st.integers(0, 1_800), st.integers(-20, 90)),
    stays=st.booleans(),
)
def test_whatever_changes_a_claim_holds_no_key_twice(
    *, zone: str, missed: MissedRule, minutes: tuple[int, int, int], stays: bool
) -> None:
    claimed, later, moved = (one * MINUTE_MS for one in minutes)
    now_ms = START_MS + claimed + later
    before = claim_of(row(), Plan(), START_MS + claimed)
    old = [
        withdrawn(one, now_ms, due_ms=one.due_ms + moved * (index % 2))
        for index, one in enumerate(before.occurrences)
    ]
    plan = Plan(Repeated("0 * * * *", ZoneInfo(zone)), missed)
    watched_ms = min(now_ms, before.watched_ms) if stays else now_ms
    claim = claim_of(changed_row(now_ms, watched_ms=watched_ms), plan, now_ms, old)
    keys = [one.key for one in claim.occurrences]
    assert len(keys) == len(set(keys))
