"""What happens is added up by minute and account until it is written down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.measuring.minutes import MinuteTally
from vestlus.store.measure_rows import ANSWER_BOUNDS, MINUTE_MS, NO_TIMES, MinuteRow


def test_each_minute_of_each_account_is_a_row() -> None:
    tally = MinuteTally()
    tally.received("a", 1)
    tally.received("a", MINUTE_MS - 1)
    tally.received("a", MINUTE_MS)
    tally.failed("b", 5)
    assert set(tally.take()) == {
        MinuteRow(minute_ms=0, account="a", received=2),
        MinuteRow(minute_ms=MINUTE_MS, account="a", received=1),
        MinuteRow(minute_ms=0, account="b", failed=1),
    }
    assert tally.take() == ()


def test_an_answer_counts_its_messages_and_the_time_that_it_took() -> None:
    tally = MinuteTally()
    tally.answered("a", 0, 0.25, 3)
    tally.answered("a", 0, 10_000.0, 1)
    (row,) = tally.take()
    assert row.answered == 4
    assert row.times == (1, *NO_TIMES[2:], 1)
    assert len(row.times) == len(ANSWER_BOUNDS) + 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.floats(0, 700))))
def test_what_could_not_be_written_is_written_with_what_came_meanwhile(
    answers: list[tuple[str, int, float]],
) -> None:
    once, twice = MinuteTally(), MinuteTally()
    for number, (account, minute, seconds) in enumerate(answers):
        for tally in (once, twice):
            tally.answered(account, minute * MINUTE_MS, seconds, 1)
            tally.received(account, minute * MINUTE_MS)
        if number % 2:
            twice.give_back(twice.take())
    assert set(once.take()) == set(twice.take())
