"""The pretend Graph API gives, checks, exchanges and refreshes tokens as Meta does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator_harness import (
    FIRST,
    SECOND,
    SECRET,
    TOKEN,
    Client,
    configuration,
    running_service,
    running_simulator,
)
from vestlus.simulator import Simulator


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running_service() as service, running_simulator(service, tmp_path) as running:
        yield running


async def call(client: Client, path: str, **query: str) -> tuple[int, Any]:
    async with client.http.get(f"{client.url}/graph/{path}", params=query) as response:
        return response.status, await response.json()


async def error(client: Client, path: str, **query: str) -> tuple[int, int]:
    _, body = await call(client, path, **query)
    return body["error"]["code"], body["error"].get("error_subcode", 0)


async def me(client: Client, token: str) -> Any:  # noqa: ANN401 - JSON
    _, body = await call(client, "v25.0/me", fields="id,user_id,username", access_token=token)
    return body.get("user_id") or (body["error"]["code"], body["error"].get("error_subcode", 0))


async def issued(client: Client, **what: object) -> str:
    token: str = (await client.control("tokens", what))["token"]
    return token


async def test_a_short_token_is_exchanged_for_a_long_one_of_the_same_account(
    client: Client,
) -> None:
    short = await issued(client, kind="short", account=SECOND)

    exchange = {"grant_type": "ig_exchange_token", "access_token": short}
    status, body = await call(client, "access_token", client_secret=SECRET, **exchange)

    assert (status, body["token_type"], body["expires_in"]) == (200, "bearer", 60 * 86_400)
    assert body["access_token"] != short
    assert await me(client, body["access_token"]) == SECOND
    assert await me(client, short) == SECOND
    assert await error(client, "access_token", client_secret="other", **exchange) == (1, 0)
    assert await error(client, "access_token", **exchange) == (1, 0)
    of_long = exchange | {"access_token": body["access_token"], "client_secret": SECRET}
    assert await error(client, "access_token", **of_long) == (452, 0)
    assert await error(client, "access_token", **(of_long | {"grant_type": "x"})) == (100, 0)


async def test_long_tokens_are_refreshed_from_a_day_of_age_until_they_end(client: Client) -> None:
    async def outcome(token: str, grant: str = "ig_refresh_token") -> Any:  # noqa: ANN401 - JSON
        query = {"grant_type": grant, "access_token": token}
        status, body = await call(client, "refresh_access_token", **query)
        return (
            body["expires_in"]
            if status == 200
            else await error(client, "refresh_access_token", **query)
        )

    assert await outcome(TOKEN) == 60 * 86_400
    assert await outcome(await issued(client, age_seconds=86_500)) == 60 * 86_400
    assert await outcome(await issued(client, age_seconds=86_300)) == (100, 0)
    assert await outcome(await issued(client, kind="short", age_seconds=86_500)) == (190, 463)
    assert await outcome(await issued(client, age_seconds=86_500, lives_seconds=0)) == (190, 463)
    assert await outcome("made up") == (190, 0)
    assert await outcome(TOKEN, grant="ig_exchange_token") == (100, 0)


async def test_a_token_that_ended_or_was_taken_away_opens_nothing(client: Client) -> None:
    mine, other = await issued(client, account=FIRST), await issued(client, account=FIRST)
    assert await me(client, await issued(client, lives_seconds=0)) == (190, 463)

    await client.control("revoke-token", {"token": mine, "subcode": 459})
    assert await me(client, mine) == (190, 459)
    assert await me(client, other) == FIRST
    await client.control("revoke-token", {})

    assert [await me(client, one) for one in (other, TOKEN, f"{TOKEN}.{SECOND}")] == [
        (190, 460)
    ] * 3
    later = await issued(client)
    while await me(client, later) != FIRST:  # the clock has not moved between the two
        later = await issued(client)
    async with client.http.post(f"{client.url}/control/revoke-token", json={"subcode": 1}) as bad:
        assert bad.status == 400


async def test_only_fields_that_there_are_can_be_subscribed(client: Client) -> None:
    path = f"v25.0/{FIRST}/subscribed_apps"

    async def subscribe(fields: str) -> int:
        query = {"subscribed_fields": fields, "access_token": TOKEN}
        async with client.http.post(f"{client.url}/graph/{path}", params=query) as response:
            return response.status

    assert await subscribe("messages,message_echoes,messaging_seen") == 200
    assert await subscribe("messages,mesage_echoes") == 400
    _, body = await call(client, path, access_token=TOKEN)
    assert body["data"][0]["subscribed_fields"] == [
        "message_echoes",
        "messages",
        "messaging_seen",
    ]


async def test_tokens_outlive_a_restart_of_the_simulator(tmp_path: Path) -> None:
    async with running_service() as service, aiohttp.ClientSession() as http:
        config = configuration(service, tmp_path)
        async with Simulator(config) as simulator:
            token = await issued(Client(simulator.url, http), account=SECOND)
        async with Simulator(config, clock=lambda: time.time() + 59 * 86_400) as simulator:
            client = Client(simulator.url, http)
            assert await me(client, token) == SECOND
        async with Simulator(config, clock=lambda: time.time() + 61 * 86_400) as simulator:
            client = Client(simulator.url, http)
            assert await me(client, token) == (190, 463)
