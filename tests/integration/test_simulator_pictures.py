"""Pictures on their way through the pretend Graph API, and back through echoes and listings."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.integration.simulator_harness import (
    FIRST,
    SECOND,
    Client,
    RecordingService,
    configuration,
    picture,
    running_service,
    running_simulator,
)
from vestlus.simulator import Simulator


@pytest.fixture
async def service() -> AsyncIterator[RecordingService]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: RecordingService, tmp_path: Path) -> AsyncIterator[Client]:
    async with running_simulator(service, tmp_path) as running:
        await running.control("messages", {"user": "u1", "text": "Pilt?"})
        yield running


async def uploaded(client: Client, url: str, account: str = "me") -> str:
    payload = {"url": url, "is_reusable": True}
    message = {"attachment": {"type": "image", "payload": payload}}
    status, body = await client.graph("POST", f"{account}/message_attachments", message=message)
    assert status == 200, body
    upload: str = body["attachment_id"]
    return upload


async def test_what_graph_fetched_is_hashed_and_kept(client: Client) -> None:
    body = picture(40, 30, shows="Lugemissaal")
    status, _ = await client.send_pictures({"url": await client.kept(body)})
    assert status == 200
    message = (await client.get("/control/conversation", user="u1"))["messages"][1]
    attachment = message["attachments"][0]
    assert attachment["sha256"] == hashlib.sha256(body).hexdigest()
    assert attachment["alt"] == "Lugemissaal"
    async with client.http.get(client.url + attachment["media"]) as response:
        assert await response.read() == body


async def test_addresses_and_uploads_share_a_message(
    client: Client, service: RecordingService
) -> None:
    bodies = [picture(40 + n, 30) for n in range(3)]
    urls = [await client.kept(body) for body in bodies]
    upload = await uploaded(client, urls[1])
    status, sent = await client.send_pictures(
        {"url": urls[0]}, {"attachment_id": upload}, {"url": urls[2]}
    )
    assert status == 200
    message = (await client.get("/control/conversation", user="u1"))["messages"][1]
    hashes = [each["sha256"] for each in message["attachments"]]
    assert hashes == [hashlib.sha256(body).hexdigest() for body in bodies]
    await service.until(lambda: service.mids(echoes=True) == [sent["message_id"]])
    assert len(service.messages(echoes=True)[0]["attachments"]) == 3


async def test_an_upload_is_fetched_once_and_sent_from_what_was_kept(
    client: Client, service: RecordingService
) -> None:
    upload = await uploaded(client, f"{service.url}/media/good")
    for _ in range(2):
        assert (await client.send_pictures({"attachment_id": upload}))[0] == 200
    messages = (await client.get("/control/conversation", user="u1"))["messages"]
    assert messages[1]["attachments"] == messages[2]["attachments"]


async def test_an_upload_belongs_to_its_account(client: Client) -> None:
    url = await client.kept(picture(9, 9))
    upload = await uploaded(client, url, SECOND)
    for unknown in (upload, "1234"):
        status, body = await client.send_pictures({"attachment_id": unknown})
        assert (status, body["error"]["code"]) == (400, 100)
        assert body["error"]["error_subcode"] == 2018008
    payload = {"url": url, "is_reusable": False}
    message = {"attachment": {"type": "image", "payload": payload}}
    status, body = await client.graph("POST", "me/message_attachments", message=message)
    assert (status, body["error"]["code"]) == (400, 100)


async def test_uploads_survive_a_restart(service: RecordingService, tmp_path: Path) -> None:
    config = configuration(service, tmp_path)
    async with aiohttp.ClientSession() as http:
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            await client.control("messages", {"user": "u1", "text": "Pilt?"})
            upload = await uploaded(client, await client.kept(picture(9, 9)))
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            assert (await client.send_pictures({"attachment_id": upload}))[0] == 200


async def test_the_listing_shows_pictures_when_it_is_asked_to(client: Client) -> None:
    body = picture(40, 30)
    await client.send_pictures({"url": await client.kept(body)})
    path = f"{FIRST}/conversations?platform=instagram&user_id=u1"
    conversation = (await client.graph("GET", path))[1]["data"][0]["id"]
    fields = "messages{id,created_time,from,to,message,attachments}"
    _, read = await client.graph("GET", f"{conversation}?fields={fields}")
    newest, oldest = read["messages"]["data"]
    assert newest["message"] == ""
    address = newest["attachments"]["data"][0]["image_data"]["url"]
    async with client.http.get(address) as response:
        assert await response.read() == body
    assert "attachments" not in oldest


async def test_text_and_picture_sent_together_are_two_messages_with_two_echoes(
    client: Client, service: RecordingService
) -> None:
    attachment = {"type": "image", "payload": {"url": await client.kept(picture(9, 9))}}
    message = {"text": "Siin on pilt", "attachment": attachment}
    status, sent = await client.graph(
        "POST", "me/messages", recipient={"id": "u1"}, message=message
    )
    assert status == 200
    await service.until(lambda: len(service.mids(echoes=True)) == 2)
    first, second = service.messages(echoes=True)
    assert (first["mid"], first["text"]) == (sent["message_id"], "Siin on pilt")
    assert "text" not in second
    assert len(second["attachments"]) == 1


async def test_a_persons_tag_is_recorded_and_opens_seven_days(client: Client) -> None:
    info = await client.get("/control/conversation", user="u1")
    now_ms = int(info["messages"][0]["created_at"] * 1000)
    for days in (2, 8):
        stamp = now_ms - days * 24 * 3600 * 1000
        await client.control("messages", {"user": f"d{days}", "text": "?", "timestamp_ms": stamp})

    async def send(user: str, **more: str) -> tuple[int, int]:
        message = {"text": "Tere"}
        status, body = await client.graph(
            "POST", "me/messages", recipient={"id": user}, message=message, **more
        )
        return status, body.get("error", {}).get("error_subcode", 0)

    assert await send("d2") == (400, 2534022)
    assert await send("d2", tag="HUMAN_AGENT") == (200, 0)
    assert await send("d8", tag="HUMAN_AGENT") == (400, 2534022)
    assert (await send("d2", tag="ACCOUNT_UPDATE"))[0] == 400
    messages = (await client.get("/control/conversation", user="d2"))["messages"]
    assert [each["tag"] for each in messages] == [None, "HUMAN_AGENT"]
    verdict = await client.get("/control/check")
    assert not verdict["ok"]
    assert [each["user"] for each in verdict["outside_window"]] == ["d2", "d8"]
