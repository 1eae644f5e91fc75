"""Sizes are looked at beside the registry's rounds, and never hold them up."""

from __future__ import annotations

import asyncio

import pytest
from ray.exceptions import GetTimeoutError

from actors import resizing
from actors.fleet import Fleet
from actors.ingress_size import IngressSize
from actors.leaving import Leaving, LeavingNodes
from actors.resizing import Resizing
from tests.fakes.pools import Wishes
from vestlus.bus.port import Topology
from vestlus.hosting.signs import SignsOfLife
from vestlus.hosting.sizing import Headcount
from vestlus.settings import Mode, load_settings
from vestlus.store.pool_rows import Pool, PoolWish
from vestlus.store.rows import MemberKind


class Slow(Wishes):
    """A store that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def wishes(self) -> dict[Pool, PoolWish]:
        self.asked += 1
        await self.answers.wait()
        return await super().wishes()


@pytest.fixture
async def store() -> Slow:
    return Slow()


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Resizing:
    """Sizes of a cluster of four processors that Ray is not asked for."""

    async def four() -> float:
        return 4.0

    monkeypatch.setattr(resizing, "_processors", four)
    monkeypatch.setattr(resizing, "_replicas", lambda: 0)
    monkeypatch.setattr(resizing, "SIZING_SECONDS", 0.0)
    settings = load_settings({}, mode=Mode.OPERATE)
    fleet = Fleet(settings, "c", SignsOfLife(), LeavingNodes(Leaving))
    return Resizing(settings, "c", Topology(inbox=16), fleet)


async def test_a_wish_is_followed_within_a_few_rounds_and_told(
    sizes: Resizing, store: Slow
) -> None:
    await sizes.begin(store)
    assert sizes.sizes[MemberKind.CONVERSATION] == 1
    await store.wish({Pool.CONVERSATION: "3", Pool.WEBHOOK: "2"})
    async with asyncio.timeout(10):
        while not store.told or sizes.sizes[MemberKind.CONVERSATION] != 3:
            sizes.look(store)
            await asyncio.sleep(0)
    await sizes.aclose()
    assert sizes.sizes[MemberKind.SCHEDULER] == 1
    assert {one.pool for one in store.told} == set(Pool)


async def test_a_store_that_does_not_answer_holds_no_round_up(sizes: Resizing, store: Slow) -> None:
    await sizes.begin(store)
    asked = store.asked
    store.answers.clear()
    for _ in range(20):
        sizes.look(store)
        await asyncio.sleep(0)
    assert store.asked == asked + 1
    await sizes.aclose()
    await sizes.aclose()


async def test_an_error_of_ours_ends_the_registry(sizes: Resizing, store: Slow) -> None:
    await sizes.begin(store)

    async def broken() -> dict[Pool, PoolWish]:
        raise KeyError("ours")

    store.wishes = broken  # type: ignore[method-assign]
    sizes.look(store)
    await asyncio.sleep(0)
    with pytest.raises(KeyError):
        sizes.look(store)


async def test_after_a_restart_serve_is_asked_before_the_settings_are_trusted(
    sizes: Resizing, store: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(IngressSize, "ask", lambda _: asked.append(True))
    await sizes.begin(store)
    assert not asked  # Nothing runs yet: this is the first start.
    monkeypatch.setattr(Fleet, "heads", lambda *_: Headcount(running=1, ready=1))
    await sizes.begin(store)
    assert asked


async def test_a_head_that_knows_of_no_processors_leaves_the_number_that_was_known(
    sizes: Resizing, store: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown() -> None:
        return None

    await sizes.begin(store)
    monkeypatch.setattr(resizing, "_processors", unknown)
    await sizes.begin(store)
    assert sizes.processors == 4.0


@pytest.mark.parametrize("how", ["waits", "raises"])
async def test_people_are_told_of_the_pools_while_rays_head_is_away(
    sizes: Resizing, store: Slow, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    await sizes.begin(store)

    async def away() -> float:
        if how == "raises":
            raise GetTimeoutError
        await asyncio.Event().wait()
        return 4.0

    monkeypatch.setattr(resizing, "_processors", away)
    for _ in range(3):
        store.told = []
        async with asyncio.timeout(10):
            while not store.told:
                sizes.look(store)
                await asyncio.sleep(0)
    await sizes.aclose()
    assert {one.pool for one in store.told} == {Pool.CONVERSATION, Pool.PUBLISHER}


async def test_replicas_are_not_told_of_before_they_are_counted(
    sizes: Resizing, store: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sizes.begin(store)

    async def away() -> float:
        await asyncio.Event().wait()
        return 4.0

    monkeypatch.setattr(resizing, "_processors", away)
    async with asyncio.timeout(10):
        while not store.told:
            sizes.look(store)
            await asyncio.sleep(0)
    await sizes.aclose()
    assert {one.pool for one in store.told} == {Pool.CONVERSATION, Pool.PUBLISHER}
