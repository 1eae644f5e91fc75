"""Pictures of conversations: those that users sent, and those of the image bank.

A page never leads a browser elsewhere: what Instagram keeps is fetched by us, from Meta's own hosts
and nowhere else, drawn anew from its pixels, and shown to whoever is signed in. Nothing of it is
kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from image_bank.bank import ImageBank
from image_bank.errors import StorageUnavailable
from image_bank.storage import media_type_of
from vestlus.console.guarding import Guard
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit
from vestlus.desk.looking import Looking
from vestlus.desk.transcripts import Transcript
from vestlus.instagram.media import MediaFetcher

_PATH: Final = "/console/conversations"

#: Pictures that one replica fetches for people at a time.
_AT_ONCE: Final = 4
#: What users sent is in no browser when who looked at it has signed out, or they were erased.
_KEPT_NOWHERE: Final = "no-store"
_KEPT_FOR_MINUTES: Final = "private, max-age=300"
_DIGITS: Final = 18

#: In place of one that is gone: a browser complains of a picture that is not found.
_GONE: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 90" width="120" height="90">'
    b'<rect x="1" y="1" width="118" height="88" rx="6" fill="none" stroke="#888" stroke-width="2"'
    b' stroke-dasharray="6 4"/><path d="M35 65l18-24 14 18 9-10 12 16z" fill="#888"/>'
    b'<circle cx="80" cy="32" r="6" fill="#888"/></svg>'
)


class ConversationPictures:
    """Serves them."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._bank: ImageBank | None = None

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            self._guard.page(f"{_PATH}/bank/{{picture}}", self._of_bank),
            self._guard.page(
                f"{_PATH}/{{conversation}}/received/{{seq}}/{{number}}", self._received
            ),
        ]

    async def alternatives(self, transcript: Transcript) -> Mapping[str, str]:
        """By the id of a bank picture, what somebody is told who cannot see it."""
        ids = {id_ for line in transcript.lines for id_ in line.bank_pictures}
        if not ids:
            return {}
        known = await self._catalogue().pictures()
        return {id_: known[id_].alt or known[id_].shows if id_ in known else "" for id_ in ids}

    async def _of_bank(self, visit: Visit) -> Response:
        picture = await self._catalogue().picture(visit.param("picture"))
        if picture is None:
            return _gone()
        try:
            content = await self._tools.storage.get(picture.file)
        except StorageUnavailable:
            return _gone()
        if content is None:
            return _gone()
        return _picture(content, media_type_of(picture.file), _KEPT_FOR_MINUTES)

    async def _received(self, visit: Visit) -> Response:
        seq, number = visit.param("seq"), visit.param("number")
        if not (seq.isdecimal() and number.isdecimal() and len(seq + number) <= _DIGITS):
            return _gone()
        looking = Looking(visit.tools.store, visit.tools.clock)
        found = await looking.message(visit.param("conversation"), int(seq))
        came = found.event.attachments if found else ()
        if found is None or int(number) >= len(came):
            return _gone()
        one = came[int(number)]
        if one.type != "image" or not one.url:
            return _gone()
        async with self._places, aclosing(MediaFetcher(self._tools.settings.media_hosts)) as media:
            content = await media.picture(one.url, found.event.account)
        return _picture(content, "image/jpeg") if isinstance(content, bytes) else _gone()

    def _catalogue(self) -> ImageBank:
        if self._bank is None:
            self._bank = ImageBank(self._tools.store, clock=self._tools.clock)
        return self._bank


def _gone() -> Response:
    return _picture(_GONE, "image/svg+xml")


def _picture(content: bytes, media_type: str, cache: str = _KEPT_NOWHERE) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "cache-control": cache,
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cross-origin-resource-policy": "same-origin",
        },
    )
