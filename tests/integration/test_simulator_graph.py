"""The pretend Graph API accepts and refuses what Meta does, and misbehaves as told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.simulator_harness import (
    FIRST,
    PNG,
    SECOND,
    TOKEN,
    Client,
    RecordingService,
    running_service,
    running_simulator,
)


@pytest.fixture
async def service() -> AsyncIterator[RecordingService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: RecordingService, tmp_path: Path) -> AsyncIterator[Client]:
    async with running_simulator(service, tmp_path) as running:
        yield running


async def test_a_send_reaches_the_user_and_comes_back_as_an_echo(
    client: Client, service: RecordingService
) -> None:
    written = await client.control("messages", {"user": "u1", "text": "Tere"})
    waiting = asyncio.create_task(client.get("/control/wait", user="u1", after=written["seq"]))
    status, sent = await client.send("Tere vastu")
    assert status == 200
    assert sent["recipient_id"] == "u1"
    received = (await waiting)["messages"]
    assert [(each["mid"], each["text"]) for each in received] == [
        (sent["message_id"], "Tere vastu")
    ]
    await service.until(lambda: service.mids(echoes=True) == [sent["message_id"]])
    echo = service.events[-1]
    assert (echo["sender"]["id"], echo["recipient"]["id"]) == (FIRST, "u1")


async def test_sends_that_meta_would_refuse_are_refused(client: Client) -> None:
    day_ago_ms = 1000
    await client.control("messages", {"user": "u1", "text": "Tere"})
    await client.control("messages", {"user": "old", "text": "Tere", "timestamp_ms": day_ago_ms})

    async def codes(*, text: str, user: str, account: str = FIRST) -> tuple[int, int, int]:
        status, body = await client.send(text, user, account)
        assert body["error"]["fbtrace_id"]
        return status, body["error"]["code"], body["error"].get("error_subcode", 0)

    assert await codes(text="x", user="stranger") == (400, 100, 2534014)
    assert await codes(text="x", user="u1", account=SECOND) == (400, 100, 2534014)
    assert await codes(text="x", user="old") == (400, 10, 2534022)
    assert await codes(text="õ" * 501, user="u1") == (400, 100, 2534015)
    assert await codes(text=" ", user="u1") == (400, 100, 2534015)
    async with client.http.post(f"{client.url}/graph/v25.0/me/messages", json={}) as response:
        assert response.status == 401
        assert (await response.json())["error"]["code"] == 190
    assert await client.sent() == []


async def test_media_is_really_fetched_and_kept(client: Client, service: RecordingService) -> None:
    await client.control("messages", {"user": "u1", "text": "Pilt?"})

    async def send(*kinds: str) -> tuple[int, dict[str, Any]]:
        attachments = [
            {"type": "image", "payload": {"url": f"{service.url}/media/{kind}"}} for kind in kinds
        ]
        message = {"attachments": attachments}
        return await client.graph("POST", "me/messages", recipient={"id": "u1"}, message=message)

    expected = {"missing": 2018008, "page": 2018047, "huge": 2018109}
    for kind, subcode in expected.items():
        status, body = await send(kind)
        assert (status, body["error"]["error_subcode"]) == (400, subcode)
    status, _ = await send("good", "good")
    assert status == 200
    messages = (await client.get("/control/conversation", user="u1"))["messages"]
    assert len(messages) == 2
    media = messages[1]["attachments"][0]["media"]
    async with client.http.get(client.url + media) as response:
        assert await response.read() == PNG


async def test_the_rate_is_enforced_for_each_account(client: Client) -> None:
    await client.control("limits", {"sends_per_second": 3, "conversations_per_second": 1})
    for account in (FIRST, SECOND):
        await client.control("messages", {"user": "u1", "text": "Tere", "account": account})
    results = [await client.send(f"{n}", "u1", FIRST) for n in range(4)]
    assert [status for status, _ in results] == [200, 200, 200, 400]
    assert results[3][1]["error"]["error_subcode"] == 2534040
    assert (await client.send("x", "u1", SECOND))[0] == 200
    path = f"{FIRST}/conversations?platform=instagram&user_id=u1"
    assert [(await client.graph("GET", path))[0] for _ in range(2)] == [200, 400]


async def test_the_newest_twenty_messages_of_a_conversation_can_be_read(client: Client) -> None:
    await client.control("limits", {"conversations_per_second": None})
    await client.control("messages", [{"user": "u1", "text": f"{n}"} for n in range(25)])
    _, sent = await client.send("vastus")
    path = f"{FIRST}/conversations?platform=instagram&user_id=u1"
    _, listed = await client.graph("GET", path)
    conversation = listed["data"][0]["id"]
    fields = "messages{id,created_time,from,to,message}"
    _, read = await client.graph("GET", f"{conversation}?fields={fields}")
    messages = read["messages"]["data"]
    assert len(messages) == 20
    assert messages[0]["id"] == sent["message_id"]
    assert messages[0]["from"]["id"] == FIRST
    assert messages[0]["to"]["data"][0]["id"] == "u1"
    assert [each["message"] for each in messages[1:3]] == ["24", "23"]
    oldest = (await client.get("/control/conversation", user="u1"))["messages"][0]["mid"]
    assert (await client.graph("GET", f"{messages[0]['id']}?fields=message"))[0] == 200
    assert (await client.graph("GET", oldest))[1]["error"]["code"] == 100


async def test_the_accounts_own_id_differs_from_that_of_webhooks(client: Client) -> None:
    _, me = await client.graph("GET", "me?fields=id,user_id,username")
    assert me["user_id"] == FIRST
    assert me["id"] != FIRST
    headers = {"Authorization": f"Bearer {TOKEN}.{SECOND}"}
    url = f"{client.url}/graph/v25.0/me?fields=user_id"
    async with client.http.get(url, headers=headers) as response:
        assert (await response.json())["user_id"] == SECOND


async def test_only_subscribed_fields_are_posted(client: Client, service: RecordingService) -> None:
    path = f"{FIRST}/subscribed_apps"
    assert (await client.graph("POST", f"{path}?subscribed_fields=messages"))[1] == {
        "success": True
    }
    assert (await client.graph("GET", path))[1]["data"][0]["subscribed_fields"] == ["messages"]
    await client.control("messages", {"user": "u1", "text": "Tere"})
    await client.send("vastus")
    await client.control("messages", {"user": "u1", "text": "Tere jälle"})
    await service.until(lambda: len(service.events) == 2)
    assert service.mids(echoes=True) == []


async def test_typing_and_seen_are_shown(client: Client) -> None:
    written = await client.control("messages", {"user": "u1", "text": "Tere"})
    for action in ("mark_seen", "typing_on"):
        path = f"{FIRST}/messages"
        status, answer = await client.graph(
            "POST", path, recipient={"id": "u1"}, sender_action=action
        )
        assert (status, answer) == (200, {"recipient_id": "u1"})
    shown = await client.get("/control/conversation", user="u1")
    assert (shown["typing"], shown["seen_seq"]) == (True, written["seq"])
    await client.send("vastus")
    assert not (await client.get("/control/conversation", user="u1"))["typing"]


@pytest.mark.parametrize(
    ("kind", "outcome", "done"),
    [
        ("apply", (500, 1), True),
        ("drop", "cut", True),
        ("refuse", "cut", False),
        ("throttle", (400, 613), False),
        ("server_error", (500, 2), False),
        ("hang", "cut", False),
        ("slow", (200, 0), True),
    ],
)
async def test_a_fault_does_what_it_says(
    client: Client, kind: str, outcome: object, *, done: bool
) -> None:
    await client.control("messages", {"user": "u1", "text": "Tere"})
    await client.control("faults", {"rules": [{"kind": kind, "next": 1, "seconds": 0.05}]})
    try:
        status, body = await client.send("vastus")
        assert (status, body.get("error", {}).get("code", 0)) == outcome
    except aiohttp.ServerDisconnectedError:
        assert outcome == "cut"
    assert await client.sent() == (["vastus"] if done else [])
    assert (await client.send("teine"))[0] == 200
    assert (await client.get("/control/stats"))["graph_faults_fired"] == {kind: 1}


async def test_garbage_is_answered_to_what_was_done(client: Client) -> None:
    await client.control("messages", {"user": "u1", "text": "Tere"})
    rules = [{"kind": "garbage", "next": 1, "op": op} for op in ("send", "conversations")]
    await client.control("faults", {"rules": rules})
    url, token = f"{client.url}/graph/v25.0/{FIRST}", {"Authorization": f"Bearer {TOKEN}"}
    sent = {"recipient": {"id": "u1"}, "message": {"text": "vastus"}}
    calls = (("POST", f"{url}/messages", sent), ("GET", f"{url}/conversations", None))
    for method, path, body in calls:
        async with client.http.request(method, path, json=body, headers=token) as answer:
            assert (answer.status, (await answer.text())[:1]) == (200, "<")
    assert await client.sent() == ["vastus"]
    counted = (await client.get("/control/stats"))["graph_faults_by_op"]
    assert counted == {"send garbage": 1, "conversations garbage": 1}


async def test_a_late_send_is_done_after_the_connection_was_cut(client: Client) -> None:
    written = await client.control("messages", {"user": "u1", "text": "Tere"})
    await client.control("faults", {"rules": [{"kind": "late", "next": 1, "seconds": 0.2}]})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.send("vastus")
    assert await client.sent() == []
    late = await client.get("/control/wait", user="u1", after=written["seq"], timeout=5)
    assert [each["text"] for each in late["messages"]] == ["vastus"]
