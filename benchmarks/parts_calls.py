"""Calls of the model and of the Graph API, ours beside bare aiohttp with the same bodies.

Both servers are the simulator, a process of its own: its work is not in the figures.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from benchmarks.measuring import Part, Round, measured
from benchmarks.sending import ACCOUNT, TOKEN, Stage, stage
from vestlus.assistant.open import open_assistant, open_connections
from vestlus.assistant.port import Question
from vestlus.clock import system_clock
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.instagram.graph import GraphClient
from vestlus.settings import Settings
from vestlus.settings_account import Account

USER = "900000000000001"
_SAID = "Tere! Oleme homme avatud kella 9-17. Kas saan veel millegagi aidata?"

#: Far more than can be sent.
_UNLIMITED = {"sends_per_second": 1e6, "conversations_per_second": 1e6, "calls_per_hour": 10**9}


@asynccontextmanager
async def call_parts(folder: Path, scale: float) -> AsyncIterator[list[Part]]:
    """The parts that call other servers."""
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(stage(folder))
        await opened.control("limits", _UNLIMITED)
        await opened.control("messages", [{"account": ACCOUNT, "user": USER, "text": "Tere"}])
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        number = round(150 * scale)
        model = await stack.enter_async_context(_model_calls(opened, session))
        graph = await stack.enter_async_context(_graph_calls(opened, session))
        yield [Part(name, partial(_timed, call, number)) for name, call in (model | graph).items()]


Calls = dict[str, Callable[[], Awaitable[object]]]


@asynccontextmanager
async def _model_calls(opened: Stage, session: aiohttp.ClientSession) -> AsyncIterator[Calls]:
    url = f"{opened.url}/openai/v1"
    settings = Settings(
        openai_base_url=url,
        openai_api_key=SecretStr("benchmark"),
        encryption_key=SecretStr("k" * 32),
        accounts=(Account(id=ACCOUNT),),
    )
    connections = open_connections(settings, clock=system_clock)
    assistant = open_assistant(settings, clock=system_clock, connections=connections)
    question = Question(
        account=ACCOUNT,
        user=USER,
        history=tuple(
            HistoryMessage(role, _SAID, system_clock() - 60_000 * place)
            for place in range(7, 0, -1)
            for role in (Role.USER, Role.ASSISTANT)
        ),
        messages=(HistoryMessage(Role.USER, "Kas homme ka?", system_clock()),),
        now_ms=system_clock(),
    )
    try:
        await assistant.reply(question)
        asked = await opened.told("model-requests")
        body: dict[str, Any] = asked["requests"][-1]["body"]
        connection = connections.of()
        yield {
            "model: bare aiohttp": partial(
                _post, session, f"{url}/responses", body, {"Authorization": "Bearer benchmark"}
            ),
            "model: the SDK as we call it": partial(
                connection.post, "/responses", body, optional=frozenset[str]()
            ),
            "model: the assistant's answer": partial(assistant.reply, question),
        }
    finally:
        await assistant.aclose()


@asynccontextmanager
async def _graph_calls(opened: Stage, session: aiohttp.ClientSession) -> AsyncIterator[Calls]:
    url = f"{opened.url}/graph/v25.0"
    body = {"recipient": {"id": USER}, "message": {"text": _SAID}}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with GraphClient(url, lambda _: TOKEN) as graph:
        yield {
            "Graph: bare aiohttp": partial(
                _post, session, f"{url}/{ACCOUNT}/messages", body, headers
            ),
            "Graph: our client": partial(graph.send_text, ACCOUNT, USER, _SAID),
        }


async def _post(
    session: aiohttp.ClientSession,
    url: str,
    body: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> object:
    async with session.post(url, json=body, headers=headers) as response:
        response.raise_for_status()
        return json.loads(await response.read())


async def _timed(call: Callable[[], Awaitable[object]], number: int) -> Round:
    taken = Round()
    with measured(taken, number):
        for _ in range(number):
            began = time.perf_counter()
            await call()
            taken.waits.append(time.perf_counter() - began)
    return taken
