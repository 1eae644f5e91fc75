"""How long the secrets are at least that operators make up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Characters of VESTLUS_ENCRYPTION_KEY: 32 letters and digits at random have 190 bits.
SHORTEST_KEY: Final = 32

#: Characters of a secret that is sent to us, such as VESTLUS_OPERATOR_TOKEN: 16 at random have over
#: 90 bits and are out of reach of guesses over the network, which are limited besides.
SHORTEST_TOKEN: Final = 16

_MAKE_ONE: Final = "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'` makes one"


def short_key(values: Mapping[str, Any]) -> list[str]:
    """A line where VESTLUS_ENCRYPTION_KEY is set and too short."""
    if not _is_short(values.get("encryption_key"), SHORTEST_KEY):
        return []
    return [f"VESTLUS_ENCRYPTION_KEY: needs at least {SHORTEST_KEY} characters"]


def short_operator_token(values: Mapping[str, Any]) -> list[str]:
    """A line where VESTLUS_OPERATOR_TOKEN is set and too short."""
    if not _is_short(values.get("operator_token"), SHORTEST_TOKEN):
        return []
    needs = f"VESTLUS_OPERATOR_TOKEN: needs at least {SHORTEST_TOKEN} characters"
    return [f"{needs}: {_MAKE_ONE}"]


def _is_short(value: object, shortest: int) -> bool:
    # What is blank has a line of its own.
    return isinstance(value, str) and bool(value.strip()) and len(value) < shortest
