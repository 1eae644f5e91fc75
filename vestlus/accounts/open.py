"""Makes what keeps and hands out tokens, from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from vestlus.accounts.book import TokenBook
from vestlus.accounts.cipher import TokenCipher
from vestlus.accounts.keeper import TokenKeeper
from vestlus.accounts.refreshing import TokenRefresher
from vestlus.clock import system_clock
from vestlus.errors import SettingsError, StoreUnavailable
from vestlus.instagram.token_api import TokenApi
from vestlus.settings import Settings
from vestlus.store.port import Store, Tokens
from vestlus.store.rows import Member

_log = structlog.get_logger(__name__)

#: For a refresh under way to end, with its row: a request of 10 s, and the store.
STOP_SECONDS: Final = 15.0


def token_cipher(settings: Settings) -> TokenCipher:
    """What encrypts tokens under these settings. Raises SettingsError without a key."""
    secret = settings.encryption_key
    if secret is None:
        problem = "VESTLUS_ENCRYPTION_KEY: is missing; accounts' tokens are encrypted with it"
        raise SettingsError((problem,))
    return TokenCipher(secret.get_secret_value())


def tokens_in(settings: Settings) -> dict[str, str]:
    """The tokens that the settings have, by account."""
    return {
        one.id: one.access_token.get_secret_value()
        for one in settings.accounts
        if one.access_token is not None
    }


def token_book(settings: Settings, store: Tokens, renewed: Callable[[str], None]) -> TokenBook:
    """The accounts' tokens, not read yet. Raises SettingsError."""
    return TokenBook(
        store=store, cipher=token_cipher(settings), values=tokens_in(settings), renewed=renewed
    )


@asynccontextmanager
async def being_read(book: TokenBook) -> AsyncIterator[asyncio.Task[None]]:
    """Reads a book once, and then all the time while the block lasts, in the task that it gives.

    A store that is away at the start is read later.
    """
    with suppress(StoreUnavailable):
        await book.read()
    reading = asyncio.create_task(book.run(), name="reading tokens")
    try:
        yield reading
    finally:
        reading.cancel()
        await asyncio.wait({reading})


def token_refresher(settings: Settings, store: Tokens, calls: TokenApi) -> TokenRefresher:
    """What refreshes tokens, by this machine's clock. Raises SettingsError."""
    return TokenRefresher(
        store=store,
        calls=calls,
        cipher=token_cipher(settings),
        values=tokens_in(settings),
        clock=system_clock,
    )


@asynccontextmanager
async def keeping_tokens(
    settings: Settings, store: Store, member: Member
) -> AsyncIterator[asyncio.Task[None]]:
    """Keeps the store's tokens fresh while the block lasts; gives the task that does it.

    Raises SettingsError.
    """
    async with TokenApi(settings.graph_url) as calls:
        refresher = token_refresher(settings, store, calls)
        keeper = TokenKeeper(store=store, member=member, refresher=refresher, clock=system_clock)
        keeping = asyncio.create_task(keeper.run(), name="keeping tokens")
        try:
            yield keeping
        finally:
            keeper.stop()
            await asyncio.wait({keeping}, timeout=STOP_SECONDS)
            keeping.cancel()
            await asyncio.wait({keeping})
            try:
                await keeper.release()
            except StoreUnavailable:
                _log.warning("tokens_lease_not_released")
