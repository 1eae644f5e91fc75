"""``/api/v1/images``: the image bank for programs.

A picture is sent as the body, as it is, with what is said of it in the query.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from image_bank.catalogue import Picture, as_values
from image_bank.checking import MAX_INPUT_BYTES
from image_bank.describing import edition_of
from image_bank.description import Description, describe
from image_bank.errors import CatalogueRefused
from image_bank.keeping import check_id, read_catalogue
from image_bank.standing import standing_of
from image_bank.storage import media_type_of
from vestlus.console.api import ApiRefusal
from vestlus.console.api_image_asks import (
    AddImage,
    DescribedShape,
    DescribeImage,
    ListImages,
    Said,
    Version,
)
from vestlus.console.api_shapes import PictureShape, PicturesShape, UsesShape
from vestlus.console.image_page import ROOM_FOR_FILES, image_desk
from vestlus.console.operations import INVALID, Call, Fault, Operation
from vestlus.console.people import Role
from vestlus.desk.images import ImageDesk, day_of, uses_values
from vestlus.instagram.asgi import HttpRefusal, read_body

#: A file of this size over a slow line.
_BODY_SECONDS: Final = 60.0

_NOT_THERE: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_image", "it is not in the bank")
_TAKEN: Final = Fault(HTTPStatus.CONFLICT, "id_taken", "there is another picture of this id")
_CHANGED: Final = Fault(HTTPStatus.CONFLICT, "changed", "somebody else has changed it meanwhile")
_FOLDER: Final = Fault(HTTPStatus.CONFLICT, "kept_by_folder", "the folder's catalogue.toml has it")
_TOO_LARGE: Final = Fault(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "a file has at most 32 MB"
)
_BY_REASON: Final = {
    "gone": _NOT_THERE,
    "taken": _TAKEN,
    "changed": _CHANGED,
    "folder": _FOLDER,
}

_ID: Final = {"id": "the picture's: small letters, digits and hyphens"}


@asynccontextmanager
async def _at_desk(call: Call) -> AsyncIterator[ImageDesk]:
    """The desk; what the bank refuses becomes an answer."""
    try:
        yield image_desk(call.tools)
    except CatalogueRefused as error:
        fault = _BY_REASON.get(error.reason, INVALID)
        raise fault.refusal(*error.problems) from error


async def _list(call: Call) -> PicturesShape:
    asked: ListImages = call.query
    today = day_of(call.tools.settings, call.tools.clock())
    pictures = (await read_catalogue(call.tools.store)).pictures
    found = [
        one
        for key, one in sorted(pictures.items())
        if (asked.after is None or key > asked.after)
        and (asked.account is None or not one.accounts or asked.account in one.accounts)
        and (asked.tag is None or asked.tag in one.tags)
        and (asked.use != "dms" or one.in_dms)
        and (asked.use != "posts" or (one.in_posts and one.post_file is not None))
        and (asked.standing is None or standing_of(one, today) is asked.standing)
    ]
    page = found[: asked.limit]
    following = page[-1].id if len(found) > len(page) else None
    return PicturesShape(images=[_shape(call, one) for one in page], next=following)


async def _show(call: Call) -> DescribedShape:
    return _described(call, await _picture(call))


async def _file(call: Call) -> Response:
    picture, asked = await _picture(call), call.query
    name = picture.post_file if asked.use == "posts" else picture.file
    data = await call.tools.storage.get(name) if name else None
    if name is None or data is None:
        raise _NOT_THERE.refusal("it has no such file")
    headers = {"cache-control": "private, no-cache", "x-content-type-options": "nosniff"}
    return Response(data, media_type=media_type_of(name), headers=headers)


async def _uses(call: Call) -> UsesShape:
    picture = await _picture(call)
    async with _at_desk(call) as desk:
        return UsesShape.model_validate(uses_values(await desk.uses(picture.id)))


async def _add(call: Call) -> DescribedShape:
    id_, replacing = call.param("id"), call.query.replace
    async with _at_desk(call) as desk:
        check_id(id_, id_)
        description = _description(id_, call.query, without={"replace"})
        data = await _body(call)
        picture = await desk.add(id_, description, data, replacing=replacing)
    # Only now: before it is a picture's it may be anything, even a user's id.
    call.noted.note(target=picture.id)
    return _described(call, picture)


async def _describe(call: Call) -> DescribedShape:
    id_, body = await _known(call), call.body
    async with _at_desk(call) as desk:
        description = _description(id_, body, without={"edition"})
        picture = await desk.describe(id_, description, edition=body.edition)
    return _described(call, picture)


async def _retire(call: Call) -> DescribedShape:
    id_ = await _known(call)
    async with _at_desk(call) as desk:
        return _described(call, await desk.retire(id_))


async def _remove(call: Call) -> None:
    id_ = await _known(call)
    async with _at_desk(call) as desk:
        await desk.remove([id_])


async def _known(call: Call) -> str:
    """The picture's id, noted. What is none, perhaps a user's id, is in no audit."""
    id_: str = (await _picture(call)).id
    call.noted.note(target=id_)
    return id_


async def _picture(call: Call) -> Picture:
    picture = (await read_catalogue(call.tools.store)).pictures.get(call.param("id"))
    if picture is None:
        raise _NOT_THERE.refusal()
    return picture


def _description(id_: str, said: Said, without: set[str]) -> Description:
    return describe(id_, said.model_dump(exclude=without))


async def _body(call: Call) -> bytes:
    share = ROOM_FOR_FILES.share()
    try:
        return await read_body(
            call.request.scope,
            call.request.receive,
            share,
            limit=MAX_INPUT_BYTES,
            seconds=_BODY_SECONDS,
        )
    except HttpRefusal as refusal:
        words = f"the file must have at most {MAX_INPUT_BYTES} bytes, and come within a minute"
        raise ApiRefusal(refusal.status, refusal.outcome, words) from refusal
    finally:
        share.close()


def _shape(call: Call, picture: Picture) -> PictureShape:
    return PictureShape.model_validate(_values(call, picture))


def _described(call: Call, picture: Picture) -> DescribedShape:
    return DescribedShape.model_validate(_values(call, picture) | {"edition": edition_of(picture)})


def _values(call: Call, picture: Picture) -> dict[str, Any]:
    today = day_of(call.tools.settings, call.tools.clock())
    return as_values(picture) | {"standing": str(standing_of(picture, today))}


OPERATIONS: Final = (
    Operation(
        "GET",
        "/images",
        "listImages",
        "Pictures of the bank, by id",
        _list,
        PicturesShape,
        query=ListImages,
        tag="images",
    ),
    Operation(
        "GET",
        "/images/{id}",
        "showImage",
        "One picture's entry",
        _show,
        DescribedShape,
        faults=(_NOT_THERE,),
        params=_ID,
        tag="images",
    ),
    Operation(
        "GET",
        "/images/{id}/file",
        "downloadImage",
        "The picture itself: PNG or JPEG",
        _file,
        bytes,
        query=Version,
        faults=(_NOT_THERE,),
        params=_ID,
        tag="images",
    ),
    Operation(
        "GET",
        "/images/{id}/uses",
        "listImageUses",
        "Where a picture was used",
        _uses,
        UsesShape,
        faults=(_NOT_THERE,),
        params=_ID,
        tag="images",
    ),
    Operation(
        "PUT",
        "/images/{id}/file",
        "addImage",
        "Checks the file that is the body, brings it into the form that Instagram takes, adds it",
        _add,
        DescribedShape,
        query=AddImage,
        media_type="image/*",
        action="image.add",
        faults=(_TAKEN, _FOLDER, _TOO_LARGE),
        role=Role.AGENT,
        params=_ID,
        tag="images",
    ),
    Operation(
        "PUT",
        "/images/{id}",
        "describeImage",
        "Says something else of a picture",
        _describe,
        DescribedShape,
        body=DescribeImage,
        action="image.describe",
        faults=(_NOT_THERE, _CHANGED, _FOLDER),
        role=Role.AGENT,
        params=_ID,
        tag="images",
    ),
    Operation(
        "POST",
        "/images/{id}/retire",
        "retireImage",
        "Ends a picture's use with yesterday",
        _retire,
        DescribedShape,
        action="image.retire",
        faults=(_NOT_THERE, _FOLDER),
        role=Role.AGENT,
        params=_ID,
        tag="images",
    ),
    Operation(
        "DELETE",
        "/images/{id}",
        "removeImage",
        "Removes a picture; its links end at once",
        _remove,
        None,
        action="image.remove",
        faults=(_NOT_THERE, _FOLDER),
        role=Role.AGENT,
        params=_ID,
        tag="images",
    ),
)
