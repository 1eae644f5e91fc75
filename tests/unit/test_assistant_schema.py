from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from vestlus.assistant.failures import AttemptFailed
from vestlus.assistant.schema import (
    MAX_CHARACTERS,
    MAX_PARTS,
    REPLY_SCHEMA,
    read_reply,
    strict_schema,
)
from vestlus.conversation.reply import Reply, TextPart
from vestlus.errors import AssistantInvalid

#: What strict structured output knows (OpenAI, "Structured Outputs", "Supported schemas"), less
#: what only newer models know.
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"} | {
    "description"
}


def breaches(node: Any, at: str = "$") -> list[str]:  # noqa: ANN401 - JSON of any type
    """Where a schema leaves the strict subset."""
    found = [f"{at}: {key}" for key in node if key not in KNOWN]
    if node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            found.append(f"{at}: open")
        if node.get("required") != list(node.get("properties", {})):
            found.append(f"{at}: not all required")
        for name, one in node.get("properties", {}).items():
            found += breaches(one, f"{at}.{name}")
    elif "anyOf" not in node and "type" not in node:
        found.append(f"{at}: no type")
    for index, one in enumerate(node.get("anyOf", ())):
        found += breaches(one, f"{at}|{index}")
    if "items" in node:
        found += breaches(node["items"], f"{at}[]")
    return found


def test_the_schema_keeps_to_the_strict_rules() -> None:
    assert REPLY_SCHEMA["type"] == "object"
    assert breaches(REPLY_SCHEMA) == []


def test_the_check_of_the_strict_rules_finds_breaches() -> None:
    class Loose(BaseModel):
        given: str
        left_out: int = 1

    assert breaches(Loose.model_json_schema())


def test_a_union_of_parts_stays_strict_when_it_grows() -> None:
    class Text(BaseModel):
        type: Literal["text"]
        text: str

    class Picture(BaseModel):
        type: Literal["picture"]
        picture: str
        caption: str | None = None

    class Grown(BaseModel):
        parts: list[Annotated[Text | Picture, Field(discriminator="type")]]

    schema = strict_schema(Grown)
    assert breaches(schema) == []
    kinds = [
        one["properties"]["type"]["enum"] for one in schema["properties"]["parts"]["items"]["anyOf"]
    ]
    assert kinds == [["text"], ["picture"]]


def test_a_field_named_like_a_keyword_is_kept() -> None:
    class Named(BaseModel):
        title: str
        default: str

    schema = strict_schema(Named)
    assert schema["required"] == ["title", "default"]
    assert list(schema["properties"]) == ["title", "default"]


def output(*texts: str, handover: bool = False) -> str:
    parts = [{"type": "text", "text": text} for text in texts]
    return json.dumps({"parts": parts, "handover": handover})


def test_parts_and_handover_become_a_reply() -> None:
    assert read_reply(output(" Tere!\n", "Avame kell 9.", handover=True)) == Reply(
        (TextPart("Tere!"), TextPart("Avame kell 9.")), handover=True
    )


def test_control_characters_are_taken_out() -> None:
    assert read_reply(output("a\x00b\x1b\tc\nd")).parts[0].text == "ab\tc\nd"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed_reply"),
        ("Tere!", "malformed_reply"),
        ("null", "malformed_reply"),
        ('{"parts": [{"type": "text", "text": "Tere"}]}', "malformed_reply"),
        ('{"parts": [{"type": "text", "text": "Tere"}], "handover": "no"}', "malformed_reply"),
        ('{"parts": [{"type": "picture", "text": "x"}], "handover": false}', "malformed_reply"),
        ('{"parts": [{"type": "text", "text": 1}], "handover": false}', "malformed_reply"),
        ('{"parts": [], "handover": false, "mood": "good"}', "malformed_reply"),
        ('{"parts": [{"type": "text", "text": "\\ud83d"}], "handover": false}', "malformed_reply"),
        (output(), "no_parts"),
        (output("Tere", " \n\x00"), "blank"),
        (output(*["a"] * (MAX_PARTS + 1)), "too_many_parts"),
        (output("a" * MAX_CHARACTERS, "b"), "too_long"),
    ],
)
def test_output_that_cannot_be_sent_has_a_stable_reason(text: str, reason: str) -> None:
    with pytest.raises(AttemptFailed) as raised:
        read_reply(text)
    assert isinstance(raised.value.error, AssistantInvalid)
    assert raised.value.error.reason == reason
    assert raised.value.retry
    # The validation error, which quotes the output, is not shown.
    assert raised.value.__context__ is None or raised.value.__suppress_context__


def test_the_limits_themselves_are_allowed() -> None:
    assert len(read_reply(output(*["a"] * MAX_PARTS)).parts) == MAX_PARTS
    assert len(read_reply(output("a" * MAX_CHARACTERS)).text) == MAX_CHARACTERS


@given(st.one_of(st.text(), st.lists(st.text(max_size=40), max_size=12).map(lambda t: output(*t))))
def test_any_text_is_a_sendable_reply_or_is_refused(text: str) -> None:
    try:
        reply = read_reply(text)
    except AttemptFailed as failed:
        refused: object = failed.error
        assert isinstance(refused, AssistantInvalid)
    else:
        assert 0 < len(reply.parts) <= MAX_PARTS
        assert all(part.text.strip() and "\x00" not in part.text for part in reply.parts)
        assert reply.text.encode()
