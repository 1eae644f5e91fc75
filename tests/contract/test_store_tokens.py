"""Access tokens of accounts: every change is the next version, and one rival alone makes it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from tests.contract.store_support import ACCOUNT, rival, store
from vestlus.store.port import Store
from vestlus.store.token_rows import TokenRow, TokenState

__all__ = ["rival", "store"]

FIRST = TokenRow(account=ACCOUNT, version=1, token=b"\x00\xff secret", seed="s", obtained_ms=7)


async def test_a_token_is_kept_as_it_was_put_and_changed_version_by_version(store: Store) -> None:
    other = TokenRow(account="2", version=1, token=b"other")
    full = TokenRow(
        account=ACCOUNT,
        version=2,
        token=b"next",
        seed="another seed",
        username="kohvik",
        state=TokenState.REJECTED,
        reason="token_expired",
        obtained_ms=2**41,
        expires_ms=2**42,
        failures=3,
        failed_ms=2**40,
    )
    assert await store.tokens() == ()

    assert await store.put_token(FIRST)
    assert await store.put_token(other)
    assert await store.tokens() == (FIRST, other)
    assert await store.put_token(full)

    assert await store.tokens() == (full, other)


async def test_what_is_not_the_next_version_changes_nothing(store: Store) -> None:
    assert not await store.put_token(replace(FIRST, version=2))
    assert await store.put_token(FIRST)

    for version in (1, 3, 0):
        assert not await store.put_token(replace(FIRST, version=version, token=b"lost"))

    assert await store.tokens() == (FIRST,)


async def test_of_rivals_one_alone_changes_a_token(store: Store, rival: Store) -> None:
    rows = [replace(FIRST, token=bytes([n])) for n in range(6)]

    won = await asyncio.gather(
        *(one.put_token(row) for one, row in zip((store, rival) * 3, rows, strict=True))
    )
    kept = (await rival.tokens())[0]
    later = await asyncio.gather(
        *(
            one.put_token(replace(kept, version=2, seed=f"{n}"))
            for n, one in enumerate((store, rival) * 3)
        )
    )

    assert sum(won) == sum(later) == 1
    assert kept == rows[won.index(True)]
    assert (await store.tokens())[0].seed == f"{later.index(True)}"


async def test_the_store_tells_the_databases_time(store: Store) -> None:
    before = time.time() * 1000

    told = await store.now_ms()

    assert before - 2000 <= told <= time.time() * 1000 + 2000
