"""The pretend model fits its answer to any schema of structured output."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from vestlus.simulator.jsontypes import Json, JsonObject
from vestlus.simulator.schema_instance import Filling, make_instance

FILLING = Filling(text="Avatud E–R 9–17 #u1-1", language="et", handover=False)


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    type: Literal["image"]
    image_id: str
    caption: str | None


class Reply(BaseModel):
    language: str | None
    handover: bool
    reason: str | None
    parts: list[ImagePart | TextPart]


class Wide(BaseModel):
    mood: Literal["calm", "cross"]
    language: Literal["en", "et"]
    confidence: Annotated[float, Field(ge=0.5, le=1)]
    count: Annotated[int, Field(gt=2)]
    sources: list[str]
    tags: Annotated[list[str], Field(min_length=2)]
    message: Annotated[str, Field(max_length=10)]
    needs_handover: bool
    nested: Reply | None


class Tree(BaseModel):
    children: list["Tree"]
    text: str


def test_the_text_goes_into_the_text_part_and_the_rest_stays_neutral() -> None:
    value = make_instance(Reply.model_json_schema(), FILLING)
    reply = Reply.model_validate(value)
    assert reply.parts == [TextPart(type="text", text=FILLING.text)]
    assert (reply.language, reply.handover, reply.reason) == ("et", False, None)


def test_limits_enums_and_names_are_honoured() -> None:
    wide = Wide.model_validate(make_instance(Wide.model_json_schema(), FILLING))
    assert wide.mood == "calm"
    assert wide.language == "et"
    assert wide.message == FILLING.text[:10]
    assert wide.sources == []
    assert len(wide.tags) == 2
    assert wide.nested is None


def test_a_handover_is_asked_for_only_when_the_user_wants_a_person() -> None:
    schema = Wide.model_json_schema()
    asked = Filling(text="", language="et", handover=True)
    assert Wide.model_validate(make_instance(schema, asked)).needs_handover
    assert not Wide.model_validate(make_instance(schema, FILLING)).needs_handover


class PicturePart(BaseModel):
    type: Literal["picture"]
    picture: str


class Answer(BaseModel):
    parts: list[TextPart | PicturePart]
    language: str
    handover: bool
    note: str


def test_a_picture_follows_the_text_where_a_part_can_be_one() -> None:
    shown = Filling(text="Siin on pilt.", language="et", handover=False, picture="hall")
    reply = Answer.model_validate(make_instance(Answer.model_json_schema(), shown))
    assert reply.parts == [
        TextPart(type="text", text="Siin on pilt."),
        PicturePart(type="picture", picture="hall"),
    ]
    assert (reply.language, reply.handover, reply.note) == ("et", False, "")
    plain = make_instance(Reply.model_json_schema(), FILLING)
    assert len(Reply.model_validate(plain).parts) == 1


def test_a_picture_is_left_out_where_its_id_is_not_allowed() -> None:
    choices: JsonObject = {"type": "string", "enum": ["door", "hall"]}
    picture: JsonObject = {"type": "object", "properties": {"picture": choices}}
    picture["required"] = ["picture"]
    text: JsonObject = {"type": "object", "properties": {"text": {"type": "string"}}}
    schema: JsonObject = {"type": "array", "items": {"anyOf": [text, picture]}}
    for wanted, expected in (
        ("hall", [{"text": "x"}, {"picture": "hall"}]),
        ("cat", [{"text": "x"}]),
    ):
        filling = Filling(text="x", language="et", handover=False, picture=wanted)
        assert make_instance(schema, filling) == expected


def test_a_note_is_written_for_the_colleague_who_takes_over() -> None:
    asked = Filling(text="Annan üle.", language="et", handover=True, note="Wants a person")
    reply = Answer.model_validate(make_instance(Answer.model_json_schema(), asked))
    assert (reply.handover, reply.note) == (True, "Wants a person")
    assert Reply.model_validate(make_instance(Reply.model_json_schema(), asked)).reason == (
        "Wants a person"
    )


def test_a_summary_is_not_an_answer() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"summary": {"type": "string"}},
        "required": ["summary"],
    }
    filling = Filling(text="an answer", language="et", handover=False, summary="what was said")
    assert make_instance(schema, filling) == {"summary": "what was said"}


def test_a_schema_that_contains_itself_ends() -> None:
    tree = Tree.model_validate(make_instance(Tree.model_json_schema(), FILLING))
    assert tree == Tree(children=[], text=FILLING.text)


def test_a_reference_that_leads_nowhere_gives_nothing() -> None:
    assert make_instance({"$ref": "#/nowhere"}, FILLING) is None


def strings() -> st.SearchStrategy[JsonObject]:
    return st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 5),
        st.integers(0, 50),
    )


def schemas() -> st.SearchStrategy[JsonObject]:
    leaves = st.one_of(
        strings(),
        st.just({"type": "boolean"}),
        st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-5, 5)),
        st.builds(lambda top: {"type": "number", "maximum": top}, st.integers(-5, 5)),
        st.just({"type": ["string", "null"]}),
        st.builds(lambda word: {"type": "string", "const": word}, st.text(max_size=3)),
        st.builds(lambda words: {"enum": words}, st.lists(st.text(max_size=3), min_size=1)),
    )
    return st.recursive(leaves, _wrap, max_leaves=12)


def _wrap(inner: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[JsonObject]:
    names = st.sampled_from(["text", "language", "handover", "parts", "items", "a", "b"])
    return st.one_of(
        st.builds(
            lambda of: {"type": "object", "properties": of, "required": list(of)},
            st.dictionaries(names, inner, min_size=1, max_size=4),
        ),
        st.builds(
            lambda item, least: {"type": "array", "items": item, "minItems": least},
            inner,
            st.integers(0, 2),
        ),
        st.builds(lambda of: {"anyOf": of}, st.lists(inner, min_size=1, max_size=3)),
    )


def fits(value: Json, schema: Json) -> bool:  # noqa: PLR0911 - a return for each type
    """Judge a value against the part of JSON Schema used here, written independently."""
    assert isinstance(schema, dict)
    variants = schema.get("anyOf")
    if isinstance(variants, list):
        return any(fits(value, variant) for variant in variants)
    if "const" in schema:
        return value == schema["const"]
    if isinstance(schema.get("enum"), list):
        return value in schema["enum"]  # type: ignore[operator]
    match schema.get("type"):
        case "object":
            properties = schema["properties"]
            assert isinstance(properties, dict)
            return isinstance(value, dict) and all(
                name in value and fits(value[name], child) for name, child in properties.items()
            )
        case "array":
            least = schema["minItems"]
            assert isinstance(least, int)
            return (
                isinstance(value, list)
                and len(value) >= least
                and all(fits(item, schema["items"]) for item in value)
            )
        case "string":
            least, most = schema["minLength"], schema["maxLength"]
            assert isinstance(least, int)
            assert isinstance(most, int)
            return isinstance(value, str) and least <= len(value) <= most
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            low = schema["minimum"]
            return isinstance(value, int) and isinstance(low, int) and value >= low
        case "number":
            top = schema["maximum"]
            return isinstance(value, int | float) and isinstance(top, int) and value <= top
    return value is None or isinstance(value, str)


@given(schemas())
def test_every_instance_fits_its_schema(schema: JsonObject) -> None:
    assert fits(make_instance(schema, FILLING), schema)


@pytest.mark.parametrize("kind", ["anyOf", "oneOf"])
def test_the_text_variant_is_chosen_wherever_it_stands(kind: str) -> None:
    picture: JsonObject = {
        "type": "object",
        "properties": {"type": {"const": "image"}, "id": {"type": "string", "format": "uuid"}},
        "required": ["type", "id"],
    }
    text: JsonObject = {
        "type": "object",
        "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
        "required": ["type", "text"],
    }
    for order in ([picture, text], [text, picture]):
        variants: list[Json] = [*order]
        schema: JsonObject = {"type": "array", "items": {kind: variants}}
        assert make_instance(schema, FILLING) == [{"type": "text", "text": FILLING.text}]
