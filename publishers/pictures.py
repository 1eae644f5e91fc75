"""Pictures on their way out: from the image bank's ids to what Instagram can be given."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

import structlog

from publishers.rate import AccountBudget, CallKind
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import GraphError, HeldBack, Throttled
from vestlus.instagram.port import PictureToSend, Uploads
from vestlus.store.port import Ledger
from vestlus.store.rows import SendRow

_log = structlog.get_logger(__name__)

PICTURE_UNAVAILABLE = "picture_unavailable"


class PictureLink(Protocol):
    """Where a picture is at this moment."""

    @property
    def file(self) -> str:
        """A name of the file's content: the same for the same bytes, another for others."""
        ...

    @property
    def url(self) -> str:
        """A signed address from which Meta can fetch it, valid for a while."""
        ...


class PictureSource(Protocol):
    """The image bank, as far as sending needs it."""

    async def link(self, picture_id: str, account: str, now_ms: int) -> PictureLink | None:
        """The picture, or ``None`` where this account may not send it in a direct message now:
        it is unknown or withdrawn, not valid at this time, or not meant for messages. Raises
        StoreUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadyPictures:
    """What a row's pictures are sent as."""

    pictures: tuple[PictureToSend, ...]
    #: The files that go by the id of an upload.
    by_id: frozenset[str]


class PictureDesk:
    """Makes rows' pictures ready for sending. One per worker.

    A picture is uploaded once for each account, and its id is kept in the store; whoever needs it
    meanwhile waits for that upload. Whatever goes wrong with an upload, the picture goes by link
    instead: nobody was written to, so no send is in doubt because of it.
    """

    def __init__(
        self,
        *,
        source: PictureSource,
        uploads: Uploads,
        ledger: Ledger,
        clock: Clock,
        monotonic: Callable[[], float],
        rules: SendingRules,
        tally: Tally,
    ) -> None:
        self._source = source
        self._uploads = uploads
        self._ledger = ledger
        self._clock = clock
        self._monotonic = monotonic
        self._rules = rules
        self._tally = tally
        #: By account and file, as many as the bank has.
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._not_before: dict[tuple[str, str], float] = {}

    async def ready(
        self, row: SendRow, budget: AccountBudget, *, by_link: bool
    ) -> ReadyPictures | None:
        """A row's pictures, or ``None`` when one of them may not be sent any more.

        ``by_link``: as links all of them, whatever uploads there are.
        """
        links: list[PictureLink] = []
        for picture in row.pictures:
            link = await self._link(picture, row.account)
            if link is None:
                return None
            links.append(link)
        ids: dict[str, str] = {}
        if not by_link:
            ids = await self._kept(row.account, {link.file for link in links})
            missing = {link.file: link for link in links if link.file not in ids}
            new = await asyncio.gather(
                *(self._uploaded(row.account, link, budget) for link in missing.values())
            )
            ids |= {file: one for file, one in zip(missing, new, strict=True) if one}
        return ReadyPictures(
            tuple(
                PictureToSend(attachment_id=ids[link.file])
                if link.file in ids
                else PictureToSend(url=link.url)
                for link in links
            ),
            frozenset(ids),
        )

    async def forget(self, account: str, files: Collection[str]) -> None:
        """Instagram does not take the ids of these uploads any more."""
        for file in files:
            self._tally.count("upload_forgotten")
            await self._note(account, file, "")

    async def _uploaded(self, account: str, link: PictureLink, budget: AccountBudget) -> str:
        """The id of a new upload, or of one that was made meanwhile; empty for none."""
        place = (account, link.file)
        async with self._locks[place]:
            if self._monotonic() < self._not_before.get(place, 0.0):
                return ""
            if kept := await self._kept(account, {link.file}):
                return kept[link.file]
            longest = self._rules.upload_wait_seconds
            if not await budget.take_within(CallKind.UPLOAD, longest):
                return ""
            reason = ""
            try:
                async with asyncio.timeout(self._rules.request_seconds):
                    found = await self._uploads.upload_picture(
                        account,
                        link.url,
                        gate=lambda: budget.pace(longest, CallKind.UPLOAD),
                    )
            except HeldBack:
                return ""
            except Throttled as error:
                budget.pause_class(CallKind.UPLOAD, error.retry_after)
                reason = error.reason
            except GraphError as error:
                reason = error.reason
            except TimeoutError:
                reason = "timeout"
            except Exception as error:  # noqa: BLE001 - the picture goes by link, whatever it was
                reason = type(error).__name__
            if reason:
                self._tally.count("upload_failed")
                _log.warning("picture_not_uploaded", account=account, reason=reason)
                self._not_before[place] = self._monotonic() + self._rules.upload_retry_seconds
                return ""
            self._tally.count("uploaded")
            await self._note(account, link.file, found)
            return found

    async def _link(self, picture: str, account: str) -> PictureLink | None:
        return await until_available(lambda: self._source.link(picture, account, self._clock()))

    async def _kept(self, account: str, files: Collection[str]) -> dict[str, str]:
        return await until_available(lambda: self._ledger.uploaded(account, files))

    async def _note(self, account: str, file: str, attachment_id: str) -> None:
        now_ms = self._clock()
        await until_available(
            lambda: self._ledger.note_upload(account, file, attachment_id, now_ms)
        )
