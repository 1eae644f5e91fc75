"""Nobody who sends is killed while a send is tried for the second time, or about to be."""

from __future__ import annotations

import time
from typing import cast

from tests.chaos.doubts import SWOOP_SECONDS, Doubts
from tests.chaos.plan import SETTLING_SECONDS
from tests.chaos.steps import Steps


class Told:
    """A store that is away at first; then each look shows the next of what is given."""

    def __init__(self, *looks: tuple[int, int]) -> None:
        """Rows that are looked for, and that are sent a second time."""
        self._looks = list(looks)
        self.before_ms: list[int] = []
        self.over = False

    async def doubtful(self, before_ms: int) -> int:
        self.before_ms.append(before_ms)
        if len(self.before_ms) == 1:
            raise ConnectionRefusedError
        return self._looks[0][0]

    async def second_tries(self) -> int:
        sent_again = self._looks.pop(0)[1]
        self.over = not self._looks
        return sent_again


async def test_what_is_sent_again_or_will_be_in_a_moment_is_waited_for() -> None:
    told = Told((0, 2), (0, 1), (0, 0))
    began_ms = time.time() * 1000
    await Doubts(cast("Steps", told)).until_no_second_try_soon()
    assert told.over
    # What was begun so long ago may be settled, and sent again, before the one who sends is dead.
    margin = (SETTLING_SECONDS - SWOOP_SECONDS) * 1000
    assert began_ms - margin - 1 <= told.before_ms[0] <= time.time() * 1000 - margin


async def test_what_is_looked_for_is_waited_for() -> None:
    told = Told((0, 0))
    looked_for = iter([1, 1, 0])

    async def doubtful(before_ms: int) -> int:
        assert before_ms > 0
        return next(looked_for)

    told.doubtful = doubtful  # type: ignore[method-assign]
    await Doubts(cast("Steps", told)).until_no_second_try_soon()
    assert next(looked_for, None) is None
