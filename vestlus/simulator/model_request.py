"""What the pretend model reads from a request of either API."""

import base64
import binascii
from dataclasses import dataclass

from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    as_object,
)
from vestlus.simulator.picture_files import picture_size

SYSTEM_ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request, whichever API it came through.

    `unanswered` are the texts of the last run of user items, empty if an assistant's item follows;
    `seen` has a few words for each picture in those items, such as `[image 640x480]`. `told` are
    the texts of all users' and assistants' items.
    """

    model: str
    instructions: str
    unanswered: tuple[str, ...]
    seen: tuple[str, ...]
    told: tuple[str, ...]
    schema: JsonObject | None
    characters: int


def read_responses(body: JsonObject) -> Prompt:
    """Read a request of the Responses API.

    Raises:
        BadInputError: If it is not one.

    """
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    text = body.get("text")
    form = text.get("format") if isinstance(text, dict) else None
    schema = form.get("schema") if isinstance(form, dict) else None
    instructions = body.get("instructions")
    first = [instructions] if isinstance(instructions, str) else []
    return _read(body, as_list(given, "input"), first, schema)


def read_chat(body: JsonObject) -> Prompt:
    """Read a request of the Chat Completions API.

    Raises:
        BadInputError: If it is not one.

    """
    form = body.get("response_format")
    wrapped = form.get("json_schema") if isinstance(form, dict) else None
    schema = wrapped.get("schema") if isinstance(wrapped, dict) else None
    return _read(body, as_list(body.get("messages"), "messages"), [], schema)


def _read(body: JsonObject, items: list[Json], instructions: list[str], schema: Json) -> Prompt:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        message = "you must provide a model parameter"
        raise BadInputError(message)
    if body.get("stream") is True:
        message = "the simulator's model does not stream"
        raise BadInputError(message)
    unanswered: list[str] = []
    seen: list[str] = []
    told: list[str] = []
    in_run = False
    characters = sum(map(len, instructions))
    for given in items:
        item = as_object(given, "an item")
        role = item.get("role")
        text, pictures = _content(item.get("content"))
        characters += len(text)
        if role in SYSTEM_ROLES:
            instructions.append(text)
        elif not in_run or role != "user":
            unanswered, seen = [], []
        if role not in SYSTEM_ROLES:
            told.append(text)
        in_run = role == "user"
        if in_run:
            unanswered.append(text)
            seen += pictures
    return Prompt(
        model=model,
        instructions="\n".join(instructions),
        unanswered=tuple(unanswered),
        seen=tuple(seen),
        told=tuple(told),
        schema=schema if isinstance(schema, dict) else None,
        characters=characters,
    )


def _content(content: Json) -> tuple[str, list[str]]:
    """Return the text of an item, and what is seen of its pictures."""
    if isinstance(content, str):
        return content, []
    texts: list[str] = []
    seen: list[str] = []
    for part in content if isinstance(content, list) else []:
        if not isinstance(part, dict):
            continue
        text = part.get("text")
        if isinstance(text, str):
            texts.append(text)
        if part.get("type") in {"input_image", "image_url"}:
            seen.append(_look_at(part.get("image_url")))
    return "\n".join(texts), seen


def _look_at(given: Json) -> str:
    """Return what is seen of one picture: its size, if its bytes came along."""
    url = given.get("url") if isinstance(given, dict) else given
    if not isinstance(url, str) or not url:
        message = "an image needs an image_url"
        raise BadInputError(message)
    if not url.startswith("data:"):
        return "[image]"
    body = data_url_bytes(url)
    size = picture_size(body) if body is not None else None
    if size is None:
        message = "The image data you provided does not represent a valid image"
        raise BadInputError(message)
    return f"[image {size[0]}x{size[1]}]"


def data_url_bytes(url: str) -> bytes | None:
    """Return what a `data:` address holds, or None if it holds nothing in base64."""
    head, _, encoded = url.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
