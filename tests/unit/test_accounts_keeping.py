"""Tokens are taken from the settings, and refreshed ahead of time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START_MS
from tests.unit.accounts_scene import RULES, Scene
from vestlus.accounts.cipher import TokenCipher, TokenUnreadable
from vestlus.accounts.rules import DAY_MS, refresh_due_ms
from vestlus.errors import NotSent
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.token_rows import TokenRow


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


def test_digests_tell_values_apart_and_hide_them() -> None:
    cipher = TokenCipher("a" * 32)

    assert cipher.digest("t") == cipher.digest("t") != cipher.digest("u")
    assert TokenCipher("b" * 32).digest("t") != cipher.digest("t")
