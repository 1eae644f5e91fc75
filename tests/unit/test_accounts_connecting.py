"""Connecting an account: what is subscribed to, and rivals for the row of its token."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from tests.fakes.clock import START_MS
from tests.fakes.tokens import MemoryTokens, PretendTokenCalls
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.connecting import (
    NEEDED_FIELDS,
    WISHED_FIELDS,
    Lasting,
    NotConnected,
    keep,
    lasting,
    subscribe,
)
from vestlus.errors import GraphError, NotSent, Refused, TokenRejected
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.token_rows import TokenRow, TokenState

CIPHER = TokenCipher("a" * 32)
ME = Me(id="app-scoped", user_id="1", username="kohvik")


class Subscriptions:
    """An account's subscription; refuses fields that it does not know."""

    def __init__(self, *before: str, refused: Collection[str] = ()) -> None:
        self.fields = set(before)
        self.refused = set(refused)
        self.error: GraphError | None = None

    async def subscribe(self, account: str, fields: Collection[str]) -> None:
        assert account == "1"
        if self.error is not None:
            raise self.error
        if self.refused & set(fields):
            raise Refused("invalid_parameter", 100)
        self.fields = set(fields)

    async def subscribed_apps(self, account: str) -> tuple[str, ...]:
        assert account == "1"
        return tuple(sorted(self.fields))


async def test_all_that_is_wished_for_is_subscribed_to_and_nothing_given_up() -> None:
    graph = Subscriptions("comments")

    fields = await subscribe("1", graph)

    assert set(fields) == WISHED_FIELDS | {"message_edit", "comments"}
    assert NEEDED_FIELDS < WISHED_FIELDS


async def test_a_field_that_may_not_exist_costs_the_others_nothing() -> None:
    fields = await subscribe("1", Subscriptions(refused=["message_edit"]))

    assert set(fields) == WISHED_FIELDS


@pytest.mark.parametrize("error", [TokenRejected("token_invalid", 190), NotSent("timeout")])
async def test_other_failures_are_not_taken_for_an_unknown_field(error: GraphError) -> None:
    graph = Subscriptions()
    graph.error = error

    with pytest.raises(type(error)):
        await subscribe("1", graph)


async def test_a_new_token_replaces_whatever_was_known_of_the_old_one() -> None:
    store = MemoryTokens()
    store.rows["1"] = TokenRow(
        account="1",
        version=4,
        token=b"old",
        seed="digest of the settings",
        state=TokenState.REJECTED,
        reason="token_expired",
        expires_ms=1,
        failures=9,
        failed_ms=8,
    )
    token = Lasting("new", START_MS + 5, "exchanged")

    row = await keep(ME, token, seed=None, store=store, cipher=CIPHER, clock=lambda: START_MS)

    assert store.rows["1"] == row
    assert row == TokenRow(
        account="1",
        version=5,
        token=row.token,
        seed="digest of the settings",
        username="kohvik",
        obtained_ms=START_MS,
        expires_ms=START_MS + 5,
        app_scoped_id=ME.id,
    )
    assert CIPHER.decrypt("1", row.token) == "new"


async def test_a_rival_that_changes_the_row_meanwhile_does_not_win_over_a_person() -> None:
    store = MemoryTokens()
    store.rows["1"] = TokenRow(account="1", version=1, token=b"old")
    put, rivals = store.put_token, 3

    async def racing(row: TokenRow) -> bool:
        nonlocal rivals
        if rivals:
            rivals -= 1
            rival = store.rows["1"]
            await put(replace(rival, version=rival.version + 1, failures=1))
        return await put(row)

    store.put_token = racing  # type: ignore[method-assign]
    token = Lasting("new", 0, "")

    row = await keep(ME, token, seed="s", store=store, cipher=CIPHER, clock=lambda: START_MS)

    assert (store.rows["1"], row.version, row.seed) == (row, 5, "s")
    rivals = 99
    with pytest.raises(NotConnected):
        await keep(ME, token, seed="s", store=store, cipher=CIPHER, clock=lambda: START_MS)


class Exchanging(PretendTokenCalls):
    """Knows one app secret."""

    async def exchange(self, token: str, app_secret: str) -> LongLivedToken:
        if app_secret != "right":
            raise NotSent("unknown_error", 1)
        if self.error is not None:
            raise self.error
        return LongLivedToken(f"long {token}", 10)


async def outcome(calls: Exchanging, *secrets: str, exchange: bool = True) -> Lasting:
    return await lasting(
        "t", exchange=exchange, secrets=secrets, calls=calls, clock=lambda: START_MS
    )


async def test_each_app_secret_is_tried() -> None:
    token = await outcome(Exchanging(), "wrong", "right")

    assert (token.token, token.expires_ms) == ("long t", START_MS + 10_000)
    assert "long" not in repr(token)


async def test_an_outage_of_meta_is_not_taken_for_a_long_lived_token() -> None:
    with pytest.raises(NotConnected, match="try again"):
        await outcome(Exchanging(error=NotSent("timeout")), "wrong", "right")


async def test_what_can_be_neither_exchanged_nor_refreshed_is_kept_as_it_is() -> None:
    token = await outcome(Exchanging(error=Refused("graph_452", 452)), "right")

    assert (token.token, token.expires_ms) == ("t", 0)


async def test_a_long_lived_token_needs_no_app_secret() -> None:
    token = await outcome(Exchanging(), exchange=False)

    assert token.token == "t+"
