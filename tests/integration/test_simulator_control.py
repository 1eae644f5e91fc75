"""The control API and the chat page, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.simulator_harness import (
    PNG,
    Client,
    RecordingService,
    running_service,
    running_simulator,
    settled,
)


@pytest.fixture
async def service() -> AsyncIterator[RecordingService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: RecordingService, tmp_path: Path) -> AsyncIterator[Client]:
    async with running_simulator(service, tmp_path) as running:
        yield running


async def test_the_checker_judges_what_was_seen(client: Client) -> None:
    before = (await client.get("/control/info"))["seq"]
    await client.control("messages", [{"user": "u1", "text": f"? #u1-{n}"} for n in range(2)])
    await settled(client, "u1")
    assert len((await client.get("/control/check", after=before))["lost"]) == 2
    waiting = asyncio.create_task(client.get("/control/check", after=before, wait=10))
    await client.send("9-17 #u1-0 #u1-1")
    assert (await waiting)["ok"]
    await client.send("9-17 #u1-1")
    verdict = await client.get("/control/check", after=before, user_prefix="u")
    assert [each["marker"] for each in verdict["duplicated"]] == ["#u1-1"]
    assert (await client.get("/control/check", user_prefix="nobody"))["messages"] == 0


async def test_the_feed_shows_all_conversations_and_waits(client: Client) -> None:
    waiting = asyncio.create_task(client.get("/control/feed", after=0, timeout=10))
    await asyncio.sleep(0)
    await client.control("messages", [{"user": "u1", "text": "a"}, {"user": "u2", "text": "b"}])
    first = (await waiting)["messages"]
    assert first[0]["text"] == "a"
    everything = (await client.get("/control/feed", after=0))["messages"]
    assert [each["user"] for each in everything] == ["u1", "u2"]
    outgoing = client.get("/control/feed", after=0, direction="out", timeout=10)
    waiting = asyncio.create_task(outgoing)
    await client.send("c", "u2")
    assert [each["text"] for each in (await waiting)["messages"]] == ["c"]


async def test_a_person_can_answer_in_the_app(client: Client, service: RecordingService) -> None:
    await client.control("messages", {"user": "u1", "text": "Tere"})
    answer = await client.control("personal-answer", {"user": "u1", "text": "Siin Mari"})
    await service.until(lambda: service.mids(echoes=True) == [answer["mid"]])
    assert answer["author"] == "person"


async def test_wrong_control_requests_are_told_what_is_wrong(client: Client) -> None:
    for path, body in [
        ("messages", {"user": "u1"}),
        ("messages", {"account": "nobody", "text": "x"}),
        ("messages", [1]),
        ("faults", {"rules": [{"kind": "drop"}]}),
        ("webhooks", {"pause": True}),
        ("raw-webhook", {"times": 2}),
        ("limits", {"sends_per_second": -1}),
        ("model", {"latency_seconds": "slow"}),
    ]:
        async with client.http.post(f"{client.url}/control/{path}", json=body) as response:
            assert response.status == 400, path
            assert (await response.json())["error"]
    async with client.http.post(f"{client.url}/control/messages", data=b"{}") as response:
        assert response.status == 400


async def test_the_page_is_served_and_streams_a_conversation(client: Client) -> None:
    async with client.http.get(client.url) as response:
        assert response.status == 200
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        page = await response.text()
    for name in ("chat.css", "chat.js", "icon.svg"):
        assert f"/static/{name}" in page
        async with client.http.get(f"{client.url}/static/{name}") as response:
            assert response.status == 200
    async with client.http.get(f"{client.url}/page/events?user=u1") as stream:

        async def message() -> tuple[str, Any]:
            kind = (await stream.content.readline()).decode().strip()
            data = (await stream.content.readline()).decode().removeprefix("data: ")
            await stream.content.readline()
            return kind, json.loads(data)

        async with asyncio.timeout(10):
            assert await message() == (
                "event: snapshot",
                {"messages": [], "typing": False, "typing_seconds": 0.0, "seen_seq": 0},
            )
            await client.control("messages", {"user": "u1", "text": "Tere"})
            kind, body = await message()
            assert kind == "event: change"
            assert body["messages"][0]["text"] == "Tere"
            while body["messages"][0]["delivery"] != "delivered":
                _, body = await message()


async def test_a_picture_can_be_given_to_the_simulator_and_sent(
    client: Client, service: RecordingService
) -> None:
    url = f"{client.url}/control/media"
    headers = {"Content-Type": "image/png"}
    async with client.http.post(url, data=PNG, headers=headers) as response:
        address = (await response.json())["url"]
    await client.control("messages", {"user": "u1", "attachments": [{"url": address}]})
    await service.until(lambda: len(service.events) == 1)
    assert service.events[0]["message"]["attachments"] == [
        {"type": "image", "payload": {"url": address}}
    ]
    async with client.http.get(address) as response:
        assert await response.read() == PNG
    async with client.http.post(url, data=b"<html>", headers=headers) as response:
        assert response.status == 400


async def test_webhooks_can_be_lost_for_good_while_messages_stay_listed(
    client: Client, service: RecordingService
) -> None:
    await client.control("webhooks", {"paused": True})
    written = await client.control("messages", [{"user": "u1", "text": f"{n}"} for n in range(3)])
    assert (await client.control("webhooks/discard", {}))["discarded"] == 3
    await client.control("webhooks", {"paused": False})
    await client.control("messages", {"user": "u1", "text": "after"})
    await service.until(lambda: bool(service.messages()))
    assert [each["text"] for each in service.messages()] == ["after"]
    _, threads = await client.graph("GET", "me/conversations")
    path = f"{threads['data'][0]['id']}?fields=messages{{id,message}}"
    _, listed = await client.graph("GET", path)
    mids = [each["id"] for each in listed["messages"]["data"]]
    assert mids[:0:-1] == [each["mid"] for each in written]
