"""What pydantic finds wrong with settings, in plain words. The value is left out, which may be
a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

#: By pydantic's types of errors. ``{table}`` is what the setting is one of.
_WORDINGS: Final[Mapping[str, str]] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "enum": "must be one of {expected}",
    "extra_forbidden": "is not a setting of {table}",
    "finite_number": "must be a number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be one of {expected}",
    "missing": "is missing",
    "model_type": "must be a table",
    "path_type": "must be text in quotes",
    "string_type": "must be text in quotes",
    "string_unicode": "has characters that are none",
    "tuple_type": "must be a list",
    "value_error": "{error}",
}
_OTHER_WORDING: Final = "has a value that cannot be used"

#: Steps of places that pydantic adds and nobody wrote.
_ADDED_STEPS: Final = frozenset({"[key]"})


def place(error: ErrorDetails) -> tuple[str, ...]:
    """Where the problem is, as the user wrote it: table, number, key."""
    return tuple(str(step) for step in error["loc"] if step not in _ADDED_STEPS)


def wording(error: ErrorDetails, table: str) -> str:
    """What is wrong there. ``table`` is what it is a setting of, such as ``an account``."""
    told = {"table": table, **error.get("ctx", {})}
    return _WORDINGS.get(error["type"], _OTHER_WORDING).format(**told)
