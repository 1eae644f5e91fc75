"""An account whose owner left is stopped: nothing is called with its token until it is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.tokens import MemoryTokens
from vestlus.accounts.book import TokenBook
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.rules import RefreshRules, refresh_is_due, seeded
from vestlus.accounts.stopping import DEAUTHORISED, start_account, stop_account
from vestlus.store.token_rows import TokenRow, TokenState

CIPHER = TokenCipher("a" * 32)


def tokens() -> MemoryTokens:
    store = MemoryTokens()
    sealed = CIPHER.encrypt("a", "token")
    store.rows["a"] = TokenRow(account="a", version=1, token=sealed, seed="digest")
    return store


async def test_a_stopped_account_has_no_token_until_it_is_started_again() -> None:
    store, renewed = tokens(), list[str]()
    book = TokenBook(store=store, cipher=CIPHER, values={"a": "other"}, renewed=renewed.append)
    await book.read()
    assert book.token_of("a") == "token"

    assert await stop_account(store, "a", DEAUTHORISED)
    await book.read()
    with pytest.raises(LookupError):
        book.token_of("a")
    assert not refresh_is_due(store.rows["a"], 2**52, RefreshRules())

    assert await start_account(store, "a")
    await book.read()
    assert book.token_of("a") == "token"
    assert renewed == ["a"]
    assert not await start_account(store, "a")


async def test_one_whose_token_went_needs_a_new_one() -> None:
    store = tokens()
    assert await stop_account(store, "a", DEAUTHORISED, forget_token=True)
    assert store.rows["a"].token == b""
    assert not await start_account(store, "a")
    sealed = CIPHER.encrypt("a", "new")
    new = seeded(store.rows["a"], account="a", sealed=sealed, digest="another", now_ms=1)
    assert new is not None
    assert (new.state, new.token) == (TokenState.USABLE, sealed)
    assert seeded(store.rows["a"], account="a", sealed=sealed, digest="digest", now_ms=1) is None


async def test_an_account_without_a_token_cannot_be_stopped() -> None:
    assert not await stop_account(MemoryTokens(), "a", DEAUTHORISED)


async def test_a_rival_that_changes_the_row_meanwhile_does_not_prevent_it() -> None:
    store = tokens()
    put, rivals = store.put_token, [1]

    async def put_token(row: TokenRow) -> bool:
        if rivals:
            rivals.pop()
            store.rows["a"] = replace(store.rows["a"], version=row.version)
        return await put(row)

    store.put_token = put_token  # type: ignore[method-assign]
    assert await stop_account(store, "a", DEAUTHORISED)
    assert store.rows["a"].state is TokenState.STOPPED
