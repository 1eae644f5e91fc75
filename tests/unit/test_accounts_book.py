"""A process uses the token that the store has now, and says which ones Graph rejects."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.clock import run_virtual
from tests.fakes.tokens import MemoryTokens
from vestlus.accounts.book import POLL_SECONDS, TokenBook
from vestlus.accounts.cipher import TokenCipher
from vestlus.store.token_rows import TokenRow, TokenState

CIPHER = TokenCipher("a" * 32)


class Scene:
    def __init__(self, **values: str) -> None:
        self.store = MemoryTokens()
        self.renewed: list[str] = []
        self.book = TokenBook(
            store=self.store, cipher=CIPHER, values=values, renewed=self.renewed.append
        )

    def keep(self, token: str, state: TokenState = TokenState.USABLE) -> None:
        before = self.store.rows.get("a")
        self.store.rows["a"] = TokenRow(
            account="a",
            version=before.version + 1 if before else 1,
            token=CIPHER.encrypt("a", token),
            state=state,
        )


async def test_the_stores_token_is_used_before_that_of_the_settings() -> None:
    scene = Scene(a="from the settings", b="of another")
    assert scene.book.token_of("a") == "from the settings"
    scene.keep("kept")

    await scene.book.read()

    assert scene.book.token_of("a") == "kept"
    assert scene.book.token_of("b") == "of another"
    with pytest.raises(LookupError):
        scene.book.token_of("c")
    assert scene.renewed == []


async def test_a_token_kept_under_another_key_gives_way_to_that_of_the_settings() -> None:
    scene = Scene(a="from the settings")
    strange = TokenCipher("another key, as long as it has to be").encrypt("a", "t")
    scene.store.rows["a"] = TokenRow(account="a", version=1, token=strange)

    await scene.book.read()

    assert scene.book.token_of("a") == "from the settings"


def test_a_new_token_is_in_use_within_seconds_and_what_waited_for_it_goes_on() -> None:
    async def scenario() -> None:
        scene = Scene()
        scene.keep("old")
        await scene.book.read()
        reading = asyncio.create_task(scene.book.run())
        scene.store.away = True
        await asyncio.sleep(10 * POLL_SECONDS)
        assert scene.book.token_of("a") == "old"
        scene.store.away = False
        scene.keep("new")

        await asyncio.sleep(POLL_SECONDS + 0.1)

        assert scene.book.token_of("a") == "new"
        assert scene.renewed == ["a"]
        reading.cancel()

    run_virtual(scenario())


async def test_an_account_that_is_connected_later_goes_on_too() -> None:
    scene = Scene()
    await scene.book.read()

    scene.keep("first")
    await scene.book.read()

    assert scene.renewed == ["a"]


async def test_a_change_of_a_row_that_leaves_the_token_wakes_nobody() -> None:
    scene = Scene()
    scene.keep("t")
    await scene.book.read()

    scene.store.rows["a"] = replace(scene.store.rows["a"], version=2, failures=1)
    await scene.book.read()

    assert scene.renewed == []


async def test_a_rejected_token_is_noted_once_and_what_works_again_goes_on() -> None:
    scene = Scene()
    scene.keep("t")
    await scene.book.read()

    scene.book.rejected("a", "t", "token_expired")
    await scene.book.read()
    scene.book.rejected("a", "t", "token_expired")
    await scene.book.read()

    row = scene.store.rows["a"]
    assert (row.version, row.state, row.reason) == (2, TokenState.REJECTED, "token_expired")
    assert scene.renewed == []
    await scene.book.read()
    scene.store.rows["a"] = replace(row, version=3, state=TokenState.USABLE)
    await scene.book.read()
    assert scene.renewed == ["a"]


async def test_a_late_rejection_of_the_old_token_neither_marks_nor_stops_the_new_one() -> None:
    scene = Scene()
    scene.keep("old")
    await scene.book.read()
    scene.keep("new")
    await scene.book.read()
    scene.renewed.clear()

    scene.book.rejected("a", "old", "token_invalid")
    await scene.book.read()

    assert scene.store.rows["a"].state is TokenState.USABLE
    assert scene.renewed == ["a"]


async def test_a_rejection_of_what_only_the_settings_have_wakes_nobody() -> None:
    scene = Scene(a="from the settings")
    await scene.book.read()

    scene.book.rejected("a", "from the settings", "token_invalid")
    await scene.book.read()

    assert scene.renewed == []
