"""What the control API reads from a request, and how it refuses."""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from vestlus.simulator.config import DEFAULT_USER
from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    as_object,
    get_text,
)
from vestlus.simulator.media import IMAGE_TYPES
from vestlus.simulator.records import Attachment
from vestlus.simulator.state import Lane, State

MOST_WAIT_SECONDS = 600.0
KEPT = re.compile(r"/media/([0-9a-f]{64})")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refuse_bad_input(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 400 to requests that say nothing sensible, and to forms from foreign pages."""
    if not request.path.startswith("/control/"):
        return await handler(request)
    # A page of another origin can post a form here unasked, but not JSON or a picture.
    allowed = {"application/json", *IMAGE_TYPES}
    if request.method == "POST" and request.content_type not in allowed:
        return web.json_response({"error": "the content type must be JSON"}, status=400)
    try:
        return await handler(request)
    except BadInputError as error:
        return web.json_response({"error": str(error)}, status=400)


def account_id(state: State, account: str | None) -> str:
    """Return a known account, the first if none is named, or raise `BadInputError`."""
    if account is None:
        return state.accounts[0]
    if account not in state.accounts:
        message = "account is not one of the simulator's"
        raise BadInputError(message)
    return account


def user_id(user: str | None) -> str:
    """Return a user id, the default user if none is given, or raise `BadInputError`."""
    if user is None:
        return DEFAULT_USER
    if not user.strip() or len(user) > 100 or not user.isprintable():  # noqa: PLR2004
        message = "user must be 1 to 100 printable characters"
        raise BadInputError(message)
    return user


def read_attachment(item: Json, origin: str) -> Attachment:
    """Read an attachment, or raise `BadInputError`.

    What lies at `origin`, where the simulator listens, is one of its kept pictures.
    """
    body = as_object(item, "an attachment")
    kind, url = get_text(body, "type", "image"), get_text(body, "url")
    if not kind or not url or not url.startswith(("http://", "https://")):
        message = "an attachment needs a type and an http address"
        raise BadInputError(message)
    kept = KEPT.fullmatch(url.removeprefix(origin)) if origin else None
    return Attachment(kind, url, kept.group(1) if kept else None, get_text(body, "alt"))


def read_content(body: JsonObject, origin: str) -> tuple[str | None, tuple[Attachment, ...]]:
    """Read the text and attachments of a message, or raise `BadInputError` if it has neither."""
    text = get_text(body, "text")
    items = as_list(body.get("attachments", []), "attachments")
    attachments = tuple(read_attachment(item, origin) for item in items)
    if not text and not attachments:
        message = "a message needs text or attachments"
        raise BadInputError(message)
    return text, attachments


def read_lane(state: State, body: JsonObject) -> Lane:
    """Read account and user of a request, or raise `BadInputError`."""
    return account_id(state, get_text(body, "account")), user_id(get_text(body, "user"))


def query_number(request: web.Request, name: str, default: int) -> int:
    """Read a whole number of the query, or raise `BadInputError`."""
    text = request.query.get(name, str(default))
    if not text.isdecimal():
        message = f"{name} must be a whole number"
        raise BadInputError(message)
    return int(text)


def query_seconds(request: web.Request, name: str, default: float) -> float:
    """Read seconds of the query, within what is waited at most, or raise `BadInputError`."""
    try:
        seconds = float(request.query.get(name, default))
    except ValueError as error:
        message = f"{name} must be a number of seconds"
        raise BadInputError(message) from error
    return min(max(seconds, 0.0), MOST_WAIT_SECONDS)
