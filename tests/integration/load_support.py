"""A small service for tests of the load: it takes webhooks, asks a model, and answers."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.integration.simulator_harness import TOKEN


@dataclass
class SmallService:
    """Answers each message by itself, a user's in order: one call of the model, one of Graph."""

    http: aiohttp.ClientSession
    url: str = ""
    graph: str = ""
    model: str = ""
    token: str = TOKEN
    #: Statuses for the next webhooks, in place of 200; nothing of them is taken in.
    refuse: list[int] = field(default_factory=list)
    #: Messages whose marker ends so are never answered.
    swallow: str = "nothing ends so"
    #: How often an answer is sent.
    times: int = 1
    #: How often the model did not answer. It is asked again until it does.
    failed: int = 0
    echoes: int = 0
    pictures: int = 0
    posts: Counter[int] = field(default_factory=Counter)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def ready(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.refuse:
            return web.Response(status=self.refuse.pop(0))
        events = [event for entry in body["entry"] for event in entry["messaging"]]
        if not events[0]["message"].get("is_echo"):
            self.posts[len(events)] += 1
        for event in events:
            task = asyncio.create_task(self._answer(event))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return web.Response()

    async def _answer(self, event: dict[str, Any]) -> None:
        message = event["message"]
        if message.get("is_echo"):
            self.echoes += 1
            return
        self.pictures += "attachments" in message
        if message["text"].split()[0].endswith(self.swallow):
            return
        async with self.turns[event["sender"]["id"]]:
            await self._turn(event)

    async def _turn(self, event: dict[str, Any]) -> None:
        message = event["message"]
        prompt = {"model": "m", "instructions": "We open at 8.", "input": message["text"]}
        said = await self._post(f"{self.model}/openai/v1/responses", prompt)
        while said.get("error"):
            self.failed += 1
            await asyncio.sleep(0.05)
            said = await self._post(f"{self.model}/openai/v1/responses", prompt)
        text = said["output"][0]["content"][0]["text"]
        for _ in range(self.times):
            answer = {"recipient": {"id": event["sender"]["id"]}, "message": {"text": text}}
            account = event["recipient"]["id"]
            await self._post(f"{self.graph}/graph/v25.0/{account}/messages", answer)

    async def _post(self, url: str, body: object) -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.post(url, json=body, headers=headers) as response:
            return await response.json()


@asynccontextmanager
async def small_service() -> AsyncIterator[SmallService]:
    async with aiohttp.ClientSession() as http:
        service = SmallService(http)
        app = web.Application()
        app.add_routes([web.post("/webhook", service.take), web.get("/readyz", service.ready)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield service
        finally:
            for task in service.tasks:
                task.cancel()
            await asyncio.gather(*service.tasks, return_exceptions=True)
            await runner.cleanup()
