"""What schemas and conditions of event rules may be, and what they make of data."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestlus.planning.conditions import LONGEST_CONDITION, compile_condition
from vestlus.planning.schemas import PayloadSchema, schema_problems
from vestlus.scheduling.event_rules import ConditionFailed

ARRIVAL = {
    "type": "object",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "maxLength": 10},
        "price": {"$ref": "#/$defs/money"},
        "parts": {"type": "array", "items": {"$ref": "#"}},
    },
    "$defs": {"money": {"type": "number", "minimum": 0}},
}


def test_without_a_schema_everything_fits() -> None:
    assert schema_problems({}) == ()
    assert PayloadSchema({}).problems({"a": [1, {"b": None}]}) == ()


def test_data_that_fit_have_no_problems() -> None:
    assert schema_problems(ARRIVAL) == ()
    fits = {"title": "Tõde", "price": 3, "parts": [{"title": "I", "parts": []}]}
    assert PayloadSchema(ARRIVAL).problems(fits) == ()


def test_each_problem_of_data_says_where_and_what() -> None:
    data = {"price": -1, "colour": "red", "parts": [{"title": 1}]}
    assert set(PayloadSchema(ARRIVAL).problems(data)) == {
        "'title' is a required property",
        "price: -1 is less than the minimum of 0",
        "parts/0/title: 1 is not of type 'string'",
        "Additional properties are not allowed ('colour' was unexpected)",
    }


def test_of_many_and_long_problems_the_first_are_told_in_short() -> None:
    schema = PayloadSchema({"additionalProperties": {"type": "number"}})
    problems = schema.problems({f"k{n}": "x" * 10_000 for n in range(50)})
    assert len(problems) == 5
    assert all(len(one) < 250 for one in problems)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, "type: 'objekt' is not valid"),
        ({"properties": {"a": {"pattern": "("}}}, "properties/a/pattern: '(' is not a 'regex'"),
        ({"properties": {"a": {"$ref": "https://x.example/y"}}}, "properties/a/$ref: leads out"),
        ({"$ref": "other.json#/x"}, "$ref: leads out"),
        ({"$ref": "file:///etc/passwd"}, "$ref: leads out"),
        ({"items": [{"$ref": "x"}]}, "items: "),
        ({"anyOf": [{}, {"$dynamicRef": "x"}]}, "anyOf/1/$dynamicRef: leads out"),
        ({"$ref": "#/$defs/none"}, "#/$defs/none: there is no such place"),
        ({"$ref": "#none"}, "#none: there is no such place"),
        ({"$ref": "#/anyOf/x", "anyOf": [{}]}, "#/anyOf/x: there is no such place"),
        ({"$id": "https://x.example/"}, "has an $id"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "another $schema"),
        ({"$ref": "#"}, "without end"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"$ref": "#"}}}, "without end"),
        ({"const": date(2026, 1, 1)}, "JSON does not know"),
        ({"maximum": float("nan")}, "JSON does not know"),
    ],
)
def test_a_schema_that_cannot_be_used_says_what_to_mend(schema: dict[str, Any], said: str) -> None:
    assert said in "; ".join(schema_problems(schema))


def test_all_problems_of_a_schema_are_told() -> None:
    assert len(schema_problems({"type": 1, "required": "a", "minLength": -1})) == 3
    assert len(schema_problems({"$ref": "x", "properties": {"a": {"$ref": "#/no"}}})) == 2


def test_data_named_like_keywords_are_no_references() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"$ref": {"type": "string"}, "$id": {"const": {"$ref": "x"}}},
        "enum": [{"$ref": "https://x.example/"}],
    }
    assert schema_problems(schema) == ()


def test_a_schema_that_goes_on_for_ever_with_certain_data_is_a_problem_of_these_data() -> None:
    schema = {"properties": {"a": {"$ref": "#/properties/a"}}}
    problems = PayloadSchema(schema).problems({"a": 1})
    assert problems == ("the schema refers to itself without end for such data",)
    assert PayloadSchema(schema).problems({"b": 1}) == ()


# Conditions.


@pytest.mark.parametrize(
    ("source", "event", "holds"),
    [
        ("", {}, True),
        ("  ", {}, True),
        ("event.price > 10", {"price": 11}, True),
        ("event.price > 10", {"price": 10}, False),
        ("event['price'] * 2 == 3", {"price": 1.5}, True),
        ("event.kind in ['book', 'map']", {"kind": "map"}, True),
        ("event.urgent is defined and event.urgent", {}, False),
        ("event.place.city | lower == 'tallinn'", {"place": {"city": "Tallinn"}}, True),
        ("event.items and not event.keys", {"items": [0], "keys": ""}, True),
        ("event.title == '{{ x }} %}'", {"title": "{{ x }} %}"}, True),
    ],
)
def test_conditions_look_at_the_event(source: str, event: dict[str, Any], *, holds: bool) -> None:
    assert compile_condition(source)(event) is holds


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("event.", "is not a Jinja2 expression"),
        ("event %}{% if 1", "is not a Jinja2 expression"),
        ("event.a) and (event.b", "is not a Jinja2 expression"),
        ("event.a b", "is not a Jinja2 expression"),
        ("event.a | nothing", "No filter named 'nothing'"),
        ("evnt.a > 1", "knows event, and not evnt"),
        ("now > account", "knows event, and not account, now"),
        ("event.a ** 9", "a power"),
        ("range(9)", "calls something"),
        ("event.a.format(1)", "calls something"),
        ("''.__class__.__mro__[1].__subclasses__()", "calls something"),
        ("(" * 990 + "1" + ")" * 990, "deep"),
        ("event.a " + " " * LONGEST_CONDITION, f"may have {LONGEST_CONDITION}"),
    ],
)
def test_what_is_no_condition_is_refused_in_words(source: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        compile_condition(source)


@pytest.mark.parametrize(
    ("source", "event", "said"),
    [
        ("event.price > 10", {}, "names the field 'price'"),
        ("event.a.b", {"a": 1}, "names the field 'b'"),
        ("event.price > 10", {"price": "much"}, "TypeError"),
        ("event.a / event.b", {"a": 1, "b": 0}, "ZeroDivisionError"),
        ("event.a * 1000000000 == 1", {"a": "x"}, "no number"),
        ("event.a.__class__", {"a": 1}, "names the field '__class__'"),
    ],
)
def test_a_condition_that_does_not_fit_the_data_fails_and_says_why(
    source: str, event: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConditionFailed) as failed:
        compile_condition(source)(event)
    assert said in str(failed.value)


@settings(max_examples=150, deadline=None)
@given(
    source=st.text(alphabet="event.ab[]()'|+*-/<=>~{}% \n#0notandlower", max_size=40),
    value=st.none()
    | st.integers()
    | st.sampled_from(["", "õ"])
    | st.lists(st.integers(), max_size=3),
)
def test_a_condition_is_refused_or_holds_or_fails(source: str, value: object) -> None:
    try:
        condition = compile_condition(source)
    except ValueError:
        return
    with suppress(ConditionFailed):
        assert condition({"a": value, "b": value}) in (True, False)
