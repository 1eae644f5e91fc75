"""Nobody who sends is killed while a send is tried for the second time, or about to be."""

from __future__ import annotations

import time
from typing import cast

import pytest

from tests.chaos.doubts import SWOOP_SECONDS, Doubts
from tests.chaos.plan import SETTLING_SECONDS
from tests.chaos.steps import Steps


class Told:
    """A store with so many rows that are looked for, and that are sent a second time."""

    def __init__(self, looked_for: int = 0, sent_again: int = 0) -> None:
        self._looked_for = looked_for
        self._sent_again = sent_again
        self.before_ms = 0.0

    async def doubtful(self, before_ms: int) -> int:
        self.before_ms = before_ms
        return self._looked_for

    async def second_tries(self) -> int:
        return self._sent_again


class Away(Told):
    """A store that is being restarted."""

    async def doubtful(self, before_ms: int) -> int:
        raise ConnectionRefusedError(before_ms)


@pytest.mark.parametrize(
    ("told", "soon"), [(Told(), False), (Told(1), True), (Told(0, 1), True), (Away(), True)]
)
async def test_what_is_sent_again_or_will_be_in_a_moment_is_told(told: Told, soon: bool) -> None:  # noqa: FBT001 - a table
    assert await Doubts(cast("Steps", told)).second_try_soon() == soon


async def test_what_may_be_settled_before_the_one_who_sends_is_dead_counts() -> None:
    told, margin = Told(), (SETTLING_SECONDS - SWOOP_SECONDS) * 1000
    began_ms = time.time() * 1000
    await Doubts(cast("Steps", told)).second_try_soon()
    assert began_ms - margin - 1 <= told.before_ms <= time.time() * 1000 - margin + 1
