"""The shape in which the model answers, and how it becomes a Reply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vestlus.assistant.failures import Reason, invalid
from vestlus.conversation.reply import Reply, TextPart

#: More parts than this is a model that has lost its way: an answer in a chat has one or two.
MAX_PARTS: Final = 10

#: Characters of all parts together. Eight full Instagram messages; nobody reads more in a chat.
MAX_CHARACTERS: Final = 8_000

#: Control characters other than tab and newline. PostgreSQL stores no NUL, Instagram shows none.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class TextOutput(BaseModel):
    """A part that is text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["text"]
    text: Annotated[str, Field(description="What the user reads. Plain text.")]


#: Every kind of part. A new kind joins the union here (`TextOutput | …`) and is told from the
#: others by its `type`.
PartOutput = TextOutput


class ModelReply(BaseModel):
    """What the model is made to answer with. Every field is required: strict mode asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parts: Annotated[
        list[PartOutput], Field(description="The answer: what is sent, in order. Usually one part.")
    ]
    handover: Annotated[
        bool, Field(description="Whether a person of the account has to take over.")
    ]


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON Schema in the subset that strict structured output accepts.

    OpenAI, "Structured Outputs", "Supported schemas": every object closed, every property
    required, `anyOf` instead of `oneOf`, no defaults. References are resolved and items are always
    an `anyOf`, so that the schema keeps its form when the union grows; `const` becomes a
    one-element `enum`, which more servers know. Recursive models are not supported.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    strict: dict[str, Any] = _strict(schema, definitions)
    return strict


_LEFT_OUT: Final = frozenset({"title", "default", "discriminator"})


def _strict(node: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON of any type
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rpartition("/")[2]], definitions)
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {name: _strict(one, definitions) for name, one in value.items()}
        elif key == "const":
            result["enum"] = [value]
        elif key == "items":
            item = _strict(value, definitions)
            result[key] = item if "anyOf" in item else {"anyOf": [item]}
        elif key not in _LEFT_OUT:
            result["anyOf" if key == "oneOf" else key] = _strict(value, definitions)
    if result.get("type") == "object":
        result["additionalProperties"] = False
        result["required"] = list(result.get("properties", {}))
    return result


#: Made once: the same bytes in every request, as prompt caching wants.
REPLY_SCHEMA: Final = strict_schema(ModelReply)
REPLY_SCHEMA_NAME: Final = "reply"


def read_reply(text: str) -> Reply:
    """The reply in a model's output. Raises AttemptFailed(AssistantInvalid) with the reason."""
    try:
        output = ModelReply.model_validate_json(text, strict=True)
    except ValidationError:
        # The validation error quotes the output, and with it the conversation.
        raise invalid(Reason.MALFORMED_REPLY, retry=True) from None
    parts = tuple(TextPart(_CONTROL.sub("", part.text).strip()) for part in output.parts)
    if not parts:
        raise invalid(Reason.NO_PARTS, retry=True)
    if len(parts) > MAX_PARTS:
        raise invalid(Reason.TOO_MANY_PARTS, retry=True)
    if not all(part.text for part in parts):
        raise invalid(Reason.BLANK, retry=True)
    if sum(len(part.text) for part in parts) > MAX_CHARACTERS:
        raise invalid(Reason.TOO_LONG, retry=True)
    return Reply(parts, handover=output.handover)
