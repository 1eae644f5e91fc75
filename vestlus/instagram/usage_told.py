"""What is told of an account's usage of Meta's limits, and the measure of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from vestlus.instagram.usage import Usage
from vestlus.measuring.catalogue import GRAPH_USAGE, of

#: Of a limit of which nothing was told for so long nothing is known any more, seconds. Most are
#: of the hour (Meta, "Graph API rate limiting").
REMEMBERED_SECONDS: Final = 3600.0


class UsageTold:
    """Passes on what answers tell, and measures the fullest of each account's limits.

    An answer tells of some limits, or of none: the others stay as they were told last, for an
    hour. The measure is renewed with the next answer.
    """

    def __init__(
        self,
        on_usage: Callable[[str, Usage], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_usage = on_usage
        self._monotonic = monotonic
        #: By account, then by business object and use case: the percentage, and when.
        self._told: dict[str, dict[tuple[str, str], tuple[float, float]]] = {}

    def note(self, account: str, usage: Usage) -> None:
        """Takes in what one answer told."""
        if not usage.loads:
            return
        now = self._monotonic()
        told = self._told.setdefault(account, {})
        told.update({(one.id, one.kind): (one.percent, now) for one in usage.loads})
        for key in [key for key, (_, at) in told.items() if now - at >= REMEMBERED_SECONDS]:
            del told[key]
        fullest = max(percent for percent, _ in told.values())
        of(GRAPH_USAGE, account).set(fullest / 100)
        self._on_usage(account, usage)
