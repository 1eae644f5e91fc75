"""When a run is a result, and when the service passed."""

from dataclasses import replace

import pytest

from vestlus.loadtest.verdict import (
    BREACHES,
    ENDED_EARLY,
    STATUS,
    Facts,
    Outcome,
    fell_behind,
    judge,
)

GOOD = Facts(
    rate=100.0,
    late_p99_ms=4.0,
    helper_cores={"generator": 0.3, "pretend Graph": 0.5, "pretend model": 0.4},
    breaches=dict.fromkeys(BREACHES, 0) | {"order_unproven": 3, "messages": 6000},
    backlog=[40] * 60,
)


def test_a_run_without_breaches_that_kept_up_passes() -> None:
    assert judge(GOOD).outcome is Outcome.PASSED


@pytest.mark.parametrize("name", list(BREACHES))
def test_each_kind_of_breach_fails_and_is_told(name: str) -> None:
    verdict = judge(replace(GOOD, breaches={**GOOD.breaches, name: 2}))
    assert verdict.outcome is Outcome.FAILED
    assert f"2 messages were {BREACHES[name]}" in verdict.reasons


def test_a_generator_that_was_late_makes_it_no_result() -> None:
    verdict = judge(replace(GOOD, late_p99_ms=250.0))
    assert verdict.outcome is Outcome.NO_RESULT
    assert "late against its own schedule: by 250 ms" in verdict.reasons[0]


@pytest.mark.parametrize("name", list(GOOD.helper_cores))
def test_a_process_of_the_load_test_that_filled_its_core_makes_it_no_result(name: str) -> None:
    verdict = judge(replace(GOOD, helper_cores={**GOOD.helper_cores, name: 0.97}))
    assert verdict.outcome is Outcome.NO_RESULT
    assert name in verdict.reasons[0]


def test_a_breach_is_told_even_where_the_figures_say_nothing() -> None:
    verdict = judge(replace(GOOD, late_p99_ms=250.0, breaches={"duplicated": 1}))
    assert verdict.outcome is Outcome.NO_RESULT
    assert any("more than once" in each for each in verdict.reasons)


def test_a_backlog_that_grows_for_as_long_as_messages_come_fails() -> None:
    verdict = judge(replace(GOOD, backlog=[20 * second for second in range(60)]))
    assert verdict.outcome is Outcome.FAILED
    assert "fell behind" in verdict.reasons[0]
    assert "1180 messages" in verdict.reasons[0]


def test_a_backlog_that_fills_at_the_start_and_stays_is_none() -> None:
    assert not fell_behind([0, 50, 90, *[120] * 57], 100.0)
    assert not fell_behind([0, 200, 0, 200] * 15, 100.0)
    assert not fell_behind([], 100.0)
    assert not fell_behind([5, 400, 9000], 100.0)


def test_a_run_that_was_ended_early_does_not_call_what_was_under_way_lost() -> None:
    verdict = judge(
        replace(GOOD, interrupted=True, breaches={"lost": 90, "not_accepted": 2, "duplicated": 1})
    )
    assert verdict.outcome is Outcome.INTERRUPTED
    assert verdict.reasons == (ENDED_EARLY, "1 messages were answered more than once")


def test_a_service_that_ended_by_itself_fails_whatever_else_there_was() -> None:
    verdict = judge(replace(GOOD, late_p99_ms=900.0, broken="the service ended by itself"))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reasons[0] == "the service ended by itself"


def test_every_outcome_has_a_status_of_its_own() -> None:
    assert set(STATUS) == set(Outcome)
    assert len(set(STATUS.values())) == len(Outcome)
    assert STATUS[Outcome.PASSED] == 0
