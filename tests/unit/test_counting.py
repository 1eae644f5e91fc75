"""How often the store is counted for ``/metrics``, and what is said meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from vestlus.counting import COUNTING_SHARE, COUNTS_SECONDS, Counting, Sums, next_count
from vestlus.errors import StoreUnavailable
from vestlus.store.measure_rows import OpenWork


@dataclass
class SlowStore:
    """Counting takes so long by its own clock; more than eight seconds are too many."""

    takes: float = 0.0
    away: bool = False
    now: float = 100.0
    counted: list[float] = field(default_factory=list)

    async def open_work(self) -> OpenWork:
        self.counted.append(self.now)
        self.now += min(self.takes, 8.0)
        if self.away or self.takes > 8.0:
            raise StoreUnavailable("does not answer")
        return OpenWork(waiting=len(self.counted))

    async def check(self) -> None:
        if self.away:
            raise StoreUnavailable("does not answer")


def shown(sums: Sums) -> tuple[bool, int | None]:
    """Whether the store is up, and how many wait."""
    return sums.up, sums.work.waiting if sums.work else None


async def test_a_small_store_is_counted_as_often_as_prometheus_asks() -> None:
    store = SlowStore()
    counting = Counting(lambda: store.now)
    for _ in range(25):
        await counting.sums(store)
        store.now += 1
    assert store.counted == [100, 100 + COUNTS_SECONDS, 100 + 2 * COUNTS_SECONDS]


async def test_a_store_too_large_to_be_counted_is_up_and_keeps_its_last_sums() -> None:
    store = SlowStore()
    counting = Counting(lambda: store.now)
    assert shown(await counting.sums(store)) == (True, 1)
    store.now, store.takes = 200.0, 60.0
    assert shown(await counting.sums(store)) == (True, 1)
    store.now = 208 + 8 / COUNTING_SHARE - 1
    assert shown(await counting.sums(store)) == (True, 1)
    assert len(store.counted) == 2


async def test_a_store_that_is_away_is_down_at_once_and_up_soon_after_it_is_back() -> None:
    store = SlowStore()
    counting = Counting(lambda: store.now)
    await counting.sums(store)
    store.now, store.takes, store.away = 200.0, 8.0, True
    assert shown(await counting.sums(store)) == (False, None)
    store.now, store.takes, store.away = 200 + COUNTS_SECONDS, 0.0, False
    assert shown(await counting.sums(store)) == (True, 3)


@given(st.floats(0, 1e6), st.floats(0, 60))
def test_however_much_is_kept_counting_takes_a_small_part_of_the_time(
    began: float, took: float
) -> None:
    again = next_count(began, began + took)
    assert again >= began + COUNTS_SECONDS
    assert took <= COUNTING_SHARE * (again - began) + 1e-6
