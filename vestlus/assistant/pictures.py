"""Which pictures of the image bank are put before the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

import structlog

from vestlus.errors import AssistantError, StoreError
from vestlus.settings_account import Account

if TYPE_CHECKING:
    # With it comes the openai package, which who only describes pictures does not need.
    from vestlus.assistant.searches import Searches

_log = structlog.get_logger(__name__)

#: A bank of so many pictures is listed whole: some 2,000 tokens that the provider caches.
MAX_LISTED: Final = 40

#: Of a larger bank, the candidates for one question.
MAX_CANDIDATES: Final = 12


@dataclass(frozen=True, slots=True)
class OfferedPicture:
    """A picture as the model reads of it."""

    id: str
    #: A sentence or two: by this it is chosen.
    shows: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offered:
    """The pictures that an answer may have.

    ``whole``: they are all that the account has, the same for every question until the bank
    changes, and so belong into the part of the prompt that providers cache. Otherwise they are
    those that fit one question, best first.
    """

    items: tuple[OfferedPicture, ...]
    whole: bool


class Pictures(Protocol):
    """The pictures that accounts may send."""

    async def offered(self, account: Account, question_text: str, now_ms: int) -> Offered:
        """What an answer to the question may show; nothing where nothing may be shown.

        ``question_text`` may go to the embedding model; ``now_ms``: milliseconds since 1970.
        Raises nothing of ours: an answer without pictures is an answer.
        """
        ...


class NoPictures:
    """Offers none: there is no image bank."""

    async def offered(self, account: Account, question_text: str, now_ms: int) -> Offered:
        """See Pictures."""
        del account, question_text, now_ms
        return Offered((), whole=True)


class BankPicture(Protocol):
    """What is looked at of a picture in the bank; see :class:`image_bank.catalogue.Picture`."""

    @property
    def id(self) -> str:
        """By which the model names it."""
        ...

    @property
    def shows(self) -> str:
        """By which it is chosen."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Words for it."""
        ...

    @property
    def alt(self) -> str:
        """What somebody who cannot see it is told."""
        ...


class Bank(Protocol):
    """The image bank; see :class:`image_bank.bank.ImageBank`."""

    async def sendable(self, account: str, today: date) -> tuple[BankPicture, ...]:
        """What the account may send on this day of its calendar. Raises StoreError."""
        ...


class BankPictures:
    """Offers the pictures of the image bank: all of a small one, the best candidates of a large.

    A bank or a search that fails costs the answer its pictures, and nothing else.
    """

    def __init__(
        self,
        bank: Bank,
        searches: Searches,
        *,
        listed: int = MAX_LISTED,
        candidates: int = MAX_CANDIDATES,
    ) -> None:
        self._bank = bank
        self._searches = searches
        self._listed = listed
        self._candidates = candidates

    async def offered(self, account: Account, question_text: str, now_ms: int) -> Offered:
        """See Pictures."""
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(account.timezone))
        try:
            found = await self._bank.sendable(account.id, local.date())
            # By id, so that the list in the prompt is the same however the store orders them.
            by_id = {one.id: one for one in sorted(found, key=lambda one: one.id)}
            if len(by_id) <= self._listed:
                return Offered(tuple(map(_offer, by_id.values())), whole=True)
            best = await self._best(account, question_text, by_id)
        except (AssistantError, StoreError) as error:
            _log.warning("pictures_not_offered", account=account.id, error=type(error).__name__)
            return Offered((), whole=False)
        return Offered(tuple(_offer(by_id[one]) for one in best if one in by_id), whole=False)

    async def _best(
        self, account: Account, question_text: str, by_id: Mapping[str, BankPicture]
    ) -> tuple[str, ...]:
        if not question_text.strip():
            return ()
        texts = {one.id: searchable(one.shows, one.alt, one.tags) for one in by_id.values()}
        return await self._searches(account).best(question_text, texts, self._candidates)


def _offer(picture: BankPicture) -> OfferedPicture:
    return OfferedPicture(picture.id, picture.shows, tuple(picture.tags))


@lru_cache(maxsize=10_000)  # the very same string each time, by which the search knows it
def searchable(shows: str, alt: str, tags: tuple[str, ...]) -> str:
    """The text by which a picture is found, and whose vector is kept."""
    return "\n".join(filter(None, (shows, alt, ", ".join(tags))))
