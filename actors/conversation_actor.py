"""The ConversationActor: hosts the conversations of the partitions it is assigned."""

from __future__ import annotations

from typing import Any

import ray

from actors.shell import Shell
from vestlus.settings import Settings


@ray.remote
class ConversationActor:
    """A Ray actor that hosts many conversations.

    Owns nothing that the store does not have: killed at any moment, its next incarnation goes on
    where it was. It consumes its partitions' queues itself; Ray calls are for control only.
    """

    def __init__(self, settings: Settings, member_id: str) -> None:
        # Here: whoever starts this actor need not load what only the actor uses.
        from actors.conversing import serve_conversations  # noqa: PLC0415

        self._shell = Shell(
            member_id,
            lambda controls: serve_conversations(settings, member_id, controls),
            settings.log_level,
            readable=settings.readable_logs,
        )

    def describe(self, timeout: float = 3.0) -> dict[str, Any]:
        """What it has and did. Raises TimeoutError when its loop is stuck."""
        return self._shell.describe(timeout)

    def drain(self, deadline_seconds: float) -> None:
        """Ends turns under way within the deadline, hands its partitions over, and closes."""
        self._shell.drain(deadline_seconds)
