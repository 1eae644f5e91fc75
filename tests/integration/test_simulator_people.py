"""What people do in the Instagram app, and what comes of it: echoes, changes, hand-overs."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.integration.simulator_harness import (
    FIRST,
    Client,
    RecordingService,
    configuration,
    picture,
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


async def listed(client: Client, user: str = "u1") -> list[tuple[str, str]]:
    path = f"{FIRST}/conversations?platform=instagram&user_id={user}"
    conversation = (await client.graph("GET", path))[1]["data"][0]["id"]
    _, read = await client.graph("GET", f"{conversation}?fields=messages{{id,message}}")
    return [(each["id"], each["message"]) for each in read["messages"]["data"]]


async def test_an_echo_may_bear_another_mid_which_the_listing_has_too(
    client: Client, service: RecordingService
) -> None:
    await client.control("webhooks", {"echo_mids": "different"})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    _, sent = await client.send("Tere vastu")
    await service.until(lambda: len(service.mids(echoes=True)) == 1)
    mid = service.mids(echoes=True)[0]
    assert mid != sent["message_id"]
    message = (await client.get("/control/conversation", user="u1"))["messages"][1]
    assert (message["mid"], message["echo_mid"]) == (sent["message_id"], mid)
    assert (await listed(client))[0] == (mid, "Tere vastu")
    await client.control("limits", {"conversations_per_second": None})
    assert (await client.graph("GET", f"{mid}?fields=message"))[0] == 200
    assert (await client.graph("GET", f"{sent['message_id']}?fields=message"))[0] == 400
    await client.control("react", {"mid": sent["message_id"]})
    await service.until(lambda: "reaction" in service.events[-1])
    assert service.events[-1]["reaction"]["mid"] == mid


async def test_an_echo_may_have_the_same_words_in_other_bytes(
    client: Client, service: RecordingService
) -> None:
    await client.control("webhooks", {"echo_texts": "altered"})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    text = "Õhtul  avatud\n\n9-17 "
    await client.send(text)
    await service.until(lambda: len(service.mids(echoes=True)) == 1)
    came = service.messages(echoes=True)[0]["text"]
    assert came != text
    assert unicodedata.normalize("NFC", came) == "Õhtul avatud 9-17"
    assert (await listed(client))[0][1] == came
    assert await client.sent() == [text]


@pytest.mark.parametrize("fault", [None, "apply"])
async def test_an_echo_may_be_answered_before_the_send_is(
    client: Client, service: RecordingService, fault: str | None
) -> None:
    await client.control("webhooks", {"echo_first": True, "echo_delay_seconds": 0.1})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    if fault:
        await client.control("faults", {"rules": [{"kind": fault, "next": 1}]})
    status, _ = await client.send("Tere vastu")
    assert status == (500 if fault else 200)
    # Not waited for: it is there.
    assert len(service.mids(echoes=True)) == 1
    message = (await client.get("/control/conversation", user="u1"))["messages"][1]
    assert message["echoed_at"] >= message["started_at"]


async def test_a_send_is_answered_in_the_end_although_its_echo_is_not(
    client: Client, service: RecordingService
) -> None:
    await client.control("messages", {"user": "u1", "text": "Tere"})
    await settled(client, "u1")
    await client.control("webhooks", {"echo_first": True, "paused": True, "timeout_seconds": 0.1})
    assert (await client.send("Tere vastu"))[0] == 200
    assert service.mids(echoes=True) == []


async def test_a_persons_text_with_a_picture_makes_two_echoes(
    client: Client, service: RecordingService
) -> None:
    address = await client.kept(picture(9, 9))
    body = {"user": "u1", "text": "Siin Mari", "attachments": [{"url": address, "alt": "Uks"}]}
    answer = await client.control("personal-answer", body)
    await service.until(lambda: len(service.mids(echoes=True)) == 2)
    assert [each["mid"] for each in answer["messages"]] == service.mids(echoes=True)
    assert answer["messages"][1]["attachments"][0]["alt"] == "Uks"


async def test_a_user_takes_back_edits_and_reacts(
    client: Client, service: RecordingService
) -> None:
    first = await client.control("messages", {"user": "u1", "text": "Vale"})
    second = await client.control("messages", {"user": "u1", "text": "Mis kell?"})
    _, sent = await client.send("9-17")
    await settled(client, "u1")
    taken = await client.control("unsend", {"mid": first["mid"]})
    edited = await client.control("edit", {"mid": second["mid"], "text": "Mis päeval?"})
    for action in ("react", "unreact"):
        await client.control("react", {"mid": sent["message_id"], "emoji": "👍", "action": action})
    assert taken["unsent"]
    assert (edited["text"], edited["edits"]) == ("Mis päeval?", 1)
    await service.until(lambda: sum("reaction" in event for event in service.events) == 2)
    changes = [event for event in service.events if not event.get("message", {}).get("is_echo")]
    assert changes[2]["message"] == {"mid": first["mid"], "is_deleted": True}
    assert changes[3]["message_edit"]["text"] == "Mis päeval?"
    assert [each["reaction"]["action"] for each in changes[4:]] == ["react", "unreact"]
    assert changes[4]["reaction"]["emoji"] == "👍"
    assert [text for _, text in await listed(client)] == ["9-17", "Mis päeval?"]
    for path, body in [
        ("unsend", {"mid": first["mid"]}),
        ("unsend", {"mid": sent["message_id"]}),
        ("edit", {"mid": second["mid"]}),
        ("react", {"mid": "unknown"}),
        ("handover", {"user": "u1", "action": "drop"}),
        ("standby", {"user": "u1"}),
    ]:
        async with client.http.post(f"{client.url}/control/{path}", json=body) as response:
            assert response.status == 400, path


async def test_another_app_can_have_the_thread(client: Client, service: RecordingService) -> None:
    for action in ("take", "request", "pass"):
        answer = await client.control("handover", {"user": "u1", "action": action})
        assert answer["posted"]
    written = await client.control("standby", {"user": "u1", "text": "Kas keegi on seal?"})
    await service.until(lambda: len(service.standby) == 1)
    assert service.standby[0]["message"] == {"mid": written["mid"], "text": "Kas keegi on seal?"}
    names = [next(name for name in event if name.endswith("_control")) for event in service.events]
    assert names == ["take_thread_control", "request_thread_control", "pass_thread_control"]
    assert not written["expects_answer"]
    messages = await settled(client, "u1")
    assert messages[0]["accepted_order"] is not None


async def test_what_is_sent_after_a_person_is_a_breach_until_it_is_handed_back(
    service: RecordingService, tmp_path: Path
) -> None:
    config = configuration(service, tmp_path)
    async with aiohttp.ClientSession() as http:
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            await client.control("messages", {"user": "u1", "text": "Tere #u1-0"})
            await client.send("Tere! #u1-0")
            await client.control("personal-answer", {"user": "u1", "text": "Siin Mari"})
            while (await client.get("/control/conversation", user="u1"))["messages"][-1][
                "echoed_at"
            ] is None:
                await asyncio.sleep(0.01)
            assert (await client.get("/control/check", wait=5))["ok"]
            await client.send("Segan vahele")
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            verdict = await client.get("/control/check")
            assert [each["user"] for each in verdict["after_person"]] == ["u1"]
            assert not verdict["ok"]
            after = verdict["after_person"][0]["seq"]
            await client.control("handed-back", {"user": "u1"})
            await client.send("Jälle mina")
            assert (await client.get("/control/check", after=after))["ok"]
        async with Simulator(config) as simulator:
            client = Client(simulator.url, http)
            assert len((await client.get("/control/check"))["after_person"]) == 1


async def test_any_answer_will_do_where_it_is_said_so(client: Client) -> None:
    body = {"user": "u1", "text": "Mul on halb #u1-0", "expects_answer": "any"}
    written = await client.control("messages", body)
    assert (written["expects_answer"], written["any_answer"]) == (True, True)
    await settled(client, "u1")
    assert len((await client.get("/control/check"))["lost"]) == 1
    await client.send("Helista 112.")
    assert (await client.get("/control/check"))["ok"]
