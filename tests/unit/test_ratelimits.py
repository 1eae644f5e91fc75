"""What providers say of their rate limits, read from headers."""

from __future__ import annotations

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.assistant.ratelimits import (
    LONGEST_RESET_SECONDS,
    Budget,
    RateLimits,
    read_limits,
    seconds,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("7.66s", 7.66),
        ("1h2m3.5s", 3723.5),
        ("60", 60.0),
        ("0s", 0.0),
        (" 2S ", 2.0),
        ("30h", None),
        ("-1s", None),
        ("1x", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("nan", None),
        ("2026-11-27T10:00:00Z", None),
    ],
)
def test_durations_are_read_as_openai_writes_them(text: str | None, wanted: float | None) -> None:
    assert seconds(text) == (wanted if wanted is None else pytest.approx(wanted))


def test_openai_s_headers_tell_of_both_limits() -> None:
    headers = httpx2.Headers(
        {
            "X-RateLimit-Limit-Requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "200000",
            "x-ratelimit-remaining-tokens": "150000",
            "x-ratelimit-reset-tokens": "15s",
        }
    )
    assert read_limits(headers) == RateLimits(
        requests=Budget(9999, 10000, 0.006), tokens=Budget(150000, 200000, 15.0)
    )


def test_azure_s_that_tell_only_what_remains_are_read_too() -> None:
    headers = {"x-ratelimit-remaining-requests": "19", "x-ratelimit-remaining-tokens": "19913"}
    assert read_limits(headers) == RateLimits(requests=Budget(19), tokens=Budget(19913))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "60"},
        {"x-ratelimit-remaining-requests": "many"},
        {"x-ratelimit-remaining-requests": "-1"},
        {"x-ratelimit-remaining-requests": "61", "x-ratelimit-limit-requests": "60"},
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-limit-requests": "0"},
        {"x-ratelimit-remaining-requests": "9" * 15},
    ],
)
def test_what_cannot_be_read_says_nothing(headers: dict[str, str]) -> None:
    assert read_limits(headers) == RateLimits()


@given(st.text())
def test_no_header_is_too_odd_to_be_read(text: str) -> None:
    limits = read_limits({f"x-ratelimit-{name}-requests": text for name in ("remaining", "reset")})
    assert limits.tokens is None
    read = seconds(text)
    assert read is None or 0 <= read <= LONGEST_RESET_SECONDS
