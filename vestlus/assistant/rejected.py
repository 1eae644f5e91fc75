"""Which field of a request a server complains about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import openai


def rejected_fields(error: openai.APIStatusError, optional: frozenset[str]) -> Iterator[str]:
    """The optional fields that a 400 or 422 complains about, in the shapes servers use.

    Only the field's name in ``param`` or in a ``loc``, or named in the message as an argument, and
    never what stands under ``input``: there some servers repeat what the user wrote.
    """
    body: Any = error.body
    details = body.get("detail") if isinstance(body, dict) else None
    places: set[object] = {error.param}
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and isinstance(one.get("loc"), list):
            places.update(step for step in one["loc"] if isinstance(step, str))
    message = body.get("message") if isinstance(body, dict) else None
    for name in sorted(optional):
        named = re.search(
            rf"(?:(?:parameter|property|argument|field|name|supplied)\b:?\s*)['\"`]?{name}\b",
            message if isinstance(message, str) else "",
            re.IGNORECASE,
        )
        if name in places or named:
            yield name
