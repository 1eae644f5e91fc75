"""Ray Serve takes webhooks in, and each user has an actor that answers.

``python -m benchmarks.peers.ray_actors --port 8000``. As recommended by Ray, "Named Actors" (get or
create with `get_if_exists`), "AsyncIO / Concurrency for Actors", "Actor Fault Tolerance" (state in
a database, `max_restarts`), Ray Serve, "Set Up FastAPI and HTTP" (`serve.ingress`), and asyncpg,
"Connection Pools"; the openai SDK's README (`AsyncOpenAI`).

A message is durable once it is a row: then 200 is answered and the actor is called. The actor keeps
the history in memory and reads it, and what is not answered, when it starts. Each actor is a
process; a population of users needs as many processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import openai
import ray
from fastapi import FastAPI, Request, Response
from ray import serve

from benchmarks.peers.given import (
    HISTORY_MESSAGES,
    MAX_OUTPUT_TOKENS,
    MODEL,
    SCHEMA,
    Given,
    Said,
    given,
    is_signed,
    said_in,
)

RECORD = """
INSERT INTO message (conversation, role, content, mid) VALUES ($1, 'user', $2, $3)
ON CONFLICT (mid) DO NOTHING RETURNING id
"""
HISTORY = """
SELECT role, content FROM message WHERE conversation = $1 AND (answered OR mid IS NULL)
ORDER BY id DESC LIMIT $2
"""
UNANSWERED = """
SELECT content, mid FROM message WHERE conversation = $1 AND mid IS NOT NULL AND NOT answered
ORDER BY id
"""
NOTE = "INSERT INTO message (conversation, role, content) VALUES ($1, 'assistant', $2)"
ANSWERED = "UPDATE message SET answered = true WHERE mid = $1"


class UserActor:
    """One user's conversation: messages are answered one after the other."""

    def __init__(self, told: Given, account: str, user: str) -> None:
        self._given = told
        self._account, self._user = account, user
        self._turn = asyncio.Lock()
        self._done: set[str] = set()
        self._history: list[Any] | None = None
        self._model = openai.AsyncOpenAI()
        self._graph = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {told.access_token}"}, timeout=30
        )
        self._database: asyncpg.Connection[Any] | None = None

    async def handle(self, mid: str, text: str) -> None:
        """Answer a message that is in the database."""
        async with self._turn:
            if self._history is None:
                await self._wake()
            if mid not in self._done:
                await self._answer(mid, text)

    async def _wake(self) -> None:
        conversation = f"{self._account}:{self._user}"
        self._database = await asyncpg.connect(self._given.database_url)
        rows = await self._database.fetch(HISTORY, conversation, HISTORY_MESSAGES)
        self._history = [dict(row) for row in reversed(rows)]
        for row in await self._database.fetch(UNANSWERED, conversation):
            await self._answer(row["mid"], row["content"])

    async def _answer(self, mid: str, text: str) -> None:
        if self._history is None or self._database is None:
            raise RuntimeError("the actor is not awake")
        self._history.append({"role": "user", "content": text})
        response = await self._model.responses.create(
            model=MODEL,
            instructions=self._given.persona,
            input=self._history[-HISTORY_MESSAGES:],
            max_output_tokens=MAX_OUTPUT_TOKENS,
            store=False,
        )
        said = response.output_text
        sent = await self._graph.post(
            f"{self._given.graph_url}/{self._account}/messages",
            json={"recipient": {"id": self._user}, "message": {"text": said}},
        )
        sent.raise_for_status()
        async with self._database.transaction():
            await self._database.execute(NOTE, f"{self._account}:{self._user}", said)
            await self._database.execute(ANSWERED, mid)
        self._done.add(mid)
        self._history.append({"role": "assistant", "content": said})
        del self._history[:-HISTORY_MESSAGES]


class Intake:
    """Writes what came into the database and calls the user's actor."""

    def __init__(self, told: Given) -> None:
        self._given = told
        self._actors: dict[str, Any] = {}
        self.database: asyncpg.Pool[Any] | None = None

    async def take(self, texts: list[Said]) -> None:
        """Returns when they are durable."""
        if self.database is None:
            raise RuntimeError("the database is not open")
        for said in texts:
            new = await self.database.fetchval(RECORD, said.conversation, said.text, said.mid)
            if new is not None:
                self._actor(said).handle.remote(said.mid, said.text)

    def _actor(self, said: Said) -> Any:  # noqa: ANN401 - Ray's handles have no type
        name = said.conversation
        if name not in self._actors:
            self._actors[name] = (
                ray.remote(UserActor)
                .options(
                    name=name,
                    namespace="users",
                    get_if_exists=True,
                    lifetime="detached",
                    num_cpus=0,
                    max_restarts=-1,
                )
                .remote(self._given, said.account, said.user)
            )
        return self._actors[name]


def web() -> FastAPI:
    """The web application. Built in the replica, whose environment is ours."""
    told = given()
    intake = Intake(told)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(told.database_url, max_size=told.connections) as pool:
            intake.database = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/webhook")
    async def webhook(request: Request) -> Response:
        raw = await request.body()
        if not is_signed(raw, request.headers.get("x-hub-signature-256"), told.app_secret):
            return Response(status_code=401)
        await intake.take(said_in(raw))
        return Response()

    return app


async def make_tables(url: str) -> None:
    """Make the tables that are missing."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA)
    finally:
        await connection.close()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.ray_actors")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    told = given()
    asyncio.run(make_tables(told.database_url))
    ray.init(address="local", include_dashboard=False, object_store_memory=100 * 1024 * 1024)
    serve.start(
        http_options={"host": "127.0.0.1", "port": port},
        logging_config={"log_level": "WARNING", "enable_access_log": False},
    )
    ingress: Any = serve.ingress(web)
    deployment: Any = serve.deployment(
        name="Intake", max_ongoing_requests=1000, ray_actor_options={"num_cpus": 0}
    )(ingress(type("Web", (), {})))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        serve.run(
            deployment.bind(),
            logging_config={"log_level": "WARNING", "enable_access_log": False},
        )
        signal.pause()
    end_serve: Callable[[], None] = serve.shutdown
    end_serve()
    ray.shutdown()


if __name__ == "__main__":
    # By its name, so that workers import what they are sent instead of unpickling it.
    from benchmarks.peers.ray_actors import main as serve_until_told

    serve_until_told()
