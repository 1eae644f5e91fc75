"""The arithmetic of benchmarks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measuring import Figures, Round, figures, percentile, spread, table

numbers = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.01, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1, 100)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
    share: float, expected: int
) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


@given(numbers, st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_rises_with_its_share(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert found <= percentile(values, 1) == max(values)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-4


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_spread_is_the_range_beside_the_median() -> None:
    assert spread([90, 100, 120]) == pytest.approx(0.3)
    assert spread([5.0]) == spread([0.0, 0.0]) == 0


def test_rounds_are_summed_up_by_medians_so_that_one_bad_round_changes_little() -> None:
    good = [Round(100, 0.1, 0.05, [0.001] * 98 + [0.002] * 2) for _ in range(2)]
    bad = Round(100, 9.0, 0.06, [0.1] * 100)
    found = figures("part", [*good, bad])
    assert (found.operations, round(found.per_second), round(found.cpu_us)) == (300, 1000, 500)
    assert found.spread == pytest.approx(0.2)
    assert found.p50_us == pytest.approx(1000)
    assert found.p99_us == pytest.approx(2000)


def test_a_round_in_which_nothing_was_done_is_no_figure() -> None:
    for rounds in ([], [Round(1, 1, 1), Round()]):
        with pytest.raises(ValueError, match="part: a round without operations"):
            figures("part", rounds)


def test_figures_are_shown_as_a_table_without_what_was_not_measured() -> None:
    row = Figures("publish", 10, 12345.6, 78.4, 0.123, None, 9.9)
    assert table([row])[2:] == ["| publish | 12,346 | 78 | 12% |  | 10 |"]
