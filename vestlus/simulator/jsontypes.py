"""JSON as a type, and readers that turn a wrong shape into one error."""

import json
from typing import TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]

# Of a number that is read: far above a time in milliseconds, and exact as a float.
LARGEST = 1e15


class BadInputError(ValueError):
    """A request that does not say what it should; its text may be shown to the caller."""


def parse_object(raw: bytes | str) -> JsonObject:
    """Read a JSON object.

    Raises:
        BadInputError: If it is not JSON, or not an object.

    """
    try:
        value: Json = json.loads(raw)
    except (ValueError, RecursionError) as error:
        message = "the body is not JSON"
        raise BadInputError(message) from error
    return as_object(value, "the body")


def as_object(value: Json, name: str) -> JsonObject:
    """Return `value` if it is an object, else raise `BadInputError`."""
    if isinstance(value, dict):
        return value
    message = f"{name} must be an object"
    raise BadInputError(message)


def as_list(value: Json, name: str) -> list[Json]:
    """Return `value` if it is a list, else raise `BadInputError`."""
    if isinstance(value, list):
        return value
    message = f"{name} must be a list"
    raise BadInputError(message)


def get_text(body: JsonObject, name: str, default: str | None = None) -> str | None:
    """Read an optional string, or raise `BadInputError`."""
    value = body.get(name, default)
    if value is None or isinstance(value, str):
        return value
    message = f"{name} must be a string"
    raise BadInputError(message)


def get_choice(body: JsonObject, name: str, default: str, choices: tuple[str, ...]) -> str:
    """Read one of some words, or raise `BadInputError`."""
    value = get_text(body, name, default)
    if value in choices:
        return value
    message = f"{name} must be one of {', '.join(choices)}"
    raise BadInputError(message)


def get_number(body: JsonObject, name: str, default: float, *, least: float = 0.0) -> float:
    """Read a finite number that is at least `least`, or raise `BadInputError`."""
    value = body.get(name, default)
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= LARGEST:
        return float(value)
    message = f"{name} must be a number of at least {least:g}"
    raise BadInputError(message)


def get_flag(body: JsonObject, name: str, *, default: bool) -> bool:
    """Read a boolean, or raise `BadInputError`."""
    value = body.get(name, default)
    if isinstance(value, bool):
        return value
    message = f"{name} must be true or false"
    raise BadInputError(message)


def get_range(body: JsonObject, name: str, default: tuple[float, float]) -> tuple[float, float]:
    """Read seconds as one number or as `[least, most]`, or raise `BadInputError`."""
    value = body.get(name, list(default))
    pair: list[Json] = value if isinstance(value, list) else [value, value]
    message = f"{name} must be a number or two numbers in order"
    if len(pair) != 2:  # noqa: PLR2004  (a pair)
        raise BadInputError(message)
    least = get_number({name: pair[0]}, name, 0.0)
    most = get_number({name: pair[1]}, name, 0.0)
    if most < least:
        raise BadInputError(message)
    return least, most


def mentions(value: Json, wanted: str) -> bool:
    """Tell whether a string anywhere in the value contains the wanted text."""
    if isinstance(value, str):
        return wanted in value
    if isinstance(value, dict):
        return any(mentions(each, wanted) for each in value.values())
    if isinstance(value, list):
        return any(mentions(each, wanted) for each in value)
    return not wanted
