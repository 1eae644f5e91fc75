"""Which field of a request a server complains about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import openai

#: The first thing in quotes, straight after a word for what it is. An apostrophe in a word quotes
#: nothing.
_QUOTED: Final = re.compile(
    r"""(?:[^'"`]|(?<=\w)'(?=\w)){0,200}?\b(?:parameter|property|argument|field|name)s?:?\s*"""
    r"""(?P<quote>['"`])(?P<name>\w{1,40})(?P=quote)""",
    re.IGNORECASE,
)
#: OpenAI's older wording has no quotes, and nothing else either.
_SUPPLIED: Final = re.compile(
    r"unrecognized request arguments? supplied: (?P<name>\w{1,40})\.?", re.IGNORECASE
)


def rejected_fields(error: openai.APIStatusError, optional: frozenset[str]) -> Iterator[str]:
    """The optional fields that a 400 or 422 complains about, in the shapes servers use.

    Only the field's name in ``param`` or in a ``loc``, or quoted in the message as the first thing
    that it quotes, and never what stands under ``input``: there, and further on in messages, some
    servers repeat what the user wrote.
    """
    body: Any = error.body
    details = body.get("detail") if isinstance(body, dict) else None
    places: set[object] = {error.param}
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and isinstance(one.get("loc"), list):
            places.update(step for step in one["loc"] if isinstance(step, str))
    message = body.get("message") if isinstance(body, dict) else None
    if isinstance(message, str):
        found = _QUOTED.match(message) or _SUPPLIED.fullmatch(message)
        places.add(found["name"] if found else None)
    yield from sorted(name for name in optional if name in places)
