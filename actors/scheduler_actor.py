"""The SchedulerActor: plans posts by schedules and events, while it holds the right to."""

from __future__ import annotations

from typing import Any

import ray

from actors.shell import Shell
from vestlus.settings import Settings


@ray.remote
class SchedulerActor:
    """A Ray actor that claims what is due, has drafts made and hands posts over.

    Owns nothing that the store does not have. One leads at a time, by the lease ``scheduler``;
    another cluster's waits, asleep.
    """

    def __init__(self, settings: Settings, member_id: str) -> None:
        # Here: whoever starts this actor need not load what only the actor uses.
        from actors.planning import serve_planning  # noqa: PLC0415

        self._shell = Shell(
            member_id,
            lambda controls: serve_planning(settings, member_id, controls),
            settings.log_level,
            readable=settings.readable_logs,
        )

    def describe(self, timeout: float = 3.0) -> dict[str, Any]:
        """What it has and did. Raises TimeoutError when its loop is stuck."""
        return self._shell.describe(timeout)

    def drain(self, deadline_seconds: float) -> None:
        """Ends what it is handing over within the deadline, gives its right back, and closes."""
        self._shell.drain(deadline_seconds)
