"""All operations of ``/api/v1``, and the description of them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from vestlus.console import (
    api_audit,
    api_conversations,
    api_dead_letters,
    api_events,
    api_images,
    api_overview,
    api_posts,
    api_schedules,
    api_settings,
    api_user_data,
)
from vestlus.console.api import answer
from vestlus.console.openapi import description
from vestlus.console.operations import Call, Operation

_OF_SUBJECTS: Final[tuple[Operation, ...]] = (
    *api_overview.OPERATIONS,
    *api_conversations.OPERATIONS,
    *api_schedules.OPERATIONS,
    *api_posts.OPERATIONS,
    *api_images.OPERATIONS,
    *api_events.OPERATIONS,
    *api_dead_letters.OPERATIONS,
    *api_user_data.OPERATIONS,
    *api_settings.OPERATIONS,
    *api_audit.OPERATIONS,
)


@cache
def described() -> dict[str, Any]:
    """The API as OpenAPI 3.1."""
    return description(_OF_SUBJECTS, version("vestlus"))


async def _describe(_: Call) -> object:
    return answer(described())


OPERATIONS: Final[tuple[Operation, ...]] = (
    *_OF_SUBJECTS,
    Operation(
        "GET",
        "/openapi.json",
        "describe",
        "This description",
        _describe,
        bytes,
    ),
)
