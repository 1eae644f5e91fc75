"""Sessions: which cookies are believed, and what ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from tests.integration.console_support import console_settings
from vestlus.console import sessions
from vestlus.console.grounds import Grounds
from vestlus.console.people import Person, Role
from vestlus.console.sessions import Arrival, begin, digest_of, find
from vestlus.settings import Settings
from vestlus.store.open import open_store
from vestlus.store.operator_rows import AuditEntry
from vestlus.store.port import Store

MARI = Person("Mari", Role.ADMIN, "token")
NOW = 1_000_000


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    return console_settings(tmp_path)


@pytest.fixture
async def store(configured: Settings) -> AsyncIterator[Store]:
    opened = open_store(configured.database, partitions=16, outbox_partitions=4)
    async with opened as made:
        yield made


async def begun(store: Store, configured: Settings) -> tuple[str, Grounds]:
    grounds = Grounds(configured)
    return await begin(store, Arrival(MARI, grounds.token), NOW), grounds


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(headers=st.lists(st.binary(max_size=60) | st.just(b"vestlus=x; vestlus="), max_size=3))
def test_any_cookies_can_be_read(headers: list[bytes]) -> None:
    scope = {
        "type": "http",
        "headers": [(b"cookie", one) for one in headers],
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "path": "/console",
        "query_string": b"",
    }
    request = Request(scope)
    request.cookies.get(sessions.cookie_name(request), "")


async def test_no_value_that_was_made_up_finds_a_session(
    store: Store, configured: Settings
) -> None:
    value, grounds = await begun(store, configured)
    wrong = value[:-1] + ("A" if value[-1] != "A" else "B")
    for made_up in ("", "x", wrong, value + "A", value[:-1], f" {value}", value + "\n", "ä" * 43):
        assert await find(store, grounds, {"vestlus": made_up}, "vestlus", NOW) is None
    assert await find(store, grounds, {"vestlus": value}, "vestlus", NOW) is not None
    assert await find(store, grounds, {"vestlus": value}, "__Host-vestlus", NOW) is None
    # What the store has is of no use to whoever reads it.
    digest = digest_of(value)
    assert await find(store, grounds, {"vestlus": digest[:43]}, "vestlus", NOW) is None


async def test_a_session_ends_when_nobody_uses_it_and_some_day_in_any_case(
    store: Store, configured: Settings
) -> None:
    value, grounds = await begun(store, configured)

    async def there(at_ms: int, *, used: bool = True) -> bool:
        cookies = {"vestlus": value}
        return await find(store, grounds, cookies, "vestlus", at_ms, used=used) is not None

    assert await there(NOW + sessions.IDLE_MS - 1, used=False)
    assert not await there(NOW + sessions.IDLE_MS)
    for hours in range(0, 24, 4):
        assert await there(NOW + hours * 3_600_000)
    assert await there(NOW + sessions.LONGEST_MS - 1)
    assert not await there(NOW + sessions.LONGEST_MS)


@pytest.mark.parametrize(
    "changed",
    [
        {"operator_token": "another token"},
        {"operator_token": None},
        {"encryption_key": "q" * 40},
    ],
)
async def test_another_operator_token_ends_the_sessions_of_the_old_one(
    store: Store, configured: Settings, changed: dict[str, object]
) -> None:
    value, _ = await begun(store, configured)
    now = Grounds(console_settings(configured.data_dir, **changed))
    assert await find(store, now, {"vestlus": value}, "vestlus", NOW) is None


@pytest.mark.parametrize(
    "changed", [{"grounds": ""}, {"role": "owner"}, {"way": "oidc"}, {"role": ""}]
)
async def test_a_session_of_another_version_lets_nobody_in(
    store: Store, configured: Settings, changed: dict[str, Any]
) -> None:
    value, grounds = await begun(store, configured)
    [kept] = await store.sessions(NOW)
    other = replace(kept, digest=digest_of("A" * 43), **changed)
    await store.begin_session(other, AuditEntry(NOW, "Mari", "admin", "token", "session.begin"))
    assert await find(store, grounds, {"vestlus": "A" * 43}, "vestlus", NOW) is None
    assert await find(store, grounds, {"vestlus": value}, "vestlus", NOW) is not None
