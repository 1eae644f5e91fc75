"""When a token is taken from the settings, refreshed, and worried about. Plain decisions.

Meta, "Instagram API with Instagram Login: business login": long-lived tokens live for 60 days,
and can be refreshed once they are 24 hours old and until they end. How long they still live is
told only with an exchange or a refresh, so a token from elsewhere is refreshed at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vestlus.store.token_rows import TokenRow, TokenState

DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRules:
    """The numbers that refreshing goes by. Times are in milliseconds."""

    #: A token with less left is refreshed: half its life, so a month remains for trying again.
    refresh_left_ms: int = 30 * DAY_MS
    #: Meta refreshes no younger ones.
    least_age_ms: int = DAY_MS
    #: A token with less left that could not be refreshed is an alarm.
    alarm_left_ms: int = 14 * DAY_MS
    #: First wait after a refresh that failed; doubles up to the longest.
    retry_ms: int = 10 * 60 * 1000
    longest_retry_ms: int = 6 * 60 * 60 * 1000


def seeded(
    row: TokenRow | None, *, account: str, sealed: bytes, digest: str, now_ms: int
) -> TokenRow | None:
    """The row to write for a value of the settings, or None where the kept token goes on.

    The kept one, refreshed meanwhile, wins until the value in the settings is another one.
    """
    if row is not None and row.seed == digest:
        return None
    return TokenRow(
        account=account,
        version=1 if row is None else row.version + 1,
        token=sealed,
        seed=digest,
        username="" if row is None else row.username,
        app_scoped_id="" if row is None else row.app_scoped_id,
        obtained_ms=now_ms,
    )


def refresh_is_due(row: TokenRow, now_ms: int, rules: RefreshRules) -> bool:
    """Whether the token should be refreshed now.

    A failure in the future is one from before a clock was set back: it puts off nothing.
    """
    if row.state is TokenState.STOPPED:
        return False
    if row.failures and row.failed_ms > now_ms:
        row = replace(row, failures=0)
    return refresh_due_ms(row, rules) <= now_ms


def refresh_due_ms(row: TokenRow, rules: RefreshRules) -> int:
    """When the token should be refreshed next, milliseconds since 1970; in the past for now."""
    due_ms = row.obtained_ms
    if row.expires_ms:
        # A life shorter than that before which tokens are refreshed must not mean "at once".
        due_ms = max(row.expires_ms - rules.refresh_left_ms, due_ms + rules.least_age_ms)
    if row.failures:
        doubled = rules.retry_ms * 2 ** min(row.failures - 1, 16)
        due_ms = max(due_ms, row.failed_ms + min(doubled, rules.longest_retry_ms))
    return due_ms


def refreshed(row: TokenRow, *, sealed: bytes, lives_ms: int, now_ms: int) -> TokenRow:
    """The row after a refresh."""
    return replace(
        row,
        version=row.version + 1,
        token=sealed,
        state=TokenState.USABLE,
        reason="",
        obtained_ms=now_ms,
        expires_ms=now_ms + lives_ms,
        failures=0,
        failed_ms=0,
    )


def not_refreshed(row: TokenRow, *, reason: str, rejected: bool, now_ms: int) -> TokenRow:
    """The row after a refresh that failed."""
    return replace(
        row,
        version=row.version + 1,
        state=TokenState.REJECTED if rejected else row.state,
        reason=reason,
        failures=row.failures + 1,
        failed_ms=now_ms,
    )


def may_be_too_young(row: TokenRow, now_ms: int, rules: RefreshRules) -> bool:
    """Whether a refusal to refresh needs no other reason than the token's age."""
    return now_ms - row.obtained_ms < rules.least_age_ms + rules.longest_retry_ms


def is_alarming(row: TokenRow, now_ms: int, rules: RefreshRules) -> bool:
    """Whether a token that could not be refreshed needs a person now.

    One whose end is not known may be about to end, once it is old enough to be refreshed.
    """
    if row.state is TokenState.REJECTED:
        return True
    if not row.expires_ms:
        return not may_be_too_young(row, now_ms, rules)
    return row.expires_ms - now_ms < rules.alarm_left_ms
