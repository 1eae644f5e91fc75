"""What a provider says of its rate limits in the headers of its answers.

OpenAI, "Rate limits", "Rate limits in headers": ``x-ratelimit-limit-requests``, ``-remaining-``,
``-reset-``, and the same for ``tokens``; resets as ``1s``, ``6m0s``, ``120ms``. Azure OpenAI has
the same names, where it has them: some of its models send only what remains, and resets are plain
seconds. Its requests are counted in shorter windows than a minute ("Quota management").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

#: Longer than any reset of a provider's, whose longest limits are of a day. What says more is
#: not believed.
LONGEST_RESET_SECONDS: Final = 25 * 60 * 60.0

#: No key has more a minute. What says more is not believed.
_HIGHEST: Final = 1e12

_UNITS: Final[Mapping[str, float]] = {
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}
_PART: Final = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(ms|us|µs|ns|d|h|m|s)", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,15})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of one limit of a key, for everybody who uses it.

    ``limit`` and ``reset_seconds`` (until all of it is there again) are ``None`` where the
    provider does not say.
    """

    remaining: float
    limit: float | None = None
    reset_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The two limits of a key and model; ``None`` for one of which nothing is said."""

    requests: Budget | None = None
    tokens: Budget | None = None


def read_limits(headers: Mapping[str, str]) -> RateLimits:
    """What the headers say. ``headers`` finds names in any case, as HTTP libraries' do.

    What cannot be read is as if it were not there, and so is all of a limit whose values
    contradict each other.
    """
    return RateLimits(requests=_budget(headers, "requests"), tokens=_budget(headers, "tokens"))


def _budget(headers: Mapping[str, str], what: str) -> Budget | None:
    remaining = _number(headers.get(f"x-ratelimit-remaining-{what}"))
    if remaining is None:
        return None
    limit = _number(headers.get(f"x-ratelimit-limit-{what}"))
    if limit is not None and (limit < 1 or remaining > limit):
        return None
    return Budget(remaining, limit, seconds(headers.get(f"x-ratelimit-reset-{what}")))


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if value <= _HIGHEST else None


def seconds(text: str | None) -> float | None:
    """A duration such as ``6m0s`` or ``120ms``, or a number of seconds; ``None`` for rubbish."""
    text = (text or "").strip().lower()
    if _NUMBER.fullmatch(text):
        value = float(text)
    elif text and _PART.sub("", text) == "":
        value = math.fsum(float(one[1]) * _UNITS[one[2]] for one in _PART.finditer(text))
    else:
        return None
    return value if value <= LONGEST_RESET_SECONDS else None


def retry_after_seconds(headers: httpx2.Headers, now_ms: int) -> float | None:
    """What the server asks to wait, in seconds, never negative: RFC 9110, "Retry-After".

    OpenAI's ``retry-after-ms`` is finer and wins.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
            return float(text) * scale
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, until.timestamp() - now_ms / 1000)
