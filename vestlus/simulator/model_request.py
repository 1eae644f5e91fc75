"""What the pretend model reads from a request of either API."""

from dataclasses import dataclass

from vestlus.simulator.jsontypes import (
    BadInputError,
    Json,
    JsonObject,
    as_list,
    as_object,
)

SYSTEM_ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request, whichever API it came through.

    `unanswered` are the texts of the last run of user items, empty if an assistant's item follows;
    `picture` tells whether one of those items holds a picture.
    """

    model: str
    instructions: str
    unanswered: tuple[str, ...]
    picture: bool
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
    picture = in_run = False
    characters = sum(map(len, instructions))
    for given in items:
        item = as_object(given, "an item")
        role = item.get("role")
        text, has_picture = _content(item.get("content"))
        characters += len(text)
        if role in SYSTEM_ROLES:
            instructions.append(text)
        elif not in_run or role != "user":
            unanswered, picture = [], False
        in_run = role == "user"
        if in_run:
            unanswered.append(text)
            picture = picture or has_picture
    return Prompt(
        model=model,
        instructions="\n".join(instructions),
        unanswered=tuple(unanswered),
        picture=picture,
        schema=schema if isinstance(schema, dict) else None,
        characters=characters,
    )


def _content(content: Json) -> tuple[str, bool]:
    if isinstance(content, str):
        return content, False
    texts: list[str] = []
    picture = False
    for part in content if isinstance(content, list) else []:
        if not isinstance(part, dict):
            continue
        text = part.get("text")
        if isinstance(text, str):
            texts.append(text)
        picture = picture or part.get("type") in {"input_image", "image_url"}
    return "\n".join(texts), picture
