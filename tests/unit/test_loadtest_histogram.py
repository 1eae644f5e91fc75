"""The histogram knows every value to 0.1 %, whatever their size, and merges."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.loadtest.histogram import Histogram, bucket_of, highest_of

values = st.integers(0, 10**12)
many = st.lists(values, min_size=1, max_size=200)


def of(numbers: list[int]) -> Histogram:
    made = Histogram()
    made.record_all(numbers)
    return made


@given(values)
def test_a_bucket_s_highest_value_is_at_most_a_thousandth_over(value: int) -> None:
    highest = highest_of(bucket_of(value))
    assert value <= highest <= value * (1 + 1 / 1024)
    assert bucket_of(highest) == bucket_of(value)
    assert bucket_of(highest + 1) == bucket_of(value) + 1


@given(many, st.sampled_from([0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0]))
def test_percentiles_are_those_of_the_sorted_values(numbers: list[int], percent: float) -> None:
    exact = sorted(numbers)[max(0, math.ceil(len(numbers) * percent / 100) - 1)]
    assert exact <= of(numbers).percentile(percent) <= exact * (1 + 1 / 1024)


@given(many, many)
def test_two_histograms_merged_are_one_of_both(first: list[int], second: list[int]) -> None:
    merged = of(first)
    merged.add(of(second))
    both = of(first + second)
    assert merged.counts == both.counts
    assert (merged.count, merged.most) == (both.count, both.most)


@given(many)
def test_a_histogram_comes_back_from_its_counts(numbers: list[int]) -> None:
    made = of(numbers)
    again = Histogram(made.counts, made.most)
    assert again.count == len(numbers)
    assert again.percentile(99.9) == made.percentile(99.9)
    assert again.percentile(100) == max(numbers)


def test_of_nothing_every_percentile_is_none() -> None:
    assert Histogram().percentile(99) == 0
    assert Histogram().count == 0


def test_a_negative_value_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        Histogram().record(-1)
