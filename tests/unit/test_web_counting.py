"""How often the store is counted for ``/metrics``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.web import COUNTING_SHARE, COUNTS_SECONDS, next_count


def test_a_small_store_is_counted_as_often_as_prometheus_asks() -> None:
    assert next_count(100.0, 100.01) == 100.0 + COUNTS_SECONDS


@given(st.floats(0, 1e6), st.floats(0, 60))
def test_however_much_is_kept_counting_takes_a_small_part_of_the_time(
    began: float, took: float
) -> None:
    again = next_count(began, began + took)
    assert again >= began + COUNTS_SECONDS
    assert took <= COUNTING_SHARE * (again - began) + 1e-6
