"""A service for the simulator to talk to, and a client of the simulator."""

import asyncio
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vestlus.simulator import Simulator, SimulatorConfig

FIRST, SECOND = "17841400000000001", "17841400000000002"
SECRET, TOKEN = "app secret", "access token"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def picture(width: int, height: int, *, shows: str = "") -> bytes:
    """A PNG of one colour, different for each size."""
    info = PngInfo()
    if shows:
        info.add_text("Description", shows)
    made = io.BytesIO()
    colour = (width % 256, height % 256, 90)
    Image.new("RGB", (width, height), colour).save(made, "PNG", pnginfo=info)
    return made.getvalue()


@dataclass
class RecordingService:
    """What the simulator talks to: records webhooks and answers as told."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    standby: list[dict[str, Any]] = field(default_factory=list)
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
                self.events += entry.get("messaging", [])
                self.standby += entry.get("standby", [])
        self.came.set()
        return web.Response(status=status)

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not ready():
                self.came.clear()
                await self.came.wait()

    def mids(self, *, echoes: bool = False) -> list[str]:
        messages = self.messages(echoes=echoes)
        return [each["mid"] for each in messages]

    def messages(self, *, echoes: bool = False) -> list[dict[str, Any]]:
        messages = [event["message"] for event in self.events if "message" in event]
        return [each for each in messages if each.get("is_echo", False) == echoes]


@asynccontextmanager
async def running_service() -> AsyncIterator[RecordingService]:
    service = RecordingService()

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

    async def send_pictures(self, *payloads: dict[str, object], user: str = "u1") -> Any:  # noqa: ANN401
        items = [{"type": "image", "payload": payload} for payload in payloads]
        message = {"attachment": items[0]} if len(items) == 1 else {"attachments": items}
        return await self.graph("POST", "me/messages", recipient={"id": user}, message=message)

    async def kept(self, body: bytes) -> str:
        """Give the simulator a picture to keep; return its address."""
        headers = {"Content-Type": "image/png"}
        url = f"{self.url}/control/media"
        async with self.http.post(url, data=body, headers=headers) as response:
            address: str = (await response.json())["url"]
            return address

    async def sent(self, user: str = "u1") -> list[str]:
        body = await self.get("/control/conversation", user=user)
        return [each["text"] for each in body["messages"] if each["direction"] == "out"]


def configuration(service: RecordingService, folder: Path) -> SimulatorConfig:
    return SimulatorConfig(
        data=folder / "simulator.sqlite",
        webhook_url=f"{service.url}/webhook",
        app_secret=SECRET,
        access_token=TOKEN,
        account_ids=(FIRST, SECOND),
        model_label="A model for tests",
    )


@asynccontextmanager
async def running_simulator(service: RecordingService, folder: Path) -> AsyncIterator[Client]:
    async with (
        Simulator(configuration(service, folder)) as simulator,
        aiohttp.ClientSession() as http,
    ):
        yield Client(simulator.url, http)


async def settled(client: Client, user: str) -> list[dict[str, Any]]:
    """Return a user's messages once all of them are accepted."""
    while True:
        body = await client.get("/control/conversation", user=user)
        if all(each["delivery"] in {None, "delivered"} for each in body["messages"]):
            messages: list[dict[str, Any]] = body["messages"]
            return messages
        await asyncio.sleep(0.01)
