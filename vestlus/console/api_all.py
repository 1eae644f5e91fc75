"""All operations of ``/api/v1`` that are declared as such."""

from __future__ import annotations

from typing import Final

from vestlus.console import api_conversations
from vestlus.console.operations import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (*api_conversations.OPERATIONS,)
