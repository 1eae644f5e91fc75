"""A line in which nobody's crowd keeps the others waiting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.fairness import FairLine


def test_one_of_each_party_in_turn_and_a_party_s_own_in_order() -> None:
    line = FairLine[str]()
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        line.put(item[0], item)
    assert [line.take() for _ in range(len(line))] == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_of_a_party_s_own_the_lowest_rank_goes_first() -> None:
    line = FairLine[str]()
    for item, rank in (("late", 3.0), ("early", 1.0), ("early too", 1.0)):
        line.put("a", item, rank)
    assert line.first() == "early"
    assert [line.take() for _ in range(3)] == ["early", "early too", "late"]


def test_of_a_party_s_own_the_last_is_the_highest_rank_that_came_last() -> None:
    line = FairLine[str]()
    for item, rank in (("late", 3.0), ("early", 1.0), ("late too", 3.0)):
        line.put("a", item, rank)
    line.put("b", "another's", 9.0)
    assert (line.last("a"), len(line)) == ("late too", 4)


def test_an_empty_line_gives_nothing() -> None:
    line = FairLine[str]()
    with pytest.raises(IndexError):
        line.take()
    with pytest.raises(IndexError):
        line.first()


def test_who_is_not_wanted_any_more_is_dropped() -> None:
    line = FairLine[int]()
    for number in range(10):
        line.put(str(number % 3), number)
    line.keep(lambda number: number % 3 == 0 and number > 3)
    assert (len(line), [line.take() for _ in range(len(line))]) == (2, [6, 9])


@given(
    crowd=st.integers(0, 1000),
    others=st.lists(st.integers(1, 5), min_size=1, max_size=8),
    first=st.booleans(),
)
def test_nobody_waits_longer_than_the_stated_bound_whatever_the_size_of_a_crowd(
    *, crowd: int, others: list[int], first: bool
) -> None:
    line = FairLine[tuple[str, int]]()
    lines = [(f"party {number}", size) for number, size in enumerate(others)]
    for party, size in [("crowd", crowd), *lines] if first else [*lines, ("crowd", crowd)]:
        for place in range(1, size + 1):
            line.put(party, (party, place))
    taken = [line.take() for _ in range(len(line))]
    parties = len(others) + (crowd > 0)
    for before, (_, place) in enumerate(taken):
        assert before <= place * parties - 1
    alone = FairLine[tuple[str, int]]()
    for party, size in lines:
        for place in range(1, size + 1):
            alone.put(party, (party, place))
    # One crowd more at most doubles the number of those who go before.
    for before, item in enumerate(alone.take() for _ in range(len(alone))):
        assert taken.index(item) + 1 <= 2 * (before + 1)
