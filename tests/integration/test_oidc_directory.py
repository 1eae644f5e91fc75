"""What is known of a provider is kept for a while, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from joserfc.jwk import RSAKey

from tests.fakes.oidc_provider import CLIENT, OidcProvider, provided
from vestlus.clock import system_clock
from vestlus.console.oidc.directory import KEPT_MS, Directory
from vestlus.console.oidc.errors import ProviderAway
from vestlus.settings_sign_in import Provider


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with provided(system_clock) as made:
        yield made


def directory(provider: OidcProvider, clock: Clock) -> Directory:
    settings = Provider(issuer=provider.issuer, client_id=CLIENT, admin=("A",))
    return Directory(settings, clock)


async def kids(directory: Directory, *, anew: bool = False) -> list[str | None]:
    return [key.kid for key in (await directory.keys(anew=anew)).keys]


async def test_new_keys_are_found_when_a_token_names_one_but_not_at_everybodys_wish(
    provider: OidcProvider,
) -> None:
    clock = Clock()
    found = directory(provider, clock)
    assert await kids(found) == ["key-1"]
    provider.key = RSAKey.generate_key(2048, {"kid": "key-2"})
    assert await kids(found, anew=True) == ["key-1"]
    clock.now_ms += 60_000
    assert await kids(found) == ["key-1"]
    assert await kids(found, anew=True) == ["key-2"]
    for _ in range(5):
        await found.keys(anew=True)
    assert provider.asked.count("/keys") == 2


async def test_after_an_hour_everything_is_asked_for_again(provider: OidcProvider) -> None:
    clock = Clock()
    found = directory(provider, clock)
    await found.keys()
    clock.now_ms += KEPT_MS - 1
    await found.keys()
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
    clock.now_ms += 1
    await found.keys()
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"] * 2


async def test_what_is_over_is_not_used_when_the_provider_is_away(provider: OidcProvider) -> None:
    clock = Clock()
    found = directory(provider, clock)
    await found.keys()
    provider.is_away = True
    await found.keys()
    clock.now_ms += KEPT_MS
    with pytest.raises(ProviderAway):
        await found.metadata()
    provider.is_away = False
    clock.now_ms += 10_000
    await found.metadata()


async def test_a_provider_that_is_away_is_not_asked_again_at_once(provider: OidcProvider) -> None:
    clock = Clock()
    found = directory(provider, clock)
    provider.is_away = True
    waiting = await asyncio.gather(*(found.keys() for _ in range(5)), return_exceptions=True)
    assert {type(one) for one in waiting} == {ProviderAway}
    assert len(provider.asked) == 1
    provider.is_away = False
    clock.now_ms += 9_999
    with pytest.raises(ProviderAway, match="discovery"):
        await found.metadata()
    assert len(provider.asked) == 1
    clock.now_ms += 1
    assert await kids(found) == ["key-1"]
