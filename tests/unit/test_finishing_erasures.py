"""Erasures are carried to their end: looked at once more, their storage reclaimed, then done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.contract.erasing_support import erased, tomb_times
from tests.contract.store_support import another
from tests.fakes.bus import MemoryBus
from tests.fakes.measures import measured
from vestlus.errors import StoreUnavailable
from vestlus.privacy.finishing import RECLAIM_AFTER_MS, Finished, Finisher, keep_finishing
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
        ended = measured("vestlus_erasures_ended_total")
        assert await Finisher(store, bus, reclaim_after_ms=-1).round() == Finished(done=1)
        assert measured("vestlus_erasures_ended_total") == ended + 1
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


async def test_rounds_are_counted_by_whether_the_store_allowed_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rounds(outcome: str) -> float:
        return measured("vestlus_upkeep_rounds_total", of="erasures", outcome=outcome)

    async with another(f"sqlite:///{tmp_path}/store.sqlite") as store:
        put_off, done = rounds("put_off"), rounds("done")
        looked, tries = store.unswept, iter([True])

        async def away_at_first(limit: int) -> tuple[str, ...]:
            if next(tries, False):
                raise StoreUnavailable("away")
            return await looked(limit)

        monkeypatch.setattr(store, "unswept", away_at_first)
        finishing = asyncio.create_task(keep_finishing(store, MemoryBus(), every_seconds=0))
        async with asyncio.timeout(5):
            while rounds("done") < done + 1:
                assert not finishing.done()
                await asyncio.sleep(0)
        finishing.cancel()
        await asyncio.wait({finishing})
        assert rounds("put_off") == put_off + 1


def test_what_is_promised_is_kept_well_within_a_day() -> None:
    assert RECLAIM_AFTER_MS <= 12 * 60 * 60 * 1000
