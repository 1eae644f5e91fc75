"""The shapes in which the model answers, and how they become a Reply or a summary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vestlus.assistant.failures import Reason, invalid
from vestlus.conversation.reply import Part, PicturePart, Reply, TextPart
from vestlus.conversation.splitting import split_text

#: More parts than this is a model that has lost its way: an answer in a chat has one or two.
MAX_PARTS: Final = 10

#: Characters of all parts together. Eight full Instagram messages; nobody reads more in a chat.
MAX_CHARACTERS: Final = 8_000

#: Pictures of one answer: more is an album, and nobody asked for one.
MAX_PICTURES: Final = 3

#: Characters of the note for a colleague: a sentence or two.
MAX_NOTE_CHARACTERS: Final = 600

#: Characters of a summary.
MAX_SUMMARY_CHARACTERS: Final = 1_200

#: Control characters other than tab and newline. PostgreSQL stores no NUL, Instagram shows none.
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

#: A plausible BCP 47 tag.
TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")


class TextOutput(BaseModel):
    """A part that is text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["text"]
    text: Annotated[str, Field(description="What the user reads. Plain text.")]


class PictureOutput(BaseModel):
    """A part that is a picture of the image bank."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["picture"]
    picture: Annotated[str, Field(description="The ID of a picture from the list.")]


PartT = TypeVar("PartT", bound=BaseModel)


class Output(BaseModel, Generic[PartT]):
    """What the model is made to answer with. Every field is required: strict mode asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parts: Annotated[
        list[PartT], Field(description="The answer: what is sent, in order. Usually one part.")
    ]
    language: Annotated[str, Field(description="The language of the answer, a BCP 47 tag.")]
    handover: Annotated[
        bool, Field(description="Whether a person of the account has to take over.")
    ]
    note: Annotated[
        str,
        Field(
            description=(
                "With handover, for the colleague who takes over: what the user wants, in a "
                "sentence or two. Otherwise empty."
            )
        ),
    ]


#: When no pictures are offered, and when some are. A new kind of part joins the union and is told
#: from the others by its ``type``.
TextReply = Output[TextOutput]
PictureReply = Output[TextOutput | PictureOutput]


class ModelSummary(BaseModel):
    """What the model is made to sum up with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: Annotated[str, Field(description="The gist, in a few sentences.")]


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


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """The form that an answer must have: a strict JSON Schema and its name."""

    name: str
    schema: dict[str, Any]


#: Made once: the same bytes in every request, as prompt caching wants.
REPLY: Final = Form("reply", strict_schema(TextReply))
REPLY_WITH_PICTURES: Final = Form("reply", strict_schema(PictureReply))
SUMMARY: Final = Form("summary", strict_schema(ModelSummary))


def read_reply(text: str) -> Reply:
    """The reply in a model's output. Raises AttemptFailed(AssistantInvalid) with the reason.

    A picture named twice in one answer is one picture. A language that is no language tag is
    left empty. The note stands only beside a hand-over.
    """
    try:
        output = PictureReply.model_validate_json(text, strict=True)
    except ValidationError:
        # The validation error quotes the output, and with it the conversation.
        raise invalid(Reason.MALFORMED_REPLY, retry=True) from None
    parts: list[Part] = []
    for part in map(_part, output.parts):
        if isinstance(part, TextPart) or part not in parts:
            parts.append(part)
    if not parts:
        raise invalid(Reason.NO_PARTS, retry=True)
    if len(output.parts) > MAX_PARTS:
        raise invalid(Reason.TOO_MANY_PARTS, retry=True)
    if not all(part.text if isinstance(part, TextPart) else part.picture for part in parts):
        raise invalid(Reason.BLANK, retry=True)
    note = CONTROL.sub("", output.note).strip()[:MAX_NOTE_CHARACTERS]
    reply = Reply(
        parts=tuple(parts),
        handover=output.handover,
        note=note if output.handover else "",
        language=output.language if TAG.fullmatch(output.language) else "",
    )
    if len(reply.pictures) > MAX_PICTURES:
        raise invalid(Reason.TOO_MANY_PICTURES, retry=True)
    if sum(len(part.text) for part in parts if isinstance(part, TextPart)) > MAX_CHARACTERS:
        raise invalid(Reason.TOO_LONG, retry=True)
    return reply


def _part(output: TextOutput | PictureOutput) -> Part:
    if isinstance(output, PictureOutput):
        return PicturePart(output.picture)
    return TextPart(CONTROL.sub("", output.text).strip())


def read_summary(text: str) -> str:
    """The summary in a model's output, cut to its limit at the end of a sentence.

    Raises AttemptFailed(AssistantInvalid) with the reason.
    """
    try:
        output = ModelSummary.model_validate_json(text, strict=True)
    except ValidationError:
        raise invalid(Reason.MALFORMED_REPLY, retry=True) from None
    summary = " ".join(CONTROL.sub("", output.summary).split())
    if not summary:
        raise invalid(Reason.BLANK, retry=True)
    return cut_summary(summary)


def cut_summary(summary: str) -> str:
    """As much of a summary as may be kept, cut at the end of a sentence where there is one."""
    if len(summary) <= MAX_SUMMARY_CHARACTERS:
        return summary
    return split_text(summary, len(summary[:MAX_SUMMARY_CHARACTERS].encode()))[0]
