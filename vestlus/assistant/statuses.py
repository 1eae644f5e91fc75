"""The openai package's errors for responses that are no success."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx2
import openai

#: From here on, statuses say that the server is at fault.
_SERVERS: Final = 500

#: The SDK's classes for statuses below 500; there is one for all others, and one for the rest.
_OF_STATUS: Final[Mapping[int, type[openai.APIStatusError]]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


def status_error(response: httpx2.Response) -> openai.APIStatusError:
    """The SDK's error for a response, already read, that is no success.

    As the SDK itself makes it, but for the message, which would repeat the server's.
    """
    text = response.text.strip()
    body: Any
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    if isinstance(body, dict):
        body = body.get("error", body)
    status = response.status_code
    rest = openai.InternalServerError if status >= _SERVERS else openai.APIStatusError
    kind = _OF_STATUS.get(status, rest)
    return kind(f"Error code: {status}", response=response, body=body)
