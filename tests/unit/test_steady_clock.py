"""A clock that follows the machine's, but not at once where that jumps ahead."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.steady_clock import SETTLED_SECONDS, SteadyClock

HOUR_MS = 3_600_000
BEGIN_MS = 1_780_000_000_000


class Machine:
    """A machine whose wall clock is put, and whose monotonic clock goes on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.by_ms = 0
        self.clock = SteadyClock(self.wall, lambda: self.seconds)
        self.clock()

    def true_ms(self) -> int:
        return BEGIN_MS + round(self.seconds * 1000)

    def wall(self) -> int:
        return self.true_ms() + self.by_ms

    def after(self, seconds: float) -> int:
        """Let time pass, and read the clock."""
        self.seconds += seconds
        return self.clock()


def test_a_jump_ahead_is_followed_when_it_has_lasted() -> None:
    machine = Machine()
    machine.by_ms = 24 * HOUR_MS
    assert machine.after(1) == machine.true_ms()
    assert machine.clock.unsettled_seconds() == SETTLED_SECONDS
    for _ in range(1000):  # however often it is read
        machine.after(0.0003)
    assert machine.after(100) == machine.true_ms()
    assert 0 < machine.clock.unsettled_seconds() < 20
    assert machine.after(20) == machine.wall() == machine.true_ms() + 24 * HOUR_MS
    assert machine.clock.unsettled_seconds() == 0


def test_a_jump_that_is_put_right_never_was() -> None:
    machine = Machine()
    machine.by_ms = 24 * HOUR_MS
    machine.after(10)
    machine.by_ms = 0
    assert machine.after(1) == machine.true_ms()
    assert machine.clock.unsettled_seconds() == 0
    # The next one is another one.
    machine.after(300)
    machine.by_ms = HOUR_MS
    machine.after(1)
    assert machine.clock.unsettled_seconds() == SETTLED_SECONDS


def test_a_clock_that_is_put_again_and_again_is_not_believed() -> None:
    machine = Machine()
    for hour in range(1, 20):
        machine.by_ms = hour * HOUR_MS
        assert machine.after(SETTLED_SECONDS - 1) == machine.true_ms()
    # Half-way back is not right either.
    machine.by_ms = HOUR_MS
    assert machine.after(1) == machine.true_ms()
    assert machine.clock.unsettled_seconds() == SETTLED_SECONDS


def test_a_clock_that_goes_back_is_believed_at_once() -> None:
    machine = Machine()
    machine.by_ms = -HOUR_MS
    assert machine.after(1) == machine.wall()
    assert machine.clock.unsettled_seconds() == 0


def test_who_slept_or_was_frozen_sees_no_jump_where_both_clocks_went_on() -> None:
    machine = Machine()
    assert machine.after(24 * 3600) == machine.wall()
    assert machine.clock.unsettled_seconds() == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(-100 * HOUR_MS, 100 * HOUR_MS))))
def test_however_it_is_put_it_is_the_wall_clock_or_behind_it_and_says_so(
    puts: list[tuple[float, int]],
) -> None:
    machine = Machine()
    for seconds, by_ms in puts:
        machine.by_ms = by_ms
        read_ms = machine.after(seconds)
        if machine.clock.unsettled_seconds() > 0:
            assert read_ms < machine.wall()
        else:
            assert read_ms == machine.wall()


@given(st.lists(st.integers(-1000, 1000), max_size=50))
def test_small_corrections_are_followed(steps: list[int]) -> None:
    machine = Machine()
    for step in steps:
        machine.by_ms += step
        assert machine.after(1) == machine.wall()
