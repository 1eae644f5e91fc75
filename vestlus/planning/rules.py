"""The times by which the scheduler's service works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlannerRules:
    """Seconds and numbers; tests have smaller ones."""

    #: It looks at least so often: a bell may be lost.
    longest_seconds: float = 30.0
    #: Between looks while what is due is at work already, or waits for a place in a pool.
    busy_seconds: float = 1.0
    #: Drafts made at a time: of schedules, and of events.
    drafts: int = 4
    event_drafts: int = 4
    #: Occurrences checked and handed over at a time.
    settles: int = 8
    #: One draft may take so long. Longer than the model's own limits, retries included.
    draft_seconds: float = 240.0
    #: The wait after a draft that could not be made; it doubles with each failure, up to a limit.
    retry_seconds: float = 15.0
    longest_retry_seconds: float = 300.0
    #: Schedules claimed in one look.
    page: int = 100
    #: A schedule that cannot be read, or claimed, is tried again after so long.
    unreadable_seconds: float = 600.0

    def retry_ms(self, failures: int) -> int:
        """The wait after so many drafts in a row that could not be made, from 1."""
        doubled = self.retry_seconds * 2.0 ** min(failures - 1, 30)
        return round(min(doubled, self.longest_retry_seconds) * 1000)
