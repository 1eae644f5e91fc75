"""The PublisherActor: sends for the accounts of the outbox partitions it is assigned."""

from __future__ import annotations

from typing import Any

import ray

from actors.shell import Shell
from vestlus.settings import Settings


@ray.remote
class PublisherActor:
    """A Ray actor that sends what the ledger says is due, within Meta's limits.

    Owns nothing that the store does not have. What it was sending when it was killed is looked
    for at Instagram by its next incarnation before anything is sent again.
    """

    def __init__(self, settings: Settings, member_id: str) -> None:
        # Here: whoever starts this actor need not load what only the actor uses.
        from actors.publishing import serve_publishing  # noqa: PLC0415

        self._shell = Shell(
            member_id,
            lambda controls: serve_publishing(settings, member_id, controls),
            settings.log_level,
            readable=settings.readable_logs,
        )

    def describe(self, timeout: float = 3.0) -> dict[str, Any]:
        """What it has and did. Raises TimeoutError when its loop is stuck."""
        return self._shell.describe(timeout)

    def drain(self, deadline_seconds: float) -> None:
        """Ends sends under way within the deadline, hands its partitions over, and closes."""
        self._shell.drain(deadline_seconds)
