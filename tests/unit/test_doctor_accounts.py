"""What is said of a token that works, by how long it still does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clock import START_MS
from tests.fakes.tokens import PretendTokenCalls
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.rules import DAY_MS
from vestlus.doctor.accounts import Standing, check_token
from vestlus.doctor.findings import Level
from vestlus.store.token_rows import TokenRow

CIPHER = TokenCipher("a" * 32)


async def found(value: str = "", **row: Any) -> list[tuple[Level, str]]:  # noqa: ANN401 - several types
    kept = TokenRow(
        account="1",
        version=1,
        token=CIPHER.encrypt("1", "t"),
        seed=CIPHER.digest(value) if value else "",
        obtained_ms=START_MS - 5 * DAY_MS,
        **row,
    )
    standing = Standing("1", kept, value, CIPHER)
    findings = await check_token(standing, PretendTokenCalls(), START_MS)
    return [(one.level, one.said) for one in findings]


@pytest.mark.parametrize(
    ("left_days", "failures", "level"),
    [
        (50, 0, Level.OK),
        (10, 0, Level.OK),
        (20, 3, Level.WARN),
        (13, 3, Level.FAIL),
        (-1, 3, Level.FAIL),
    ],
)
async def test_a_token_that_is_not_refreshed_gets_worse_as_its_end_comes_near(
    left_days: int, failures: int, level: Level
) -> None:
    row: dict[str, Any] = {
        "expires_ms": START_MS + left_days * DAY_MS,
        "failures": failures,
        "reason": "timeout",
    }

    ((seen, said),) = await found(**row)

    assert seen is level
    assert f"ends in {left_days}.0 days" in said


async def test_a_token_whose_end_is_not_known_is_given_a_day() -> None:
    ((young, said),) = await found(failures=2, reason="x")
    assert (young, "times not refreshed" in said) == (Level.FAIL, True)

    kept = TokenRow(
        account="1",
        version=1,
        token=CIPHER.encrypt("1", "t"),
        obtained_ms=START_MS - DAY_MS // 2,
        failures=2,
    )
    standing = Standing("1", kept, "", CIPHER)
    (finding,) = await check_token(standing, PretendTokenCalls(), START_MS)
    assert (finding.level, "a day old" in finding.said) == (Level.OK, True)


async def test_a_value_in_the_settings_that_the_service_has_not_seen_is_told() -> None:
    ((level, _), *rest) = await found(value="t", expires_ms=START_MS + 50 * DAY_MS)
    assert (level, rest) == (Level.OK, [])

    row = TokenRow(account="1", version=1, token=CIPHER.encrypt("1", "t"), obtained_ms=START_MS)
    standing = Standing("1", row, "another", CIPHER)
    findings = await check_token(standing, PretendTokenCalls(), START_MS)

    assert [one.level for one in findings] == [Level.OK, Level.WARN]
    assert "another" not in repr(standing)
