"""What drawings of figures over time share, wherever they are shown."""

from __future__ import annotations

import math


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 4, 5, 8 and 10 times a power of ten; 1 for next to nothing."""
    if value < 1e-9:  # noqa: PLR2004 - nothing that one could see
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (1, 2, 4, 5, 8) if value <= step * power), 10 * power)
