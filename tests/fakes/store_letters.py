"""The dead letters' part of the store in memory."""

import random
from collections.abc import Sequence

from tests.fakes.store_part import MemoryPart
from vestlus.store.rows import DeadLetter, LettersWanted


class MemoryLetters(MemoryPart):
    """Dead letters, as publishers bury them."""

    def __init__(self, *, latency: float = 0.002, chance: random.Random | None = None) -> None:
        super().__init__(latency=latency, chance=chance)
        self.letters: dict[str, DeadLetter] = {}

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        await self._answering()
        for letter in letters:
            self.letters.setdefault(letter.id, letter)

    async def dead_letters(
        self, *, limit: int, wanted: LettersWanted | None = None
    ) -> tuple[DeadLetter, ...]:
        """See the port; publishers do not read letters, so nothing is filtered."""
        await self._answering()
        assert wanted is None
        return tuple(sorted(self.letters.values(), key=lambda letter: -letter.at_ms))[:limit]

    async def dead_letter(self, letter: str) -> DeadLetter | None:
        """See the port."""
        await self._answering()
        return self.letters.get(letter)

    async def discard(self, letter: str, *, by: str, now_ms: int) -> bool:
        """See the port; no publisher does it."""
        raise NotImplementedError(letter, by, now_ms)

    async def note_replay(self, letter: str, *, by: str, now_ms: int) -> bool:
        """See the port; no publisher does it."""
        raise NotImplementedError(letter, by, now_ms)
