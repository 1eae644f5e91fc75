"""The registry's rounds go on while Ray's head is away and answers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

import conversation_registry
from actors.fleet import Fleet
from conversation_registry import Registry
from vestlus.settings import Mode, load_settings
from vestlus.store.rows import MemberKind


class Away:
    """Looking after the actors, which ends when the head is back."""

    def __init__(self) -> None:
        self.begun = 0
        self.back = asyncio.Event()
        self.failure: Exception | None = None

    async def look_after(self, _: object, sizes: Mapping[MemberKind, int]) -> None:
        del sizes
        self.begun += 1
        await self.back.wait()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
async def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    head = Away()

    async def look_after(fleet: Fleet, sizes: Mapping[MemberKind, int]) -> None:
        await head.look_after(fleet, sizes)

    monkeypatch.setattr(Fleet, "look_after", look_after)
    monkeypatch.setattr(conversation_registry, "LOOK_SECONDS", 0.01)
    return head


@pytest.fixture
async def registry() -> Registry:
    return Registry(load_settings({}, mode=Mode.OPERATE), "c")


async def test_a_round_that_the_head_holds_up_is_gone_on_with_and_not_begun_again(
    registry: Registry, away: Away
) -> None:
    for _ in range(3):
        await registry._look_after()
    assert away.begun == 1
    away.back.set()
    await registry._look_after()
    await registry._look_after()
    assert away.begun == 2


async def test_what_goes_wrong_in_such_a_round_is_not_forgotten(
    registry: Registry, away: Away
) -> None:
    away.failure = KeyError("ours")
    await registry._look_after()
    away.back.set()
    with pytest.raises(KeyError):
        await registry._look_after()
