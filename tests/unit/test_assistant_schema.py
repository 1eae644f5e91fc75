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
    MAX_NOTE_CHARACTERS,
    MAX_PARTS,
    MAX_PICTURES,
    MAX_SUMMARY_CHARACTERS,
    REPLY,
    REPLY_WITH_PICTURES,
    SUMMARY,
    Form,
    read_reply,
    read_summary,
    strict_schema,
)
from vestlus.conversation.reply import PicturePart, Reply, TextPart
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


@pytest.mark.parametrize("form", [REPLY, REPLY_WITH_PICTURES, SUMMARY])
def test_the_schemas_keep_to_the_strict_rules(form: Form) -> None:
    assert form.schema["type"] == "object"
    assert breaches(form.schema) == []


def kinds_of_part(schema: dict[str, Any]) -> list[str]:
    choices = schema["properties"]["parts"]["items"]["anyOf"]
    return [one["properties"]["type"]["enum"][0] for one in choices]


def test_pictures_are_in_the_schema_only_where_some_are_offered() -> None:
    assert kinds_of_part(REPLY.schema) == ["text"]
    assert kinds_of_part(REPLY_WITH_PICTURES.schema) == ["text", "picture"]
    names = ["parts", "language", "handover", "note"]
    assert list(REPLY.schema["properties"]) == names
    assert list(REPLY_WITH_PICTURES.schema["properties"]) == names


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


def output(*texts: str, pictures: tuple[str, ...] = (), **more: object) -> str:
    parts = [{"type": "text", "text": text} for text in texts]
    parts += [{"type": "picture", "picture": picture} for picture in pictures]
    rest = {"language": "et", "handover": False, "note": ""}
    return json.dumps({"parts": parts} | rest | more)


def test_all_that_the_model_writes_becomes_a_reply() -> None:
    text = output(
        " Tere!\n", "Avame kell 9.", pictures=("menu",), handover=True, note=" tahab  lauda\n"
    )
    assert read_reply(text) == Reply(
        parts=(TextPart("Tere!"), TextPart("Avame kell 9."), PicturePart("menu")),
        handover=True,
        note="tahab  lauda",
        language="et",
    )


def test_a_picture_alone_is_an_answer() -> None:
    assert read_reply(output(pictures=("menu",))).pictures == ("menu",)


def test_a_picture_named_twice_is_one_picture() -> None:
    assert read_reply(output("Palun", pictures=("menu", "hall", "menu"))).pictures == (
        "menu",
        "hall",
    )


def test_a_note_stands_only_beside_a_handover_and_is_short() -> None:
    assert read_reply(output("Tere", note="tahab lauda")).note == ""
    long = read_reply(output("Tere", handover=True, note="a" * 5_000)).note
    assert len(long) == MAX_NOTE_CHARACTERS


@pytest.mark.parametrize("tag", ["et", "en-GB", "zh-Hant-TW", "fil"])
def test_a_language_tag_is_kept(tag: str) -> None:
    assert read_reply(output("Tere", language=tag)).language == tag


@pytest.mark.parametrize("tag", ["", "Estonian", "eesti keel", "e", "et\n", "et_EE", "x" * 99])
def test_a_language_that_is_no_tag_is_not_known(tag: str) -> None:
    assert read_reply(output("Tere", language=tag)).language == ""


def test_control_characters_are_taken_out() -> None:
    (part,) = read_reply(output("a\x00b\x1b\tc\nd")).parts
    assert part == TextPart("ab\tc\nd")


REST = '"language": "et", "handover": false, "note": ""'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed_reply"),
        ("Tere!", "malformed_reply"),
        ("null", "malformed_reply"),
        ('{"parts": [{"type": "text", "text": "Tere"}]}', "malformed_reply"),
        ('{"parts": [{"type": "text", "text": "Tere"}], "handover": false}', "malformed_reply"),
        (output("Tere", handover="no"), "malformed_reply"),
        (output("Tere", note=None), "malformed_reply"),
        (output("Tere", language=7), "malformed_reply"),
        (output("Tere", mood="good"), "malformed_reply"),
        (f'{{"parts": [{{"type": "picture", "text": "x"}}], {REST}}}', "malformed_reply"),
        (f'{{"parts": [{{"type": "text", "picture": "x"}}], {REST}}}', "malformed_reply"),
        (f'{{"parts": [{{"type": "text", "text": 1}}], {REST}}}', "malformed_reply"),
        (f'{{"parts": [{{"type": "text", "text": "\\ud83d"}}], {REST}}}', "malformed_reply"),
        (output(), "no_parts"),
        (output("Tere", " \n\x00"), "blank"),
        (output("Tere", pictures=("",)), "blank"),
        (output(*["a"] * (MAX_PARTS + 1)), "too_many_parts"),
        (output(pictures=("a",) * (MAX_PARTS + 1)), "too_many_parts"),
        (output(pictures=("a", "b", "c", "d")), "too_many_pictures"),
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
    assert len(read_reply(output(pictures=("a", "b", "c"))).pictures) == MAX_PICTURES


outputs = st.builds(
    lambda texts, pictures, note, language: output(
        *texts, pictures=tuple(pictures), note=note, language=language, handover=True
    ),
    st.lists(st.text(max_size=40), max_size=12),
    st.lists(st.text(max_size=5), max_size=5),
    st.text(),
    st.text(max_size=8),
)


@given(st.one_of(st.text(), outputs))
def test_any_text_is_a_sendable_reply_or_is_refused(text: str) -> None:
    try:
        reply = read_reply(text)
    except AttemptFailed as failed:
        refused: object = failed.error
        assert isinstance(refused, AssistantInvalid)
    else:
        assert 0 < len(reply.parts) <= MAX_PARTS
        assert len(reply.pictures) <= MAX_PICTURES
        for part in reply.parts:
            said = part.text if isinstance(part, TextPart) else part.picture
            assert said
            assert isinstance(part, PicturePart) or (said.strip() and "\x00" not in said)
        assert reply.text.encode() or reply.pictures
        assert "\x00" not in reply.note


def summed_up(text: str) -> str:
    return read_summary(json.dumps({"summary": text}))


def test_a_summary_is_read_on_one_line() -> None:
    assert summed_up(" Küsib lauda.\n\nOotab vastust.\x00 ") == "Küsib lauda. Ootab vastust."


def test_a_long_summary_ends_with_a_sentence_within_its_limit() -> None:
    long = summed_up("Küsib lauda õhtuks. " * 200)
    assert MAX_SUMMARY_CHARACTERS - 30 < len(long) <= MAX_SUMMARY_CHARACTERS
    assert long.endswith("õhtuks.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Küsib lauda.", "malformed_reply"),
        ('{"summary": 1}', "malformed_reply"),
        ('{"summary": "a", "more": "b"}', "malformed_reply"),
        ('{"summary": " \\n\\u0000"}', "blank"),
    ],
)
def test_a_summary_that_is_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(AttemptFailed) as raised:
        read_summary(text)
    assert raised.value.error.reason == reason
    assert raised.value.retry
