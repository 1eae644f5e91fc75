"""A drafter that loads what it is made of when it is first asked.

The model's client takes longer to load than all else of a scheduler, and many plan nothing for
days.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

from image_bank.open import link_signer
from vestlus.clock import Clock
from vestlus.planning.ports import Drafted, Drafter, Impossible, NotNow
from vestlus.settings import Settings
from vestlus.store.plan_rows import OccurrenceRow

if TYPE_CHECKING:
    from vestlus.assistant.spending import Spender
    from vestlus.planning.drafting import DraftingStore


class LateDrafter:
    """See Drafter. ``async with``: entering raises SettingsError without an encryption key."""

    def __init__(
        self,
        settings: Settings,
        store: DraftingStore,
        clock: Clock,
        *,
        spender: Spender | None = None,
    ) -> None:
        self._settings = settings
        self._spender = spender
        self._store = store
        self._clock = clock
        self._stack = AsyncExitStack()
        self._drafter: Drafter | None = None
        # Drafts are made several at a time.
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        # Everything that is missing is told at the start, and not when something is due.
        link_signer(self._settings)
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def draft(self, occurrence: OccurrenceRow, now_ms: int) -> Drafted | NotNow | Impossible:
        """See Drafter."""
        return await (await self._opened()).draft(occurrence, now_ms)

    async def check(self, occurrence: OccurrenceRow, now_ms: int) -> Impossible | None:
        """See Drafter."""
        return await (await self._opened()).check(occurrence, now_ms)

    async def _opened(self) -> Drafter:
        async with self._opening:
            if self._drafter is None:
                # In a thread: signs of life go on meanwhile.
                await asyncio.to_thread(import_module, "vestlus.planning.drafting")
                from vestlus.planning.drafting import open_drafter  # noqa: PLC0415

                self._drafter = await self._stack.enter_async_context(
                    open_drafter(self._settings, self._store, self._clock, spender=self._spender)
                )
            return self._drafter
