"""A real HTTP server that answers as OpenAI does, well or badly, as a test scripts it."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def reply_json(
    *texts: str,
    pictures: Sequence[str] = (),
    handover: bool = False,
    note: str = "",
    language: str = "et",
) -> str:
    """What a model that obeys the schema writes: the texts, then the pictures."""
    parts = [{"type": "text", "text": text} for text in texts]
    parts += [{"type": "picture", "picture": picture} for picture in pictures]
    reply = {"parts": parts, "language": language, "handover": handover, "note": note}
    return json.dumps(reply)


def summary_json(text: str) -> str:
    """What a model that obeys the schema of summaries writes."""
    return json.dumps({"summary": text})


def output_message(text: str, **more: object) -> dict[str, Any]:
    """An output item of the Responses API that holds text."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": content,
        **more,
    }


def response_object(output: list[dict[str, Any]], **more: object) -> dict[str, Any]:
    """A response of the Responses API."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "fake",
        "output": output,
        "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        **more,
    }


def completion_object(
    content: str | None, *, finish_reason: str = "stop", refusal: str | None = None
) -> dict[str, Any]:
    """A completion of the Chat Completions API."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {"id": "c_1", "object": "chat.completion", "created": 1, "choices": [choice]}


def answers(body: object, status: int = 200, **headers: str) -> Behaviour:
    """Answers with this JSON; underscores in header names stand for hyphens."""

    async def behave(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return behave


def says(
    *texts: str,
    pictures: Sequence[str] = (),
    handover: bool = False,
    note: str = "",
    language: str = "et",
) -> Behaviour:
    """A good answer, in the form of the API that was asked."""
    return writes(
        reply_json(*texts, pictures=pictures, handover=handover, note=note, language=language)
    )


def writes(text: str) -> Behaviour:
    """A finished answer whose text is this, whatever it is."""

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/responses"):
            return web.json_response(response_object([output_message(text)]))
        return web.json_response(completion_object(text))

    return behave


def refuses(words: str = "I cannot help with that.") -> Behaviour:
    """The model's own refusal, in the form of the API that was asked."""

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/responses"):
            item = {**output_message(""), "content": [{"type": "refusal", "refusal": words}]}
            return web.json_response(response_object([item]))
        return web.json_response(completion_object(None, refusal=words))

    return behave


def cuts_off(text: str, reason: str = "max_output_tokens") -> Behaviour:
    """An answer that was stopped in the middle: by its length, or by ``content_filter``."""

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/responses"):
            item = output_message(text, status="incomplete")
            details = {"reason": reason}
            return web.json_response(
                response_object([item], status="incomplete", incomplete_details=details)
            )
        finish = "length" if reason == "max_output_tokens" else reason
        return web.json_response(completion_object(text, finish_reason=finish))

    return behave


def fails(status: int, *, code: str = "", message: str = "no", **headers: str) -> Behaviour:
    """OpenAI's error envelope."""
    error = {"message": message, "type": "error", "param": None, "code": code or None}
    return answers({"error": error}, status, **headers)


def sends(raw: bytes, *, content_type: str = "application/json") -> Behaviour:
    """200 with any bytes."""

    async def behave(_: web.Request) -> web.StreamResponse:
        return web.Response(body=raw, content_type=content_type)

    return behave


async def cuts(request: web.Request) -> web.StreamResponse:
    """Closes the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError


async def cuts_midway(request: web.Request) -> web.StreamResponse:
    """Sends half a response and closes the connection."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"output": [')
    assert request.transport is not None
    request.transport.abort()
    return response


class FakeOpenAI:
    """Behaves as scripted, one behaviour per request; with an empty script it says `fallback`.

    ``hanging`` is set while a request hangs, ``disconnected`` when its client has gone away.
    """

    def __init__(self, fallback: Behaviour | None = None) -> None:
        self.received: list[Received] = []
        self.script: deque[Behaviour] = deque()
        self.hanging = asyncio.Event()
        self.disconnected = asyncio.Event()
        self._fallback = fallback or says("Tere!")
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def hangs(self, _: web.Request) -> web.StreamResponse:
        """Never answers."""
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.disconnected.set()
            raise
        return web.Response()

    async def trickles(self, request: web.Request) -> web.StreamResponse:
        """Sends a byte now and then, for ever, so that no single read takes long."""
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.02)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnected.set()
            raise

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)  # pictures come within
        app.router.add_post("/v1/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        self.received.append(Received(path, dict(request.headers), await request.json()))
        behave = self.script.popleft() if self.script else self._fallback
        return await behave(request)
