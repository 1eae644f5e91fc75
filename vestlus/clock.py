"""Time, handed in wherever it is needed."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Gives milliseconds since 1970, UTC.
Clock = Callable[[], int]


def system_clock() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000
