"""A Graph whose every answer is scripted, byte by byte where it has to be."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from vestlus.errors import GraphError
from vestlus.instagram.graph import GraphClient
from vestlus.instagram.graph_http import MAX_ANSWER_BYTES
from vestlus.instagram.usage import Usage

ACCOUNT = "17841400000000001"
USER = "900000000000002"
TOKEN = "IGAA-the-access-token"
TEXT = "Tere! Avame kell üheksa."
SENT = {"recipient_id": USER, "message_id": "aWdf-1"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """The server's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> Request:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.rstrip().split("\r\n")
        method, target, _ = line.split(" ")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        url = urlsplit(target)
        return Request(
            method,
            url.path,
            {name: values[0] for name, values in parse_qs(url.query).items()},
            headers,
            await self.reader.readexactly(int(headers.get("content-length", "0"))),
        )

    async def answer(
        self, content: object, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Closes with a reset instead of an orderly end."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.close()

    async def client_end(self) -> str:
        """Waits until the client ends the connection, and says how."""
        try:
            while await self.reader.read(4096):
                pass
        except ConnectionResetError:
            return "reset"
        return "closed"


Script = Callable[[Connection], Awaitable[None]]


@dataclass
class Graph:
    """A server that follows a script, and a client that calls it."""

    client: GraphClient
    usages: list[Usage] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0


def token_of(account: str) -> str:
    return {ACCOUNT: TOKEN, "broken": "a\r\nb: c", "empty": ""}[account]


@asynccontextmanager
async def graph(
    script: Script, *, scheme: str = "http", seconds: float = 5.0
) -> AsyncIterator[Graph]:
    """Runs the script for each connection. A script that fails fails the test."""
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        try:
            await script(_Recording(reader, writer, running.requests))
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    usages: list[Usage] = []
    client = GraphClient(
        f"{scheme}://127.0.0.1:{port}/v25.0",
        token_of,
        timeout=seconds,
        on_usage=lambda _, usage: usages.append(usage),
    )
    running = Graph(client, usages)
    try:
        async with client:
            yield running
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()
        await server.wait_closed()


class _Recording(Connection):
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: list[Request]
    ) -> None:
        super().__init__(reader, writer)
        self._seen = seen

    async def request(self) -> Request:
        request = await super().request()
        self._seen.append(request)
        return request


def answering(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Script:
    """Gives every request on a connection the same answer, until the client closes it."""
    return answering_in_turn([(content, status, headers)], repeat=True)


def answering_in_turn(
    answers: list[tuple[object, int, dict[str, str] | None]], *, repeat: bool = False
) -> Script:
    left = list(answers)

    async def script(connection: Connection) -> None:
        while True:
            try:
                await connection.request()
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return
            content, status, headers = left[0] if repeat else left.pop(0)
            await connection.answer(content, status, headers)

    return script


async def failure(call: Awaitable[object]) -> GraphError:
    """The error of a call, which must tell nothing of whom, what and with which token."""
    with structlog.testing.capture_logs() as logs, pytest.raises(GraphError) as caught:
        await call
    error = caught.value
    told = f"{error!r} {error} {vars(error)} {error.__cause__!r} {logs}"
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert not [secret for secret in (TOKEN, USER, TEXT, "127.0.0.1") if secret in told]
    return error


async def send_failure(running: Graph) -> tuple[type[GraphError], str]:
    error = await failure(running.client.send_text(ACCOUNT, USER, TEXT))
    return type(error), error.reason


# What may have been sent.


async def cut_after_request(connection: Connection) -> None:
    await connection.request()


async def reset_after_request(connection: Connection) -> None:
    await connection.request()
    connection.reset()


async def cut_before_reading(connection: Connection) -> None:
    connection.writer.close()


async def reset_before_reading(connection: Connection) -> None:
    connection.reset()


async def cut_in_the_answer(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"message_id"')


async def cut_in_a_refusal(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{"error":')


async def cut_in_the_headers(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b"HTTP/1.1 200 OK\r\nContent-Le")


async def no_http(connection: Connection) -> None:
    await connection.request()
    await connection.raw(b"this is not HTTP\r\n\r\n")


async def too_large(connection: Connection) -> None:
    await connection.request()
    try:
        await connection.answer(b" " * (MAX_ANSWER_BYTES + 1))
    except ConnectionResetError:
        return  # the client has had enough


async def bad_gzip(connection: Connection) -> None:
    await connection.request()
    await connection.answer(b"not gzip", headers={"Content-Encoding": "gzip"})
