"""How much of Meta's limits is used, as its response headers tell.

Meta, "Graph API rate limiting": ``X-App-Usage`` is one object of percentages,
``X-Business-Use-Case-Usage`` names one or several use cases for each business object, with the
time until access is regained, in **minutes**.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

APP_HEADER: Final = "X-App-Usage"
BUSINESS_HEADER: Final = "X-Business-Use-Case-Usage"

#: Longer headers are not read; Meta's have under 1 kB.
_MAX_HEADER_CHARS: Final = 16_384

#: A percentage or a number of minutes above this says no more than this.
_LARGEST: Final = 1e6


@dataclass(frozen=True, slots=True)
class Load:
    """Percentages of the limits on calls, CPU time and total time. Above 100 is throttled."""

    #: The use case, like ``instagram`` or ``messenger``; empty for the app as a whole.
    kind: str = ""
    #: The business object's id; empty for the app as a whole.
    id: str = ""
    calls: float = 0.0
    cpu: float = 0.0
    time: float = 0.0
    #: Minutes until access is regained; 0 while it is not lost.
    regain_minutes: float = 0.0

    @property
    def percent(self) -> float:
        """The fullest of the three."""
        return max(self.calls, self.cpu, self.time)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one response told: the app's load, if it did, and each use case's."""

    loads: tuple[Load, ...] = ()

    @property
    def percent(self) -> float:
        """The fullest of all limits named, 0 when none was."""
        return max((load.percent for load in self.loads), default=0.0)

    @property
    def regain_seconds(self) -> float:
        """Seconds until access to everything named is regained; 0 while nothing is lost."""
        return max((load.regain_minutes for load in self.loads), default=0.0) * 60


def parse_usage(headers: Mapping[str, str]) -> Usage:
    """Reads both headers. What is missing or malformed is left out: usage is advice, no answer.

    ``headers`` must find names in any case, as HTTP libraries' mappings do.
    """
    return _parsed(headers.get(APP_HEADER), headers.get(BUSINESS_HEADER))


@lru_cache(maxsize=1024)
def _parsed(app_header: str | None, business_header: str | None) -> Usage:
    """Percentages are whole numbers that change seldom: most answers say what others said."""
    loads: list[Load] = []
    app = _load(app_header)
    if isinstance(app, dict):
        loads.append(_read(app, ""))
    businesses = _load(business_header)
    if isinstance(businesses, dict):
        for business, cases in businesses.items():
            listed = cases if isinstance(cases, list) else [cases]
            loads += [_read(case, str(business)) for case in listed if isinstance(case, dict)]
    return Usage(tuple(loads))


def _load(header: str | None) -> object:
    if not header or len(header) > _MAX_HEADER_CHARS:
        return None
    try:
        value: object = json.loads(header)
    except (ValueError, RecursionError):
        return None
    return value


def _read(case: dict[str, object], business: str) -> Load:
    kind = case.get("type")
    return Load(
        kind=kind if isinstance(kind, str) else "",
        id=business,
        calls=_number(case.get("call_count")),
        cpu=_number(case.get("total_cputime")),
        time=_number(case.get("total_time")),
        regain_minutes=_number(case.get("estimated_time_to_regain_access")),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return min(number, _LARGEST) if math.isfinite(number) and number > 0 else 0.0
