"""Event rules' JSON Schemas (Draft 2020-12), looked at when they are read, and data against them.

A schema is whole in itself: nothing is fetched, and a ``$ref`` leads to a place in the same schema.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCES: Final = ("$ref", "$dynamicRef")

#: Keywords whose values are data and not schemas.
_DATA: Final = frozenset({"const", "enum", "default", "examples"})

#: Problems that are told of one event, and characters of each: they may repeat what was sent.
_MOST_PROBLEMS: Final = 5
_LONGEST_PROBLEM: Final = 200

#: A registry that knows nothing else and fetches nothing.
_ALONE: Final[Registry[Any]] = Registry()

#: The schema of schemas; regular expressions in them are compiled.
_OF_SCHEMAS: Final = Draft202012Validator(
    Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER
)

#: A value of each kind, to find schemas that refer to themselves without end.
_SAMPLES: Final[tuple[Any, ...]] = (None, True, 0, "", [], {})


class PayloadSchema:
    """What an event's data must be like. Without keywords everything fits."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._validator = Draft202012Validator(dict(schema), registry=_ALONE)

    def problems(self, payload: Mapping[str, Any]) -> tuple[str, ...]:
        """What does not fit, a line each; of many the first."""
        try:
            found = itertools.islice(self._validator.iter_errors(payload), _MOST_PROBLEMS)
            return tuple(_told(error) for error in found)
        except RecursionError:
            return ("the schema refers to itself without end for such data",)


def schema_problems(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything that is wrong with a schema itself, a line each, saying where."""
    try:
        json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return ("has values that JSON does not know, such as dates: put them into quotes",)
    problems = [
        f"{_where(error.absolute_path)}{_short(error.message)}"
        for error in _OF_SCHEMAS.iter_errors(schema)
    ]
    if problems:
        return tuple(dict.fromkeys(problems))
    problems = [*_foreign(schema, ()), *_dangling(schema)]
    if not problems and _is_endless(schema):
        problems.append("refers to itself without end")
    return tuple(problems)


def _foreign(value: object, path: tuple[str | int, ...]) -> Iterator[str]:
    """References that lead out of the schema, and what would change where they lead."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _foreign(one, (*path, place))
        return
    if not isinstance(value, dict):
        return
    for key, one in value.items():
        if isinstance(one, str) and key in _REFERENCES:
            if not one.startswith("#"):
                yield f"{_where((*path, key))}leads out of the schema; it must begin with #"
        elif isinstance(one, str) and key == "$id":
            yield f"{_where(path)}has an $id: a schema of a rule has no address"
        elif isinstance(one, str) and key == "$schema" and one.rstrip("#") != _DIALECT:
            yield f"{_where(path)}names another $schema than {_DIALECT}"
        elif key not in _DATA:
            yield from _foreign(one, (*path, key))


def _dangling(schema: Mapping[str, Any]) -> Iterator[str]:
    """References that lead to no place of the schema."""
    resolver = _ALONE.with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for reference in dict.fromkeys(_references(schema)):
        try:
            resolver.lookup(reference)
        except (Unresolvable, ValueError):  # the latter for a word where a list wants a number
            yield f"{_short(reference)}: there is no such place in the schema"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, str) and key in _REFERENCES and one.startswith("#"):
                yield one
            elif key not in _DATA:
                yield from _references(one)


def _is_endless(schema: Mapping[str, Any]) -> bool:
    validator = Draft202012Validator(dict(schema), registry=_ALONE)
    try:
        for sample in _SAMPLES:
            for _ in validator.iter_errors(sample):
                pass
    except RecursionError:
        return True
    return False


def _told(error: ValidationError) -> str:
    return f"{_where(error.absolute_path)}{_short(error.message)}"


def _where(path: Any) -> str:  # noqa: ANN401 - any iterable of steps
    steps = "/".join(str(step) for step in path)
    return f"{steps}: " if steps else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_PROBLEM else f"{text[: _LONGEST_PROBLEM - 1]}…"
