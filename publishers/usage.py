"""How near an account is to Meta's limits of the hour and the day. Pure.

Meta, "Graph API rate limiting": headers tell of the app as a whole and of each use case of each
business object, and each answer only of some of them, or of none.
"""

from __future__ import annotations

import math

from vestlus.instagram.usage import Load, Usage
from vestlus.instagram.usage_told import REMEMBERED_SECONDS

#: Below this much usage of a limit of Meta's, in percent, nothing is slowed down. Its headers tell
#: of limits that are counted by the hour or the day: a fifth of one is time enough to slow down.
USAGE_UNNOTICED = 80.0

#: The part of the rate that is left right before 100 %: the headers, by which the account is to
#: notice that it may go faster again, come with answers only.
SLOWEST_FACTOR = 0.02

#: How long to stop at 100 % where Meta states no time, seconds.
REGAIN_SECONDS = 60.0


def usage_factor(percent: float) -> float:
    """The part of the own rate to use when that much of Meta's limit is used up.

    In proportion to what is left of it: an account that is alone with its limit comes ever nearer
    and never there.
    """
    left = (100.0 - percent) / (100.0 - USAGE_UNNOTICED)
    return min(1.0, max(SLOWEST_FACTOR, left))


class KnownUsage:
    """What was told last of each of the limits of one account.

    An answer says nothing of a limit that it does not name: that one stays as it was told, for
    an hour. ``now`` is monotonic, in seconds.
    """

    def __init__(self) -> None:
        #: By business object and use case, those that are noticed: the percentage, and when it
        #: was told, oldest first.
        self._told: dict[tuple[str, str], tuple[float, float]] = {}
        self._factor = 1.0
        #: When the oldest of them is forgotten.
        self._holds_until = math.inf

    def note(self, usage: Usage, now: float) -> float:
        """Takes in what an answer told; returns for how many seconds to stop, 0 to go on."""
        stop = 0.0
        for load in usage.loads:
            key = (load.id, load.kind)
            self._told.pop(key, None)
            if _is_lost(load):
                # Of what comes after the pause, the first answer's headers tell.
                stop = max(stop, load.regain_minutes * 60 or REGAIN_SECONDS)
            elif load.percent > USAGE_UNNOTICED:
                self._told[key] = (load.percent, now)
        self._reckon(now)
        return stop

    def factor(self, now: float) -> float:
        """The part of the own rate to use, by the fullest limit: above 0, at most 1."""
        if now >= self._holds_until:
            self._reckon(now)
        return self._factor

    def _reckon(self, now: float) -> None:
        for key, (_, told) in tuple(self._told.items()):
            if now - told >= REMEMBERED_SECONDS:
                del self._told[key]
        fullest = max((percent for percent, _ in self._told.values()), default=0.0)
        oldest = min((told for _, told in self._told.values()), default=math.inf)
        self._factor = usage_factor(fullest)
        self._holds_until = oldest + REMEMBERED_SECONDS


def _is_lost(load: Load) -> bool:
    return load.regain_minutes > 0 or load.percent >= 100.0  # noqa: PLR2004 - percent
