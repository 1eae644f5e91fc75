"""All operations of ``/api/v1`` that are declared as such."""

from __future__ import annotations

from typing import Final

from vestlus.console import api_events, api_images, api_posts, api_schedules
from vestlus.console.operations import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    # Before those of posts, one of whose paths begins with a name of these.
    *api_schedules.OPERATIONS,
    *api_posts.OPERATIONS,
    *api_images.OPERATIONS,
    *api_events.OPERATIONS,
)
