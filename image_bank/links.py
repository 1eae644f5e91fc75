"""Signed addresses under which Instagram fetches the bank's files for a day."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from image_bank.bank import ImageBank
from image_bank.catalogue import may_post, may_send
from image_bank.storage import checked
from vestlus.settings_account import Account

#: The path before a signed name.
MEDIA_PATH: Final = "/media/"

_HOUR_MS: Final = 3_600_000
#: Meta may fetch late: a send that it took and works off after an outage of its own.
LINK_HOURS: Final = 24

_SIGNED: Final = re.compile(
    r"(?P<signature>[0-9a-f]{64})-(?P<expiry>[0-9]{1,12})-(?P<file>[0-9a-f]{64}\.(?:png|jpg))",
    re.ASCII,
)


class LinkSigner:
    """Makes names that only holders of the key can make, and reads them.

    ``SIGNATURE-EXPIRY-FILE``: an HMAC-SHA256 over the other two, the hour (since 1970, UTC) with
    which the name ends, the file. Names made within one hour are the same, so that whoever
    fetches may keep what was fetched.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, file: str, now_ms: int) -> str:
        """A name of the file that holds for 24 to 25 hours."""
        expiry = str(now_ms // _HOUR_MS + LINK_HOURS + 1)
        return f"{self._signature(expiry, checked(file))}-{expiry}-{file}"

    def read(self, name: str, now_ms: int) -> tuple[str, int] | None:
        """The file, and for how many more milliseconds the name holds; ``None`` for a name that
        was not signed with this key, or has ended.
        """
        found = _SIGNED.fullmatch(name)
        if found is None:
            return None
        expiry, file = found["expiry"], found["file"]
        if not hmac.compare_digest(found["signature"], self._signature(expiry, file)):
            return None
        left = int(expiry) * _HOUR_MS - now_ms
        return (file, left) if left > 0 else None

    def _signature(self, expiry: str, file: str) -> str:
        return hmac.digest(self._key, f"{expiry}-{file}".encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class PictureLink:
    """Where a picture can be fetched. ``file`` tells the same content again, whatever the link."""

    file: str
    url: str


@dataclass(frozen=True, slots=True)
class PostLink:
    """Where a picture for posts can be fetched, and what the catalogue says of it.

    ``width`` and ``height`` are those of the picture in the bank, pixels.
    """

    file: str
    url: str
    alt: str
    width: int
    height: int


class BankLinks:
    """Gives out links to what an account may send now."""

    def __init__(
        self,
        *,
        bank: ImageBank,
        signer: LinkSigner,
        public_url: str | None,
        accounts: Callable[[str], Account | None],
    ) -> None:
        self._bank = bank
        self._signer = signer
        self._public_url = public_url
        self._accounts = accounts

    async def link(self, picture_id: str, account: str, now_ms: int) -> PictureLink | None:
        """A link for a direct message of this account.

        ``None`` where there is no such picture, where the account may not send it today, where
        the account is none of ours, and where VESTLUS_PUBLIC_URL is not set. Raises
        StoreUnavailable when the catalogue was never read and cannot be.
        """
        owner = self._accounts(account)
        picture = await self._bank.picture(picture_id)
        if picture is None or owner is None or self._public_url is None:
            return None
        if not may_send(picture, account, local_day(owner, now_ms)):
            return None
        return PictureLink(picture.file, self._address(picture.file, now_ms))

    async def post_link(self, picture_id: str, account: str, now_ms: int) -> PostLink | None:
        """A link to the JPEG for a post of this account; ``None`` and raises as :meth:`link`."""
        owner = self._accounts(account)
        picture = await self._bank.picture(picture_id)
        if picture is None or owner is None or self._public_url is None:
            return None
        file = picture.post_file
        if file is None or not may_post(picture, account, local_day(owner, now_ms)):
            return None
        url = self._address(file, now_ms)
        return PostLink(file, url, picture.alt, picture.width, picture.height)

    def _address(self, file: str, now_ms: int) -> str:
        return f"{self._public_url}{MEDIA_PATH}{self._signer.sign(file, now_ms)}"


def local_day(account: Account, now_ms: int) -> date:
    """The day by the account's calendar."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return moment.astimezone(ZoneInfo(account.timezone)).date()
