"""Tokens are taken from the settings, refreshed ahead of time, and worried about in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START_MS
from tests.fakes.tokens import MemoryTokens, PretendTokenCalls
from vestlus.accounts.cipher import TokenCipher, TokenUnreadable
from vestlus.accounts.keeper import RECHECK_SECONDS, TokenKeeper
from vestlus.accounts.refreshing import TokenRefresher
from vestlus.accounts.rules import DAY_MS, RefreshRules, is_alarming, refresh_due_ms
from vestlus.errors import GraphError, NotSent, Refused, StoreUnavailable, TokenRejected
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.rows import Member, MemberKind
from vestlus.store.token_rows import TokenRow, TokenState

RULES = RefreshRules()
HOUR_MS = DAY_MS // 24


class Scene:
    """A keeper, its store, and a time that is set by hand."""

    def __init__(self, **values: str) -> None:
        self.store = MemoryTokens()
        self.calls = PretendTokenCalls()
        self.cipher = TokenCipher("a" * 32)
        self.now_ms = START_MS
        self.keeper = self.another(**values)

    def refresher(self, **values: str) -> TokenRefresher:
        return TokenRefresher(
            store=self.store,
            calls=self.calls,
            cipher=self.cipher,
            values=values,
            clock=lambda: self.now_ms,
        )

    def another(self, member: str = "one", **values: str) -> TokenKeeper:
        return TokenKeeper(
            store=self.store,
            member=Member(member, MemberKind.REGISTRY, "1", "here", 1),
            refresher=self.refresher(**values),
            clock=lambda: self.now_ms,
            monotonic=lambda: self.now_ms / 1000,
        )

    def row(self, account: str = "a") -> TokenRow:
        return self.store.rows[account]

    def token(self, account: str = "a") -> str:
        return self.cipher.decrypt(account, self.row(account).token)

    async def round_after(self, days: float) -> None:
        self.now_ms += round(days * DAY_MS)
        await self.keeper.round()


def alerts(logs: list[Any]) -> list[tuple[str, str]]:
    return [
        (str(one["log_level"]), str(one["reason"]))
        for one in logs
        if one["event"] == "token_refresh_failed"
    ]


async def test_a_token_of_the_settings_is_kept_encrypted_and_its_end_learnt() -> None:
    scene = Scene(a="t")

    await scene.keeper.round()

    assert scene.token() == "t+"
    assert scene.row().expires_ms == START_MS + 60 * DAY_MS
    assert b"t+" not in scene.row().token
    with pytest.raises(TokenUnreadable):
        TokenCipher("b" * 32).decrypt("a", scene.row().token)
    with pytest.raises(TokenUnreadable):
        scene.cipher.decrypt("b", scene.row().token)


async def test_tokens_are_refreshed_by_time_a_month_ahead_and_not_sooner() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()

    await scene.round_after(29.9)
    assert scene.calls.refreshed == ["t"]
    await scene.round_after(0.2)

    assert scene.calls.refreshed == ["t", "t+"]
    assert scene.row().expires_ms == scene.now_ms + 60 * DAY_MS


async def test_the_refreshed_token_wins_until_the_value_in_the_settings_changes() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    await scene.keeper.release()

    scene.keeper = scene.another(a="t")
    await scene.keeper.round()
    assert scene.token() == "t+"
    await scene.keeper.release()
    scene.keeper = scene.another(a="other")
    await scene.keeper.round()

    assert scene.token() == "other+"
    await scene.keeper.release()
    scene.keeper = scene.another()
    await scene.keeper.round()
    assert scene.token() == "other+"


async def test_another_encryption_key_takes_the_settings_token_again() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    await scene.keeper.release()

    scene.cipher = TokenCipher("another key, as long as it has to be")
    scene.keeper = scene.another(a="t")
    await scene.keeper.round()

    assert scene.token() == "t+"


async def test_one_process_alone_refreshes_and_another_goes_on_when_it_lets_go() -> None:
    scene = Scene(a="t")
    rival = scene.another("two", a="t")
    await scene.keeper.round()
    scene.now_ms += 40 * DAY_MS

    await rival.round()
    assert scene.calls.refreshed == ["t"]
    await scene.keeper.release()
    await rival.round()

    assert scene.calls.refreshed == ["t", "t+"]


async def test_a_refresh_that_fails_is_tried_again_later_each_time_and_said() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    scene.calls.error = NotSent("timeout")

    with capture_logs() as logs:
        await scene.round_after(31)
        tries = [scene.now_ms]
        while scene.now_ms < START_MS + 33 * DAY_MS:
            await scene.round_after(1 / 1440)
            if len(scene.calls.refreshed) > len(tries) + 1:
                tries.append(scene.now_ms)

    waits = [(after - before) // 60_000 for before, after in pairwise(tries)]
    assert waits[:6] == [10, 20, 40, 80, 160, 320]
    assert set(waits[6:]) == {360}
    assert set(alerts(logs)) == {("warning", "timeout")}
    assert scene.row().failures == len(tries)
    assert scene.token() == "t+"


async def test_a_token_that_cannot_be_refreshed_alarms_two_weeks_before_it_ends() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    scene.calls.error = Refused("graph_10", 10)

    with capture_logs() as logs:
        for _ in range(60):
            await scene.round_after(1)

    said = alerts(logs)
    assert said[0] == ("warning", "graph_10")
    first_error = next(place for place, one in enumerate(said) if one[0] == "error")
    days_left = [one["days_left"] for one in logs if one["event"] == "token_refresh_failed"]
    assert 13 <= days_left[first_error] < 14
    assert all(level == "error" for level, _ in said[first_error:])


async def test_a_token_too_young_to_be_refreshed_alarms_nobody_and_is_refreshed_later() -> None:
    scene = Scene(a="t")
    scene.calls.error = Refused("graph_10", 10)

    with capture_logs() as logs:
        await scene.keeper.round()
        await scene.round_after(0.5)
    assert {level for level, _ in alerts(logs)} == {"info"}
    scene.calls.error = None
    await scene.round_after(1)

    assert scene.token() == "t+"
    assert scene.row().failures == 0


async def test_a_refresh_by_hand_that_came_too_early_is_told_and_leaves_no_mark() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    before = scene.row()
    scene.calls.error = Refused("invalid_parameter", 100)

    with capture_logs() as logs:
        after = await scene.refresher().refresh(before)

    assert after is not None
    assert (after.failures, after.reason) == (1, "invalid_parameter")
    assert scene.row() == before
    assert logs == []


async def test_a_rejected_token_alarms_at_once_and_works_again_when_graph_takes_it() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    scene.calls.error = TokenRejected("token_checkpoint", 190, 459)
    with capture_logs() as logs:
        await scene.round_after(31)
    assert alerts(logs) == [("error", "token_checkpoint")]
    assert (scene.row().state, scene.row().reason) == (TokenState.REJECTED, "token_checkpoint")
    scene.calls.error = None

    await scene.round_after(RECHECK_SECONDS / 86_400)
    assert scene.row().state is TokenState.USABLE
    assert scene.token() == "t+"


async def test_rejected_tokens_are_looked_at_every_five_minutes() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    row = scene.row()
    rejected = replace(row, version=row.version + 1, state=TokenState.REJECTED)
    await scene.store.put_token(rejected)
    scene.calls.error = TokenRejected("token_invalid", 190)

    for _ in range(5):
        await scene.round_after(RECHECK_SECONDS / 86_400 / 2)

    assert scene.calls.asked == ["t+", "t+"]
    assert scene.calls.refreshed == ["t"]


async def test_a_token_that_nobody_uses_is_found_to_be_revoked_and_alarms() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    await scene.round_after(0.3)
    assert scene.row().state is TokenState.USABLE
    scene.calls.error = NotSent("timeout")
    await scene.round_after(0.3)
    assert scene.row().state is TokenState.USABLE

    scene.calls.error = TokenRejected("password_changed", 190, 460)
    with capture_logs() as logs:
        await scene.round_after(0.3)

    assert (scene.row().state, scene.row().reason) == (TokenState.REJECTED, "password_changed")
    assert [(one["event"], one["log_level"]) for one in logs] == [("token_rejected", "error")]
    assert scene.calls.refreshed == ["t"]


async def test_a_clock_that_is_set_back_puts_off_no_refresh() -> None:
    scene = Scene(a="t")
    scene.calls.error = NotSent("timeout")
    scene.now_ms += 90 * DAY_MS
    await scene.keeper.round()
    scene.calls.error = None

    scene.store.rows["a"] = replace(scene.row(), obtained_ms=START_MS)
    scene.now_ms = START_MS + DAY_MS
    await scene.keeper.round()

    assert scene.token() == "t+"


async def test_a_refresh_slower_than_a_person_changes_nothing() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    old = scene.row()

    async def meanwhile(token: str) -> LongLivedToken:
        connected = scene.cipher.encrypt("a", "connected by hand")
        await scene.store.put_token(replace(old, version=old.version + 1, token=connected))
        return LongLivedToken("late", 86_400)

    scene.calls.refresh = meanwhile  # type: ignore[method-assign]
    assert await scene.refresher().refresh(old) is None

    assert scene.token() == "connected by hand"


async def test_stopping_waits_for_the_token_under_way_and_begins_no_other() -> None:
    scene = Scene(a="t", b="u")
    asked, answer = asyncio.Event(), asyncio.Event()
    refresh = scene.calls.refresh

    async def slow(token: str) -> LongLivedToken:
        asked.set()
        await answer.wait()
        return await refresh(token)

    scene.calls.refresh = slow  # type: ignore[method-assign]
    running = asyncio.create_task(scene.keeper.run())
    await asked.wait()
    scene.keeper.stop()
    answer.set()
    await asyncio.wait_for(running, 5)

    assert (scene.token("a"), scene.token("b")) == ("t+", "u")


async def test_a_new_token_outlives_an_outage_of_the_store() -> None:
    scene = Scene(a="t")
    await scene.keeper.round()
    put, refusals = scene.store.put_token, [StoreUnavailable("away"), StoreUnavailable("away")]

    async def refusing(row: TokenRow) -> bool:
        if refusals:
            raise refusals.pop()
        return await put(row)

    scene.store.put_token = refusing  # type: ignore[method-assign]
    await scene.round_after(31)

    assert scene.token() == "t++"
    assert scene.calls.refreshed == ["t", "t+"]


async def test_a_token_kept_under_another_key_is_said_and_left_alone() -> None:
    scene = Scene()
    strange = TokenCipher("another key, as long as it has to be").encrypt("a", "t")
    scene.store.rows["a"] = TokenRow(account="a", version=1, token=strange, obtained_ms=START_MS)

    with capture_logs() as logs:
        await scene.keeper.round()

    assert alerts(logs) == [("error", "token_unreadable")]
    assert scene.calls.refreshed == []


@pytest.mark.parametrize("error", [NotSent("timeout"), Refused("graph_1"), TokenRejected("x", 190)])
async def test_one_accounts_failure_keeps_no_other_from_being_refreshed(error: GraphError) -> None:
    scene = Scene(a="t", b="u")
    refresh = scene.calls.refresh

    async def failing(token: str) -> LongLivedToken:
        if token == "t":
            raise error
        return await refresh(token)

    scene.calls.refresh = failing  # type: ignore[method-assign]
    await scene.keeper.round()

    assert scene.token("b") == "u+"


@given(
    lives_days=st.floats(0.01, 120),
    failures=st.integers(0, 40),
    failed_after_days=st.floats(0, 120),
)
def test_whatever_its_life_a_token_is_refreshed_when_it_may_be_and_not_all_the_time(
    lives_days: float, failures: int, failed_after_days: float
) -> None:
    row = TokenRow(
        account="a",
        version=1,
        token=b"",
        obtained_ms=START_MS,
        expires_ms=START_MS + round(lives_days * DAY_MS),
        failures=failures,
        failed_ms=START_MS + round(failed_after_days * DAY_MS) if failures else 0,
    )

    due_ms = refresh_due_ms(row, RULES)

    assert due_ms >= START_MS + RULES.least_age_ms
    if failures:
        assert due_ms >= row.failed_ms + RULES.retry_ms
        assert due_ms <= max(
            row.expires_ms - RULES.refresh_left_ms,
            START_MS + RULES.least_age_ms,
            row.failed_ms + RULES.longest_retry_ms,
        )
    elif lives_days > 31:
        assert due_ms == row.expires_ms - RULES.refresh_left_ms


def test_a_token_whose_end_is_not_known_alarms_once_it_is_old_enough() -> None:
    row = TokenRow(account="a", version=1, token=b"", obtained_ms=START_MS, failures=9)

    assert not is_alarming(row, START_MS + 29 * HOUR_MS, RULES)
    assert is_alarming(row, START_MS + 31 * HOUR_MS, RULES)


def test_digests_tell_values_apart_and_hide_them() -> None:
    cipher = TokenCipher("a" * 32)

    assert cipher.digest("t") == cipher.digest("t") != cipher.digest("u")
    assert TokenCipher("b" * 32).digest("t") != cipher.digest("t")
