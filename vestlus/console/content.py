"""Posts, pictures and events: what these parts of the console share, and their routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from image_bank.bank import ImageBank
from image_bank.catalogue import Picture
from image_bank.thumbnails import Thumbnails

if TYPE_CHECKING:
    from vestlus.console.tools import Tools
    from vestlus.console.visits import Visit
    from vestlus.settings import Settings
    from vestlus.settings_account import Account


class Shelf:
    """The image bank as pages show it. One per process; store and storage come later than it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._bank: ImageBank | None = None
        self._thumbnails: Thumbnails | None = None
        self._of: Mapping[str, Picture] | None = None
        self._files: frozenset[str] = frozenset()

    async def pictures(self) -> Mapping[str, Picture]:
        """All pictures as they are now, by id. Raises StoreUnavailable."""
        return await self._opened().fresh()

    async def has(self, file: str) -> bool:
        """Whether a file is that of a picture of the bank. Raises StoreUnavailable."""
        pictures = await self._opened().pictures()
        if pictures is not self._of:
            self._of, self._files = pictures, _files(pictures)
        if file not in self._files:
            # It may have been added a moment ago.
            self._of = await self._opened().fresh()
            self._files = _files(self._of)
        return file in self._files

    def _opened(self) -> ImageBank:
        if self._bank is None:
            self._bank = ImageBank(self._tools.store, clock=self._tools.clock)
        return self._bank

    async def thumbnail(self, file: str) -> bytes | None:
        """A small picture of a file. See :meth:`image_bank.thumbnails.Thumbnails.of`."""
        if self._thumbnails is None:
            self._thumbnails = Thumbnails(self._tools.storage)
        return await self._thumbnails.of(file)


def _files(pictures: Mapping[str, Picture]) -> frozenset[str]:
    return frozenset().union(*(one.files for one in pictures.values()))


def chosen_account(visit: Visit) -> Account | None:
    """The account whose posts are looked at: the one that is asked for, else the first."""
    settings = visit.tools.settings
    first = settings.accounts[0] if settings.accounts else None
    return settings.account(visit.query("account")) or first


def zone_of(account: Account | None) -> ZoneInfo:
    """The account's zone; UTC for one that is not in the settings."""
    return ZoneInfo(account.timezone if account else "UTC")


def page_zone(settings: Settings, account: str | None = None) -> ZoneInfo:
    """By whose clock a page shows times: the account's, where it is of one that is set up; else
    that of all accounts, where they share one zone; else UTC.
    """
    found = settings.account(account or "")
    zones = {one.timezone for one in ([found] if found else settings.accounts)}
    return ZoneInfo(zones.pop() if len(zones) == 1 else "UTC")


def account_name(tools: Tools, account: str) -> str:
    """What people call an account; its id where it has no name."""
    owner = tools.settings.account(account)
    return (owner.name if owner else "") or account
