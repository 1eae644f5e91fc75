"""``/console/images/{id}``: what is known and said of a picture, and where it was used."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from image_bank.catalogue import Picture, Source
from image_bank.checking import MAX_INPUT_BYTES
from image_bank.describing import edition_of
from image_bank.description import describe
from image_bank.errors import CatalogueRefused
from image_bank.posts import ratio_fits
from image_bank.standing import standing_of
from vestlus.console.content import Shelf, chosen_account, zone_of
from vestlus.console.guarding import Guard
from vestlus.console.image_forms import described_by, refused_key, refused_words, values_of
from vestlus.console.images_pages import BADGES, day_words
from vestlus.console.post_views import tone_of
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.desk.images import ImageDesk, day_of
from vestlus.instagram.asgi import Room

_GALLERY: Final = "/console/images"
_GONE: Final = "images.refused.gone"

#: Memory for the files that one process takes in at once, whichever way they come.
ROOM_FOR_FILES: Final = Room(size=3 * MAX_INPUT_BYTES, free=0)


def image_desk(tools: Tools) -> ImageDesk:
    """The desk of a replica. Raises StoreUnavailable, StorageUnavailable until they are there."""
    return ImageDesk(
        store=tools.store, storage=tools.storage, settings=tools.settings, clock=tools.clock
    )


class ImagePage:
    """One picture."""

    def __init__(self, tools: Tools, guard: Guard, shelf: Shelf) -> None:
        self._tools = tools
        self._guard = guard
        self._shelf = shelf

    @property
    def routes(self) -> list[Route]:
        """What is served. The names below ``/console/images`` that are no ids come before these."""
        one, guard = f"{_GALLERY}/{{id}}", self._guard
        return [
            guard.page(one, self._show),
            guard.action(f"{one}/describe", "image.describe", self._describe),
            guard.action(f"{one}/retire", "image.retire", self._retire),
            guard.action(f"{one}/remove", "image.remove", self._remove),
        ]

    async def _show(self, visit: Visit) -> Response:
        picture = (await self._shelf.pictures()).get(visit.param("id"))
        if picture is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return await self._page(visit, picture, values_of(picture))

    async def _page(
        self,
        visit: Visit,
        picture: Picture,
        values: dict[str, Any],
        problems: list[str] | None = None,
    ) -> Response:
        tools = self._tools
        account = chosen_account(visit)
        today = day_of(tools.settings, visit.now_ms)
        standing = standing_of(picture, today)
        return visit.page(
            "image.html",
            zone=zone_of(account),
            picture=picture,
            values=values,
            edition=edition_of(picture),
            by_folder=picture.source is Source.FOLDER,
            fits=ratio_fits(picture.width, picture.height),
            uses=await image_desk(tools).uses(picture.id),
            standing=standing,
            badge=BADGES.get(standing, ""),
            tone_of=tone_of,
            day=lambda day: day_words(day, visit.language),
            problems=problems or [],
        )

    async def _describe(self, visit: Visit, form: FormData) -> Done:
        id_, values = await self._known(visit), described_by(form)
        try:
            await image_desk(self._tools).describe(
                id_, describe(id_, values), edition=text(form, "edition")
            )
        except CatalogueRefused as error:
            raise await self._refusal(visit, values, error) from error
        return Done(f"{_GALLERY}/{quote(id_)}", id_, "images.done.saved")

    async def _retire(self, visit: Visit, _: FormData) -> Done:
        id_ = await self._known(visit)
        here = f"{_GALLERY}/{quote(id_)}"
        try:
            await image_desk(self._tools).retire(id_)
        except CatalogueRefused as error:
            raise Refusal(refused_key(error), here, id_) from error
        return Done(here, id_, "images.done.retired")

    async def _remove(self, visit: Visit, _: FormData) -> Done:
        id_ = await self._known(visit)
        try:
            await image_desk(self._tools).remove([id_])
        except CatalogueRefused as error:
            raise Refusal(refused_key(error), _GALLERY, id_) from error
        return Done(_GALLERY, id_, "images.done.removed")

    async def _known(self, visit: Visit) -> str:
        """The picture's id, noted. What is none, perhaps a user's id, is in no audit."""
        picture = (await self._shelf.pictures()).get(visit.param("id"))
        if picture is None:
            raise Refusal(_GONE, _GALLERY)
        visit.noted.note(target=picture.id)
        return picture.id

    async def _refusal(
        self, visit: Visit, values: dict[str, Any], error: CatalogueRefused
    ) -> Refusal:
        """The form as it was filled in, with what is wrong; the gallery where it is gone."""
        id_ = visit.param("id")
        picture = (await self._shelf.pictures()).get(id_)
        if picture is None:
            return Refusal(_GONE, _GALLERY)
        page = await self._page(visit, picture, values, refused_words(error, visit.language))
        page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return Refusal(refused_key(error), target=id_, page=page)
