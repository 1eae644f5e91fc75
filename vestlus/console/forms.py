"""Forms that browsers send, read with an end to their size and to the time they take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

#: Bytes of a form without files.
LARGEST_FORM: Final = 64 * 1024
#: Seconds within which a form must have come, and one with files.
_SECONDS: Final = 10.0
_SECONDS_OF_FILES: Final = 60.0
_MOST_FIELDS: Final = 200
_MOST_FILES: Final = 20


class FormTooLarge(Exception):
    """More came than ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class FormTooLate(Exception):
    """It did not come within the time that forms have."""


@asynccontextmanager
async def read_form(
    request: Request, limit: int, *, seconds: float | None = None
) -> AsyncIterator[FormData]:
    """The form of a request of at most ``limit`` bytes; files are on disk while it is open.

    It must have come within ``seconds``: 10 unless they are given, 60 where it may be larger than
    forms without files are. Raises FormTooLarge, FormTooLate, and Starlette's HTTPException with
    400 for what is no form.
    """
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise FormTooLarge(limit)
    size = 0
    receive = request.receive

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise FormTooLarge(limit)
        return message

    counting = Request(request.scope, counted)
    if seconds is None:
        seconds = _SECONDS if limit <= LARGEST_FORM else _SECONDS_OF_FILES
    reading = counting.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=limit)
    async with AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(seconds):
                form = await opened.enter_async_context(reading)
        except TimeoutError:
            raise FormTooLate from None
        except ClientDisconnect as error:
            # There is nobody left to answer, and nothing to look at.
            raise HTTPException(HTTPStatus.BAD_REQUEST) from error
        if not all(_is_plain(name) and _is_plain(value) for name, value in form.multi_items()):
            raise HTTPException(HTTPStatus.BAD_REQUEST)
        yield form


def _is_plain(value: object) -> bool:
    """Whether it is a file, or text that can be kept and said: a form may name a character set in
    which it writes halves of characters.
    """
    if not isinstance(value, str):
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value
