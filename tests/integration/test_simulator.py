"""The simulator over HTTP: webhooks, restarts, and the process."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from tests.integration.simulator_harness import (
    FIRST,
    SECOND,
    SECRET,
    TOKEN,
    Client,
    RecordingService,
    configuration,
    running_service,
    running_simulator,
    settled,
)
from vestlus.simulator import Simulator


@pytest.fixture
async def service() -> AsyncIterator[RecordingService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: RecordingService, tmp_path: Path) -> AsyncIterator[Client]:
    async with running_simulator(service, tmp_path) as running:
        yield running


async def test_a_message_is_posted_signed_and_its_acceptance_recorded(
    client: Client, service: RecordingService
) -> None:
    written = await client.control("messages", {"user": "u1", "text": "Tere õhtust! #u1-1"})
    await service.until(lambda: len(service.events) == 1)

    assert service.events[0]["message"] == {"mid": written["mid"], "text": "Tere õhtust! #u1-1"}
    assert b"\\u00f5htust" in service.bodies[0]
    messages = await settled(client, "u1")
    assert messages[0]["delivery"] == "delivered"
    assert messages[0]["accepted_order"] is not None


async def test_whatever_is_not_answered_200_is_posted_again(
    client: Client, service: RecordingService
) -> None:
    service.script = [503, 500, 302]
    await client.control("webhooks", {"retry_first_seconds": 0.01, "retry_cap_seconds": 0.02})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    messages = await settled(client, "u1")
    assert messages[0]["attempts"] == 4
    assert len(service.events) == 1


async def test_first_attempts_of_one_user_keep_their_order(
    client: Client, service: RecordingService
) -> None:
    await client.control("webhooks", {"delay_seconds": [0, 0.01]})
    bodies = [{"user": f"u{n % 5}", "text": f"{n}"} for n in range(100)]
    written = await client.control("messages", bodies)
    await service.until(lambda: len(service.events) == 100)
    came = service.mids()
    for user in range(5):
        mine = [each["mid"] for each in written if each["user"] == f"u{user}"]
        assert [mid for mid in came if mid in mine] == mine


async def test_events_can_be_batched(client: Client, service: RecordingService) -> None:
    await client.control("webhooks", {"batch_events": 20, "entry_events": 4, "batch_ms": 5000})
    bodies = [
        {"user": f"u{n}", "text": f"{n}", "account": (FIRST, SECOND)[n % 2]} for n in range(40)
    ]
    await client.control("messages", bodies)
    await service.until(lambda: len(service.events) == 40)
    assert len(service.bodies) == 2
    assert [len(entry["messaging"]) for entry in json.loads(service.bodies[0])["entry"]] == [
        *(4, 4, 4, 4, 2, 2),
    ]


async def test_duplicates_and_pauses_are_made_on_request(
    client: Client, service: RecordingService
) -> None:
    await client.control("webhooks", {"paused": True, "duplicate_probability": 1})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    assert (await client.get("/control/stats"))["webhooks_pending"] == 1
    assert not service.bodies
    await client.control("webhooks", {"paused": False})
    await service.until(lambda: len(service.bodies) == 2)
    assert service.bodies[0] == service.bodies[1]


async def test_a_reordered_event_lets_later_ones_pass(
    client: Client, service: RecordingService
) -> None:
    await client.control("webhooks", {"reorder_probability": 1, "reorder_seconds": 0.2})
    late = await client.control("messages", {"user": "u1", "text": "1"})
    await client.control("webhooks", {"reorder_probability": 0})
    early = await client.control("messages", {"user": "u1", "text": "2"})
    await service.until(lambda: len(service.events) == 2)
    assert service.mids() == [early["mid"], late["mid"]]


async def test_undelivered_webhooks_and_history_survive_a_restart(
    service: RecordingService, tmp_path: Path
) -> None:
    config = configuration(service, tmp_path)
    async with aiohttp.ClientSession() as http:
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            await client.control("messages", {"user": "u1", "text": "enne"})
            await settled(client, "u1")
            await client.send("vastus")
            await service.until(lambda: len(service.events) == 2)
            service.script = [503] * 3
            await client.control("messages", {"user": "u1", "text": "pärast"})
            await service.until(lambda: len(service.bodies) == 3)
            await client.control("webhooks", {"paused": True})
            last = await client.control("messages", {"user": "u1", "text": "viimane"})
        service.script = []
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            messages = await settled(client, "u1")
            assert [each["text"] for each in messages] == ["enne", "vastus", "pärast", "viimane"]
            assert messages[2]["attempts"] >= 2
            orders = [each["accepted_order"] for each in messages if each["direction"] == "in"]
            assert orders[0] < min(orders[1:])
            added = await client.control("messages", {"user": "u1", "text": "uus"})
            assert added["seq"] == last["seq"] + 1
            await settled(client, "u1")
    assert len(service.mids()) == len(set(service.mids())) == 4


async def test_raw_webhooks_are_posted_once_each_with_any_signature(
    client: Client, service: RecordingService
) -> None:
    payload = {"object": "instagram", "entry": []}
    good = await client.control("raw-webhook", {"payload": payload, "times": 3, "parallel": True})
    assert [each["status"] for each in good["responses"]] == [200, 200, 200]
    for kind in ("missing", "wrong"):
        bad = await client.control("raw-webhook", {"payload": payload, "signature": kind})
        assert [each["status"] for each in bad["responses"]] == [401]
    assert len(service.bodies) == 3


async def test_the_process_prints_its_address_and_stops_on_a_signal(
    service: RecordingService, tmp_path: Path
) -> None:
    arguments = ["--port", "0", "--data", str(tmp_path / "s.sqlite"), "--account-id", FIRST]
    secrets = {
        "VESTLUS_SIMULATOR_APP_SECRET": SECRET,
        "VESTLUS_SIMULATOR_ACCESS_TOKEN": TOKEN,
    }
    for number in (signal.SIGTERM, signal.SIGINT):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vestlus.simulator", *arguments),
            *("--webhook-url", f"{service.url}/webhook"),
            env={**os.environ, **secrets},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(20):
                assert process.stdout is not None
                url = json.loads(await process.stdout.readline())["url"]
                async with aiohttp.ClientSession() as http:
                    client = Client(url, http)
                    assert (await client.get("/control/info"))["accounts"] == [FIRST]
                    stream = await http.get(f"{url}/page/events")
                    assert stream.status == 200
                    process.send_signal(number)
                    assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_data_file_that_cannot_be_written_is_a_failure(
    service: RecordingService, tmp_path: Path
) -> None:
    config = configuration(service, tmp_path)
    async with Simulator(config) as simulator, aiohttp.ClientSession() as http:
        with closing(sqlite3.connect(config.data)) as connection:
            connection.execute("DROP TABLE message")
        await Client(simulator.url, http).control("messages", {"user": "u1", "text": "Tere"})
        with pytest.raises(sqlite3.OperationalError):
            async with asyncio.timeout(10):
                await simulator.wait_failed()
