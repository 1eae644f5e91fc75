"""What the store keeps of money spent on models."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from vestlus.store.usage_rows import UsageRow


class ModelUsage(Protocol):
    """Sums of tokens and money by day, shared by all processes. Days are ``2026-03-14``.

    All of it raises StoreUnavailable.
    """

    async def add_usage(self, rows: Sequence[UsageRow]) -> None:
        """Adds to the sums. After StoreUnavailable they may have been added all the same."""
        ...

    async def usage(
        self, since_day: str, accounts: Collection[str] | None = None
    ) -> tuple[UsageRow, ...]:
        """The sums of that day and later ones, of these accounts or of all, by account and day."""
        ...

    async def budget_told(self, account: str, day: str, percent: int) -> bool:
        """Notes that people are told that so much of the day's budget is used up; whether it is
        news. Of several processes that say so, one hears that it is.
        """
        ...

    async def forget_usage(self, before_day: str) -> int:
        """Takes away the sums of earlier days; how many there were."""
        ...
