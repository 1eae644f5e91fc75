"""What the model sees of the pictures that came with a user's messages."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from vestlus.conversation.history import HistoryMessage

#: Pictures shown in one turn, the newest. Each costs as much as a long message.
MAX_SHOWN: Final = 4

#: Stand for pictures that are not shown.
NOT_LOADED: Final = "[a picture that could not be loaded]"
NOT_SHOWN: Final = "[a further picture that is not shown]"


class PictureSource(Protocol):
    """Fetches pictures from Meta; see :class:`vestlus.instagram.media.MediaFetcher`."""

    async def picture(self, url: str, account: str = "") -> bytes | object:
        """The picture as JPEG, or something else that says why there is none. Never raises."""
        ...

    async def aclose(self) -> None:
        """Closes connections. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """The pictures of a turn: by address a JPEG, or the words that stand for it."""

    pictures: Mapping[str, bytes | str] = field(default_factory=dict)

    @property
    def jpegs(self) -> tuple[bytes, ...]:
        """The pictures that can be shown."""
        return tuple(one for one in self.pictures.values() if isinstance(one, bytes))

    def shown(self, message: HistoryMessage) -> tuple[str, ...]:
        """The ``data:`` addresses of what came with a message."""
        found = (self.pictures.get(url) for url in message.images)
        return tuple(data_url(one) for one in found if isinstance(one, bytes))

    def words(self, message: HistoryMessage) -> tuple[str, ...]:
        """The words for what came with a message and cannot be shown."""
        found = (self.pictures.get(url) for url in message.images)
        return tuple(one for one in found if isinstance(one, str))


async def look(
    messages: Sequence[HistoryMessage], source: PictureSource, account: str = ""
) -> Seen:
    """Fetches the pictures of messages to an account, all at once.

    Only from the addresses that the platform sent along (``HistoryMessage.images``): texts are
    not searched for any.
    """
    urls = list(dict.fromkeys(url for message in messages for url in message.images))
    chosen = urls[-MAX_SHOWN:]
    found = await asyncio.gather(*(source.picture(url, account) for url in chosen))
    pictures: dict[str, bytes | str] = dict.fromkeys(urls[:-MAX_SHOWN], NOT_SHOWN)
    for url, one in zip(chosen, found, strict=True):
        pictures[url] = one if isinstance(one, bytes) else NOT_LOADED
    return Seen(pictures)


def data_url(jpeg: bytes) -> str:
    """A JPEG as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
