"""What users' pictures the model sees."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from tests.fakes.openai_server import FakeOpenAI, fails
from tests.integration.hostile_support import (
    APIS,
    ScriptedModerator,
    _no_waiting,
    opened,
    question,
    server,
    settings,
)
from vestlus.assistant.vision import NOT_LOADED
from vestlus.conversation.history import HistoryMessage, Role

__all__ = ["_no_waiting", "server"]


def jpeg(color: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(buffer, "JPEG")
    return buffer.getvalue()


@dataclass
class Media:
    """Has a picture at every address but those that begin with ``no``."""

    asked: list[str] = field(default_factory=list)
    closed: bool = False

    async def picture(self, url: str, account: str = "") -> bytes | str:
        del account
        self.asked.append(url)
        return "status" if url.startswith("no") else jpeg()

    async def aclose(self) -> None:
        self.closed = True


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """A server of pictures; gives its ``host:port``."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def pictured(text: str, *urls: str) -> HistoryMessage:
    return HistoryMessage(Role.USER, text, 0, images=urls)


def shown(server: FakeOpenAI, api: str) -> list[Any]:
    """The last message of the last request, in parts."""
    body = server.received[-1].body
    content = body["input" if api == "responses" else "messages"][-1]["content"]
    return [content] if isinstance(content, str) else content


@pytest.mark.parametrize("api", APIS)
async def test_the_model_sees_pictures_that_came_with_the_messages(
    server: FakeOpenAI, api: str
) -> None:
    media, moderator = Media(), ScriptedModerator()
    asked = question(messages=(pictured("Mis see on?\n[a picture]", "one", "no", "two"),))
    async with opened(settings(server.url, api), media=media, moderator=moderator) as assistant:
        await assistant.reply(asked)
        assert media.asked == ["one", "no", "two"]
        text, one, two = shown(server, api)
    assert text["text"] == f"Mis see on?\n[a picture]\n{NOT_LOADED}"
    kind = "input_image" if api == "responses" else "image_url"
    assert [one["type"], two["type"]] == [kind, kind]
    assert "data:image/jpeg;base64," in str(one)
    assert moderator.asked[0][1] == (jpeg(), jpeg())
    assert media.closed


async def test_an_account_without_vision_fetches_nothing(server: FakeOpenAI) -> None:
    media = Media()
    asked = question(messages=(pictured("[a picture]", "one"),))
    async with opened(settings(server.url, vision=False), media=media) as assistant:
        await assistant.reply(asked)
    assert media.asked == []
    assert shown(server, "responses") == ["[a picture]"]


async def test_addresses_that_a_user_typed_are_not_fetched(server: FakeOpenAI) -> None:
    media = Media()
    typed = "Vaata https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1 [a picture]"
    history = (pictured("[a picture]", "old"),)
    async with opened(settings(server.url), media=media) as assistant:
        await assistant.reply(question(typed, history=history))
    assert media.asked == []
    assert shown(server, "responses") == [typed]


@pytest.mark.parametrize("api", APIS)
async def test_a_model_without_eyes_gets_the_words(server: FakeOpenAI, api: str) -> None:
    server.script.append(fails(400, message="image input is not supported"))
    asked = question(messages=(pictured("Mis see on?\n[a picture]", "one"),))
    async with opened(settings(server.url, api), media=Media()) as assistant:
        assert (await assistant.reply(asked)).text == "Oleme avatud 10-18."
    assert len(server.received) == 2
    assert shown(server, api) == ["Mis see on?\n[a picture]"]


async def test_pictures_are_fetched_from_configured_hosts_and_no_other(
    server: FakeOpenAI,
) -> None:
    fetched: list[str] = []

    async def serves(request: web.Request) -> web.Response:
        fetched.append(request.path)
        return web.Response(body=jpeg())

    async with serving(serves) as host:
        asked = question(
            messages=(
                pictured("[a picture]", f"http://{host}/1.jpg", "http://127.0.0.1:9/2.jpg"),
                pictured("[a picture]", "https://evil.example/3.jpg"),
            )
        )
        configured = settings(server.url).model_copy(update={"media_hosts": (host,)})
        async with opened(configured) as assistant:
            await assistant.reply(asked)
    assert fetched == ["/1.jpg"]
    *_, first, second = server.received[0].body["input"]
    assert [part["type"] for part in first["content"]] == ["input_text", "input_image"]
    assert first["content"][0]["text"] == f"[a picture]\n{NOT_LOADED}"
    assert second["content"] == f"[a picture]\n{NOT_LOADED}"
