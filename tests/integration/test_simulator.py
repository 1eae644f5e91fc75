"""The simulator over HTTP: with a service that takes webhooks, and with the real OpenAI SDK."""

import asyncio
import hashlib
import hmac
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp
import openai
import pytest
from aiohttp import web
from pydantic import BaseModel

from vestlus.simulator import Simulator, SimulatorConfig

FIRST, SECOND = "17841400000000001", "17841400000000002"
SECRET, TOKEN = "app secret", "access token"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@dataclass
class Service:
    """What the simulator talks to: records webhooks and answers as told."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    script: list[int] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if request.headers.get("X-Hub-Signature-256") != f"sha256={signed}":
            return web.Response(status=401)
        status = self.script.pop(0) if self.script else 200
        self.bodies.append(body)
        if status == 200:
            for entry in json.loads(body)["entry"]:
                self.events += entry["messaging"]
        self.came.set()
        return web.Response(status=status)

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not ready():
                self.came.clear()
                await self.came.wait()

    def mids(self, *, echoes: bool = False) -> list[str]:
        messages = [event["message"] for event in self.events]
        return [each["mid"] for each in messages if each.get("is_echo", False) == echoes]


@asynccontextmanager
async def running_service() -> AsyncIterator[Service]:
    service = Service()

    async def picture(request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if kind == "missing":
            raise web.HTTPNotFound
        body = b"x" * (9 * 1024 * 1024) if kind == "huge" else PNG
        return web.Response(body=body, content_type="text/html" if kind == "page" else "image/png")

    app = web.Application()
    app.add_routes([web.post("/webhook", service.take), web.get("/media/{kind}", picture)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield service
    finally:
        await runner.cleanup()


@dataclass
class Client:
    """Calls one simulator."""

    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        async with self.http.get(self.url + path, params=query) as response:
            return await response.json()

    async def control(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        async with self.http.post(f"{self.url}/control/{path}", json=body) as response:
            answer = await response.json()
            assert response.status == 200, answer
            return answer

    async def graph(self, method: str, path: str, **body: object) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.url}/graph/v25.0/{path}"
        async with self.http.request(method, url, json=body or None, headers=headers) as response:
            answer = await response.json()
            assert "X-App-Usage" in response.headers
            return response.status, answer

    async def send(self, text: str, user: str = "u1", account: str = FIRST) -> Any:  # noqa: ANN401
        path = f"{account}/messages"
        message = {"text": text}
        return await self.graph("POST", path, recipient={"id": user}, message=message)

    async def sent(self, user: str = "u1") -> list[str]:
        body = await self.get("/control/conversation", user=user)
        return [each["text"] for each in body["messages"] if each["direction"] == "out"]


def configuration(service: Service, folder: Path) -> SimulatorConfig:
    return SimulatorConfig(
        data=folder / "simulator.sqlite",
        webhook_url=f"{service.url}/webhook",
        app_secret=SECRET,
        access_token=TOKEN,
        account_ids=(FIRST, SECOND),
        model_label="A model for tests",
    )


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running_service() as running:
        yield running


@pytest.fixture
async def client(service: Service, tmp_path: Path) -> AsyncIterator[Client]:
    async with (
        Simulator(configuration(service, tmp_path)) as simulator,
        aiohttp.ClientSession() as http,
    ):
        yield Client(simulator.url, http)


# Webhooks


async def test_a_message_is_posted_signed_and_its_acceptance_recorded(
    client: Client, service: Service
) -> None:
    written = await client.control("messages", {"user": "u1", "text": "Tere õhtust! #u1-1"})
    await service.until(lambda: len(service.events) == 1)

    assert service.events[0]["message"] == {"mid": written["mid"], "text": "Tere õhtust! #u1-1"}
    assert b"\\u00f5htust" in service.bodies[0]
    messages = await settled(client, "u1")
    assert messages[0]["delivery"] == "delivered"
    assert messages[0]["accepted_order"] is not None


async def settled(client: Client, user: str) -> list[dict[str, Any]]:
    """Return a user's messages once all of them are accepted."""
    while True:
        body = await client.get("/control/conversation", user=user)
        if all(each["delivery"] in {None, "delivered"} for each in body["messages"]):
            messages: list[dict[str, Any]] = body["messages"]
            return messages
        await asyncio.sleep(0.01)


async def test_whatever_is_not_answered_200_is_posted_again(
    client: Client, service: Service
) -> None:
    service.script = [503, 500, 302]
    await client.control("webhooks", {"retry_first_seconds": 0.01, "retry_cap_seconds": 0.02})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    messages = await settled(client, "u1")
    assert messages[0]["attempts"] == 4
    assert len(service.events) == 1


async def test_first_attempts_of_one_user_keep_their_order(
    client: Client, service: Service
) -> None:
    await client.control("webhooks", {"delay_seconds": [0, 0.01]})
    bodies = [{"user": f"u{n % 5}", "text": f"{n}"} for n in range(100)]
    written = await client.control("messages", bodies)
    await service.until(lambda: len(service.events) == 100)
    came = service.mids()
    for user in range(5):
        mine = [each["mid"] for each in written if each["user"] == f"u{user}"]
        assert [mid for mid in came if mid in mine] == mine


async def test_events_can_be_batched(client: Client, service: Service) -> None:
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


async def test_duplicates_and_pauses_are_made_on_request(client: Client, service: Service) -> None:
    await client.control("webhooks", {"paused": True, "duplicate_probability": 1})
    await client.control("messages", {"user": "u1", "text": "Tere"})
    assert (await client.get("/control/stats"))["webhooks_pending"] == 1
    assert not service.bodies
    await client.control("webhooks", {"paused": False})
    await service.until(lambda: len(service.bodies) == 2)
    assert service.bodies[0] == service.bodies[1]


async def test_a_reordered_event_lets_later_ones_pass(client: Client, service: Service) -> None:
    await client.control("webhooks", {"reorder_probability": 1, "reorder_seconds": 0.2})
    late = await client.control("messages", {"user": "u1", "text": "1"})
    await client.control("webhooks", {"reorder_probability": 0})
    early = await client.control("messages", {"user": "u1", "text": "2"})
    await service.until(lambda: len(service.events) == 2)
    assert service.mids() == [early["mid"], late["mid"]]


async def test_undelivered_webhooks_and_history_survive_a_restart(
    service: Service, tmp_path: Path
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
    client: Client, service: Service
) -> None:
    payload = {"object": "instagram", "entry": []}
    good = await client.control("raw-webhook", {"payload": payload, "times": 3, "parallel": True})
    assert [each["status"] for each in good["responses"]] == [200, 200, 200]
    for kind in ("missing", "wrong"):
        bad = await client.control("raw-webhook", {"payload": payload, "signature": kind})
        assert [each["status"] for each in bad["responses"]] == [401]
    assert len(service.bodies) == 3


# Graph API


async def test_a_send_reaches_the_user_and_comes_back_as_an_echo(
    client: Client, service: Service
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


async def test_media_is_really_fetched_and_kept(client: Client, service: Service) -> None:
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
    async with client.http.get(f"{client.url}/media/{media}") as response:
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


async def test_only_subscribed_fields_are_posted(client: Client, service: Service) -> None:
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


async def test_a_late_send_is_done_after_the_connection_was_cut(client: Client) -> None:
    written = await client.control("messages", {"user": "u1", "text": "Tere"})
    await client.control("faults", {"rules": [{"kind": "late", "next": 1, "seconds": 0.2}]})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.send("vastus")
    assert await client.sent() == []
    late = await client.get("/control/wait", user="u1", after=written["seq"], timeout=5)
    assert [each["text"] for each in late["messages"]] == ["vastus"]


# Control


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


async def test_a_person_can_answer_in_the_app(client: Client, service: Service) -> None:
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


# Page


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
    client: Client, service: Service
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


# Model


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    type: Literal["image"]
    image_id: str


class Reply(BaseModel):
    parts: list[ImagePart | TextPart]
    language: str | None
    handover: bool


PERSONA = "<persona>\nAvatud E-R 9-17.\nTelefon 654 9100.\n</persona>"


@pytest.fixture
async def model(client: Client) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{client.url}/openai/v1",
        api_key="any",
        max_retries=0,
        timeout=5,
        http_client=openai.DefaultAioHttpClient(),
    ) as made:
        yield made


def question(text: str) -> list[Any]:
    return [
        {"role": "user", "content": "Tere #u1-0"},
        {"role": "assistant", "content": "Tere!"},
        {"role": "user", "content": "Palun #u1-1"},
        {"role": "user", "content": text},
    ]


async def test_the_sdk_parses_structured_answers_of_the_responses_api(
    model: openai.AsyncOpenAI,
) -> None:
    response = await model.responses.parse(
        model="simulator",
        instructions=PERSONA,
        input=question("Mis kell te avate? #u1-2"),
        text_format=Reply,
        store=False,
    )
    assert response.output_parsed == Reply(
        parts=[TextPart(type="text", text="Avatud E-R 9-17. #u1-1 #u1-2")],
        language="et",
        handover=False,
    )
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens > 0


async def test_the_sdk_reads_plain_answers_of_the_responses_api(model: openai.AsyncOpenAI) -> None:
    response = await model.responses.create(
        model="simulator", instructions=PERSONA, input="What is your phone number?"
    )
    assert response.output_text == "Telefon 654 9100."


async def test_the_sdk_parses_structured_answers_of_chat_completions(
    model: openai.AsyncOpenAI,
) -> None:
    system: Any = {"role": "system", "content": PERSONA.replace("9-17", "10-18")}
    completion = await model.chat.completions.parse(
        model="simulator",
        messages=[system, *question("Mis kell te avate?")],
        response_format=Reply,
    )
    parsed = completion.choices[0].message.parsed
    assert parsed is not None
    assert parsed.parts == [TextPart(type="text", text="Avatud E-R 10-18. #u1-1")]
    plain = await model.chat.completions.create(
        model="simulator", messages=[{"role": "user", "content": "Hello"}]
    )
    assert plain.choices[0].message.content == "Hello! How can I help?"


async def test_the_sdk_reads_embeddings_and_models(model: openai.AsyncOpenAI) -> None:
    made = await model.embeddings.create(model="m", input=["tere", "tere", "muu"], dimensions=64)
    vectors = [each.embedding for each in made.data]
    assert len(vectors[0]) == 64
    assert vectors[0] == vectors[1] != vectors[2]
    listed = await model.embeddings.create(model="m", input="tere", encoding_format="float")
    assert len(listed.data[0].embedding) == 1536
    assert "simulator" in [each.id async for each in model.models.list()]


async def test_requests_to_the_model_can_be_read_back(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    for text in ("esimene", "teine"):
        await model.responses.create(model="simulator", input=text)
    found = (await client.get("/control/model-requests", contains="teine"))["requests"]
    assert [(each["path"], each["body"]["input"]) for each in found] == [("/responses", "teine")]
    assert (await client.get("/control/model-requests", after=1))["requests"] == found


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("rate_limit", openai.RateLimitError),
        ("server_error", openai.InternalServerError),
        ("unavailable", openai.InternalServerError),
        ("hang", openai.APIConnectionError),
    ],
)
async def test_faults_of_the_model_reach_the_sdk_as_its_errors(
    client: Client, model: openai.AsyncOpenAI, kind: str, error: type[openai.APIError]
) -> None:
    await client.control("model", {"faults": [{"kind": kind, "next": 1, "seconds": 0.1}]})
    with pytest.raises(error) as caught:
        await model.responses.create(model="simulator", input="Tere")
    if isinstance(caught.value, openai.RateLimitError):
        assert caught.value.response.headers["Retry-After"] == "0.1"
    assert (await model.responses.create(model="simulator", input="Tere")).output_text


async def test_broken_answers_of_the_model_look_as_such(
    client: Client, model: openai.AsyncOpenAI
) -> None:
    async def answer(kind: str) -> Any:  # noqa: ANN401 - any form of response
        await client.control("model", {"clear": True, "faults": [{"kind": kind, "next": 1}]})
        return await model.responses.create(
            model="simulator",
            instructions=PERSONA,
            input="Mis kell te avate?",
            text={"format": {"type": "json_schema", "name": "r", "schema": SCHEMA}},
        )

    with pytest.raises((openai.APIError, json.JSONDecodeError)):
        await answer("garbage")
    refused = await answer("refusal")
    assert refused.output[0].content[0].type == "refusal"
    assert (await answer("empty")).output == []
    truncated = await answer("truncated")
    assert (truncated.status, truncated.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )
    assert (await answer("bad_output")).output_text == "Avatud E-R 9-17."


SCHEMA = Reply.model_json_schema()


async def test_the_model_takes_as_long_as_told(client: Client, model: openai.AsyncOpenAI) -> None:
    await client.control("model", {"latency_seconds": 0.2})
    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.gather(
        *(model.responses.create(model="simulator", input="Tere") for _ in range(20))
    )
    assert 0.2 <= loop.time() - start < 2


# Process


async def test_the_process_prints_its_address_and_stops_on_a_signal(
    service: Service, tmp_path: Path
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
