"""The catalogue as the service reads it: in memory, and never much older than the store's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import structlog

from image_bank.catalogue import Picture, may_send
from image_bank.keeping import read_catalogue
from vestlus.clock import Clock
from vestlus.errors import StoreUnavailable
from vestlus.store.port import Bank

_log = structlog.get_logger(__name__)

#: How old the catalogue in memory may be, milliseconds.
LOOK_MS: Final = 3_000
#: Accounts times days of which the choice is kept until the catalogue changes.
_MOST_CHOICES: Final = 1_000

_NONE: Final[Mapping[str, Picture]] = MappingProxyType({})


class ImageBank:
    """The bank's pictures. One per process; safe to ask from many tasks at once.

    Changes by any process are seen within three seconds. While the store is away the last
    catalogue stays in force; before the first reading StoreUnavailable is raised.
    """

    def __init__(self, bank: Bank, *, clock: Clock, reachable: bool = True) -> None:
        """``reachable``: whether Instagram can fetch from us, without which nothing can be sent."""
        self._bank = bank
        self._clock = clock
        self._reachable = reachable
        self._reading = asyncio.Lock()
        self._pictures = _NONE
        self._stamp: str | None = None
        self._look_at_ms = 0
        self._choices: dict[tuple[str, date], tuple[Picture, ...]] = {}

    async def pictures(self) -> Mapping[str, Picture]:
        """All of them, by id. Raises StoreUnavailable."""
        if self._is_old():
            async with self._reading:
                if self._is_old():  # another task may have looked meanwhile
                    await self._look()
        return self._pictures

    async def fresh(self) -> Mapping[str, Picture]:
        """All of them as they are at this moment, by id: for whoever has just changed them. Raises
        StoreUnavailable.
        """
        self._look_at_ms = 0
        return await self.pictures()

    async def picture(self, picture_id: str) -> Picture | None:
        """One picture, whether or not it may be used today. Raises StoreUnavailable."""
        return (await self.pictures()).get(picture_id)

    async def sendable(self, account: str, today: date) -> tuple[Picture, ...]:
        """What the account may send in direct messages on this day of its calendar, by id.

        Nothing where Instagram cannot fetch from us. Raises StoreUnavailable.
        """
        pictures = await self.pictures()
        if not self._reachable:
            return ()
        known = self._choices.get((account, today))
        if known is None:
            known = tuple(one for one in pictures.values() if may_send(one, account, today))
            if len(self._choices) >= _MOST_CHOICES:
                self._choices.clear()
            self._choices[account, today] = known
        return known

    def _is_old(self) -> bool:
        # A clock that was set back leaves a time far ahead, which is not to be waited for.
        return not 0 < self._look_at_ms - self._clock() <= LOOK_MS

    async def _look(self) -> None:
        try:
            stamp = await self._bank.catalogue_stamp()
            if stamp != self._stamp:
                # The stamp is older than the catalogue or the same: a change between the two
                # is read once more, and never missed.
                catalogue = await read_catalogue(self._bank)
                self._pictures = MappingProxyType(dict(catalogue.pictures))
                self._choices.clear()
                self._stamp = stamp
        except StoreUnavailable:
            if self._stamp is None:
                raise
            _log.warning("image_catalogue_not_read")
        self._look_at_ms = self._clock() + LOOK_MS
