"""``/console/images``: the gallery, the files, and one picture."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from babel.dates import format_date
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from image_bank.catalogue import Picture
from image_bank.standing import Standing, standing_of
from image_bank.storage import media_type_of
from image_bank.thumbnails import MEDIA_TYPE
from vestlus.console.content import Shelf
from vestlus.console.guarding import Guard
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit
from vestlus.console.words import Language
from vestlus.desk.images import day_of

#: Pictures of one page.
_PAGE: Final = 48
#: Files never change under their name. Only for whoever is signed in, so for their browser alone.
_FILE_HEADERS: Final = {
    "cache-control": "private, max-age=604800, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}
_FILTERS: Final = ("q", "tag", "use", "rights")

#: Standing → class of its badge.
BADGES: Final = {Standing.ENDING: "warn", Standing.ENDED: "bad", Standing.TO_COME: ""}


class ImagesPages:
    """What is looked at."""

    def __init__(self, tools: Tools, guard: Guard, shelf: Shelf) -> None:
        self._tools = tools
        self._guard = guard
        self._shelf = shelf

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            self._guard.page("/console/images", self._gallery),
            self._guard.page("/console/images/thumbs/{file}", self._thumbnail),
            self._guard.page("/console/images/files/{file}", self._file),
        ]

    async def _gallery(self, visit: Visit) -> Response:
        pictures = await self._shelf.pictures()
        today = day_of(self._tools.settings, visit.now_ms)
        asked = {name: visit.query(name) for name in _FILTERS}
        found = sorted(
            _fitting(pictures.values(), asked, today), key=lambda one: (-one.added_ms, one.id)
        )
        page, following = _page_of(found, visit.query("after"))
        kept = {name: value for name, value in asked.items() if value}
        return visit.page(
            "images.html",
            pictures=page,
            number_found=len(found),
            asked=asked,
            tags=sorted({tag for one in pictures.values() for tag in one.tags}),
            ending=sum(standing_of(one, today) is Standing.ENDING for one in pictures.values()),
            standings={one.id: standing_of(one, today) for one in page},
            badges=BADGES,
            day=lambda day: day_words(day, visit.language),
            following=urlencode({**kept, "after": following}) if following else "",
            first=f"?{urlencode(kept)}" if visit.query("after") else "",
        )

    async def _thumbnail(self, visit: Visit) -> Response:
        file = await self._known(visit)
        small = await self._shelf.thumbnail(file)
        if small is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(small, headers=_FILE_HEADERS, media_type=MEDIA_TYPE)

    async def _file(self, visit: Visit) -> Response:
        file = await self._known(visit)
        data = await self._tools.storage.get(file)
        if data is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(data, headers=_FILE_HEADERS, media_type=media_type_of(file))

    async def _known(self, visit: Visit) -> str:
        """The file's name, if the bank has it: the storage holds other things too."""
        file = visit.param("file")
        if not await self._shelf.has(file):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return file


def day_words(day: date | None, language: Language) -> str:
    """A day as people of that language write it."""
    return format_date(day, "medium", locale=str(language)) if day else ""


def _fitting(pictures: Iterable[Picture], asked: dict[str, str], today: date) -> Iterable[Picture]:
    wanted, tag = asked["q"].casefold().split(), asked["tag"].strip().casefold()
    for one in pictures:
        said = f"{one.id} {one.shows} {one.alt} {' '.join(one.tags)} {one.rights}".casefold()
        if (
            all(word in said for word in wanted)
            and (not tag or tag in map(str.casefold, one.tags))
            and _used_in(one, asked["use"])
            and _stands(one, asked["rights"], today)
        ):
            yield one


def _used_in(picture: Picture, use: str) -> bool:
    if use == "dms":
        return picture.in_dms
    return picture.in_posts and picture.post_file is not None if use == "posts" else True


def _stands(picture: Picture, rights: str, today: date) -> bool:
    if rights == "unsaid":
        return not picture.rights
    if rights == Standing.VALID:
        return standing_of(picture, today) in {Standing.VALID, Standing.ENDING}
    return standing_of(picture, today) == rights if rights in set(Standing) else True


def _page_of(found: list[Picture], after: str) -> tuple[list[Picture], str]:
    """The pictures behind that one, and the last of them where there are more."""
    places = {one.id: place for place, one in enumerate(found)}
    start = places.get(after, -1) + 1
    page = found[start : start + _PAGE]
    return page, page[-1].id if start + _PAGE < len(found) else ""
