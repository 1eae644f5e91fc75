"""``/console/images/add``: files that are sent to the bank."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response
from starlette.routing import Route

from image_bank.checking import MAX_INPUT_BYTES
from image_bank.description import Description, describe
from image_bank.errors import CatalogueRefused
from image_bank.keeping import check_id
from vestlus.console.forms import LARGEST_FORM
from vestlus.console.guarding import Guard
from vestlus.console.image_forms import described_by, refused_key, refused_words
from vestlus.console.image_page import ROOM_FOR_FILES, image_desk
from vestlus.console.people import Role
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.instagram.asgi import HttpRefusal

_ADD: Final = "/console/images/add"
_EMPTY: Final[dict[str, Any]] = {
    "shows": "",
    "alt": "",
    "tags": "",
    "language": "",
    "rights": "",
    "accounts": "",
    "ai_generated": False,
    "in_dms": True,
    "in_posts": True,
    "valid_from": None,
    "valid_until": None,
    "post": None,
}


class ImageAdding:
    """Without scripts the files of one form have one description; with them each is sent by itself,
    with its own.
    """

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        limit = MAX_INPUT_BYTES + LARGEST_FORM
        return [
            self._guard.page(_ADD, self._form, Role.AGENT),
            self._guard.action(_ADD, "image.add", self._add, limit=limit),
        ]

    async def _form(self, visit: Visit) -> Response:
        return _page(visit, _EMPTY, "")

    async def _add(self, visit: Visit, form: FormData) -> Done:
        values, key = described_by(form), text(form, "id")
        files = [one for one in form.getlist("file") if isinstance(one, UploadFile)]
        files = [one for one in files if one.filename]
        desk, added = image_desk(self._tools), []
        share = ROOM_FOR_FILES.share()
        try:
            description = _checked(files, key, values)
            for number, one in enumerate(files):
                # Of several files only the first can have the name that was written.
                own = key if number == 0 else ""
                share.grow(one.size or 0)
                picture, _ = await desk.add_file(
                    one.filename or "", own, description, await one.read()
                )
                added.append(picture.id)
                visit.noted.note(target=",".join(added))
        except CatalogueRefused as error:
            said = refused_words(error, visit.language)
            if added or len(files) > 1:
                said = [f"{files[len(added)].filename}: {line}" for line in said] if files else said
            page = _page(visit, values, key, said)
            # Not the name that was written, which may be anything.
            target = ",".join(added)
            raise Refusal(refused_key(error), target=target, page=page) from error
        except HttpRefusal as error:
            busy = "images.refused.busy"
            page = _page(visit, values, key, [visit.words(busy)])
            page.status_code = error.status
            page.headers["retry-after"] = "5"
            raise Refusal(busy, target=",".join(added), page=page) from error
        finally:
            share.close()
        if len(added) == 1:
            return Done(f"/console/images/{quote(added[0])}", added[0], "images.done.added")
        return Done("/console/images", ",".join(added), "images.done.added_many")


def _checked(files: list[UploadFile], key: str, values: dict[str, Any]) -> Description:
    """What is said of the files. Raises CatalogueRefused."""
    if not files:
        raise CatalogueRefused((f"{key or 'file'}: is missing",), "no_file")
    if key:
        check_id(key, key)
    return describe(key or "file", values)


def _page(
    visit: Visit, values: dict[str, Any], key: str, problems: list[str] | None = None
) -> Response:
    return visit.page(
        "image_add.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        values=values,
        key=key,
        problems=problems or [],
        largest=MAX_INPUT_BYTES,
    )
