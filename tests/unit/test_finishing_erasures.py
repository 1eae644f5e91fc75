"""Erasures are carried to their end: looked at once more, their storage reclaimed, then done."""

from __future__ import annotations

from pathlib import Path

from tests.contract.erasing_support import erased, tomb_times
from tests.contract.store_support import another
from tests.fakes.bus import MemoryBus
from vestlus.privacy.finishing import RECLAIM_AFTER_MS, Finished, Finisher
from vestlus.store.erasing import ErasureState
from vestlus.store.port import Store


async def state(store: Store, code: str) -> ErasureState:
    found = await store.erasure(code)
    assert found is not None
    return found.state


async def test_an_erasure_is_done_once_it_was_looked_at_again_and_storage_is_reclaimed(
    tmp_path: Path,
) -> None:
    async with another(f"sqlite:///{tmp_path}/store.sqlite") as store:
        bus = MemoryBus()
        first = await erased(store)
        assert await Finisher(store, bus, reclaim_after_ms=-1).round() == Finished()
        await tomb_times(store, sweep_ms=1)
        assert await Finisher(store, bus).round() == Finished(swept=1)
        assert await state(store, first.code) is ErasureState.ERASED, "for half a day"
        assert await Finisher(store, bus, reclaim_after_ms=-1).round() == Finished(done=1)
        assert await state(store, first.code) is ErasureState.DONE


async def test_storage_that_cannot_be_reclaimed_now_is_reclaimed_later(tmp_path: Path) -> None:
    class BusyBus(MemoryBus):
        async def reclaim(self) -> bool:
            return False

    async with another(f"sqlite:///{tmp_path}/store.sqlite") as store:
        done = await erased(store)
        await tomb_times(store, sweep_ms=1)
        assert (await Finisher(store, BusyBus(), reclaim_after_ms=-1).round()).done == 0
        assert await state(store, done.code) is ErasureState.ERASED
        assert (await Finisher(store, MemoryBus(), reclaim_after_ms=-1).round()).done == 1


def test_what_is_promised_is_kept_well_within_a_day() -> None:
    assert RECLAIM_AFTER_MS <= 12 * 60 * 60 * 1000
