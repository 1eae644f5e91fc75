"""Errors of Meta's that the simulator gives when it is told to, and when requests arrived."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.integration.simulator_harness import (
    FIRST,
    TOKEN,
    Client,
    running_service,
    running_simulator,
)
from vestlus.simulator.arrivals import Arrivals


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running_service() as service, running_simulator(service, tmp_path) as client:
        await client.control("messages", {"user": "u1", "text": "Tere"})
        yield client


async def send(client: Client, text: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    body = {"recipient": {"id": "u1"}, "message": {"text": text}}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{client.url}/graph/v25.0/{FIRST}/messages"
    async with client.http.post(url, json=body, headers=headers) as response:
        return response.status, await response.json(), dict(response.headers)


def usage(headers: dict[str, str]) -> tuple[int, int]:
    (case,) = json.loads(headers["X-Business-Use-Case-Usage"])[FIRST]
    return case["call_count"], case["estimated_time_to_regain_access"]


async def test_an_error_of_any_code_comes_as_told_and_nothing_is_done(client: Client) -> None:
    rule = {"kind": "error", "code": -2, "subcode": 2207003, "status": 403, "next": 1}
    said = await client.control("faults", {"rules": [rule]})
    assert said["rules"][0]["code"] == -2
    status, body, _ = await send(client, "esimene")
    assert status == 403
    assert (body["error"]["code"], body["error"]["error_subcode"]) == (-2, 2207003)
    assert (await send(client, "teine"))[0] == 200
    assert await client.sent() == ["teine"]


async def test_an_error_may_come_although_all_was_done(client: Client) -> None:
    rule = {"kind": "error", "code": 1, "status": 500, "done": True, "next": 1}
    await client.control("faults", {"rules": [rule]})
    status, body, _ = await send(client, "esimene")
    assert (status, body["error"]["code"]) == (500, 1)
    assert "error_subcode" not in body["error"]
    assert await client.sent() == ["esimene"]


async def test_headers_tell_how_long_access_is_lost(client: Client) -> None:
    rule = {"kind": "error", "code": 80006, "regain_minutes": 19, "retry_after": 7, "next": 1}
    await client.control("faults", {"rules": [rule]})
    _, _, headers = await send(client, "esimene")
    assert usage(headers) == (100, 19)
    assert headers["Retry-After"] == "7"
    _, _, headers = await send(client, "teine")
    assert usage(headers) == (0, 0)


async def test_the_hours_calls_can_be_used_up(client: Client) -> None:
    limits = await client.control("limits", {"calls_per_hour": 2})
    assert limits["calls_per_hour"] == 2
    assert usage((await send(client, "esimene"))[2]) == (50, 0)
    assert usage((await send(client, "teine"))[2]) == (100, 60)
    status, body, headers = await send(client, "kolmas")
    assert (status, body["error"]["code"], usage(headers)) == (400, 80006, (100, 60))
    assert await client.sent() == ["esimene", "teine"]


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "error", "next": 1},
        {"kind": "error", "code": "190", "next": 1},
        {"kind": "error", "code": 190, "status": 20, "next": 1},
        {"kind": "error", "code": 190, "done": 1, "next": 1},
    ],
    ids=str,
)
async def test_an_error_that_makes_no_sense_is_refused(
    client: Client, rule: dict[str, object]
) -> None:
    url = f"{client.url}/control/faults"
    async with client.http.post(url, json={"rules": [rule]}) as response:
        assert response.status == 400


async def test_a_request_arrives_when_it_comes_and_not_when_a_busy_process_reads_it() -> None:
    arrivals = Arrivals()
    ago: list[float] = []

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        ago.append(arrivals.seconds_ago(request))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    bound = socket.create_server(("127.0.0.1", 0))
    listening = arrivals.listening(bound)
    await web.SockSite(runner, listening).start()
    reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
    try:
        # Of the first, times are noted only if the connection was taken before it came.
        for busy_seconds in (0.0, 0.3, 0.0):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            time.sleep(busy_seconds)  # noqa: ASYNC251 - the loop is to be busy
            await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        await runner.cleanup()
    _, busy, idle = ago
    # Elsewhere than on Linux the moment of reading has to do.
    assert busy >= (0.29 if sys.platform == "linux" else 0)
    assert idle <= busy
