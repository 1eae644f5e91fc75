"""All operations of ``/api/v1`` that are declared as such."""

from __future__ import annotations

from typing import Final

from vestlus.console import api_audit, api_dead_letters, api_settings
from vestlus.console.operations import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *api_dead_letters.OPERATIONS,
    *api_settings.OPERATIONS,
    *api_audit.OPERATIONS,
)
