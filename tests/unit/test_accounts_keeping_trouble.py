"""Tokens that fail, are rejected or near their end are tried again and said in time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import START_MS
from tests.unit.accounts_scene import RULES, Scene
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.keeper import RECHECK_SECONDS
from vestlus.accounts.rules import DAY_MS, is_alarming
from vestlus.errors import GraphError, NotSent, Refused, StoreUnavailable, TokenRejected
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.token_rows import TokenRow, TokenState

HOUR_MS = DAY_MS // 24


def alerts(logs: list[Any]) -> list[tuple[str, str]]:
    return [
        (str(one["log_level"]), str(one["reason"]))
        for one in logs
        if one["event"] == "token_refresh_failed"
    ]


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


def test_a_token_whose_end_is_not_known_alarms_once_it_is_old_enough() -> None:
    row = TokenRow(account="a", version=1, token=b"", obtained_ms=START_MS, failures=9)

    assert not is_alarming(row, START_MS + 29 * HOUR_MS, RULES)
    assert is_alarming(row, START_MS + 31 * HOUR_MS, RULES)
