"""How often Python looks for reference cycles: seldom, in a process with many living objects."""

from __future__ import annotations

import gc
from typing import Final

#: Containers made and not freed before the young ones are looked at, and the youngest looks in
#: each of an older generation. Python's 700 are reached with every other message here, and a look
#: goes through all that live: turns under way, connections, what conversations remember. Nearly
#: everything here is freed by counting references; what is left over, mostly errors with their
#: tracebacks, has some megabytes by then.
THRESHOLDS: Final = (20_000, 20, 20)


def collect_seldom() -> None:
    """Exempts what there is by now, and looks for cycles in the rest at long intervals.

    To be called once all is imported and opened. Safe to call twice.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
