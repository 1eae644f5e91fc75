"""Meta's handshake, with which a webhook is subscribed (Meta, "Webhooks: setup")."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from starlette.types import Scope

from vestlus.instagram.asgi import HttpRefusal

#: Meta's challenges are short numbers.
_MAX_CHALLENGE_CHARS: Final = 256


def challenge(scope: Scope, verify_token: bytes) -> bytes:
    """The challenge of a handshake whose token is ours. Raises HttpRefusal with 403."""
    try:
        raw: bytes = scope["query_string"]
        query = parse_qs(raw.decode("latin-1"), max_num_fields=16)
    except ValueError:
        raise HttpRefusal(HTTPStatus.FORBIDDEN, "handshake_refused") from None
    # A name given twice has two meanings, and so none.
    given = {name: values[0] for name, values in query.items() if len(values) == 1}
    token = given.get("hub.verify_token", "").encode()
    challenged = given.get("hub.challenge", "")
    # An empty token of ours means that nobody may subscribe.
    ours = hmac.compare_digest(token, verify_token) and bool(verify_token)
    fits = given.get("hub.mode") == "subscribe" and 0 < len(challenged) <= _MAX_CHALLENGE_CHARS
    if not (ours and fits):
        raise HttpRefusal(HTTPStatus.FORBIDDEN, "handshake_refused")
    return challenged.encode()
