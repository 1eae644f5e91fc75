"""The proxy passes bytes on unchanged, and does to connections what it is told to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.chaos.proxy import TcpProxy


class Echo(asyncio.Protocol):
    """A server that says everything back, and keeps it."""

    received = bytearray()
    there: set[Echo] = set()  # noqa: RUF012 - cleared for each test

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.there.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        self.there.discard(self)

    def data_received(self, data: bytes) -> None:
        self.received.extend(data)
        self._transport.write(data)


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    """A proxy before a server that says everything back."""
    Echo.received.clear()
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with TcpProxy("echo", ("127.0.0.1", port)) as running:
        yield running
    server.close()
    async with asyncio.timeout(5):
        while Echo.there:
            await asyncio.sleep(0.01)


#: The clients' ends.
OPENED: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
async def clients_are_closed() -> AsyncIterator[None]:
    """Close the clients' ends after each test."""
    yield
    for writer in OPENED:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    OPENED.clear()


async def connected(proxy: TcpProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    OPENED.append(writer)
    return reader, writer


async def said_back(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
) -> bytes:
    writer.write(data)
    return await reader.readexactly(len(data))


async def test_bytes_come_through_unchanged_however_many(proxy: TcpProxy) -> None:
    data = random.Random(1).randbytes(3_000_000)  # noqa: S311 - any bytes
    reader, writer = await connected(proxy)
    assert await said_back(reader, writer, data) == data
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        while proxy.connections:
            await asyncio.sleep(0.01)


async def test_what_was_written_before_a_close_arrives_however_late(proxy: TcpProxy) -> None:
    _, writer = await connected(proxy)
    proxy.delay = 0.2
    writer.write(b"last words")
    writer.close()
    async with asyncio.timeout(5):
        while bytes(Echo.received) != b"last words":
            await asyncio.sleep(0.01)


async def test_a_cut_resets_what_there_is_and_new_connections_work(proxy: TcpProxy) -> None:
    pairs = [await connected(proxy) for _ in range(4)]
    for reader, writer in pairs:
        await said_back(reader, writer, b"x")
    assert proxy.cut(1.0, random.Random(1)) == 4  # noqa: S311 - reproducible
    for reader, writer in pairs:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await said_back(reader, writer, b"y")
    reader, writer = await connected(proxy)
    assert await said_back(reader, writer, b"z") == b"z"


async def test_some_connections_may_be_cut_and_never_none(proxy: TcpProxy) -> None:
    pairs = [await connected(proxy) for _ in range(8)]
    for reader, writer in pairs:
        await said_back(reader, writer, b"x")
    assert proxy.cut(0.0, random.Random(1)) == 1  # noqa: S311 - reproducible
    async with asyncio.timeout(5):
        while proxy.connections != 7:
            await asyncio.sleep(0.01)


async def test_nothing_listens_while_connections_are_refused(proxy: TcpProxy) -> None:
    reader, writer = await connected(proxy)
    await said_back(reader, writer, b"x")
    refusing = asyncio.create_task(proxy.refuse(0.5))
    await asyncio.sleep(0.1)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said_back(reader, writer, b"y")
    with pytest.raises(ConnectionRefusedError):
        await connected(proxy)
    await refusing
    reader, writer = await connected(proxy)
    assert await said_back(reader, writer, b"z") == b"z"


async def test_delayed_bytes_come_later_and_in_order(proxy: TcpProxy) -> None:
    reader, writer = await connected(proxy)
    await said_back(reader, writer, b"x")
    delaying = asyncio.create_task(proxy.delayed(0.2, 0.5))
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    for number in range(50):
        writer.write(bytes([number]))
        await writer.drain()
        await asyncio.sleep(0)
    assert await reader.readexactly(50) == bytes(range(50))
    assert asyncio.get_running_loop().time() - began >= 0.4
    await delaying
    assert proxy.delay == 0


async def test_a_blackhole_answers_nothing_and_ends_in_a_reset(proxy: TcpProxy) -> None:
    reader, writer = await connected(proxy)
    await said_back(reader, writer, b"x")
    swallowing = asyncio.create_task(proxy.blackhole(0.6))
    await asyncio.sleep(0)
    writer.write(b"lost")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.read(1)
    new_reader, _ = await connected(proxy)
    await swallowing
    for each in (reader, new_reader):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await each.readexactly(1)


async def test_a_server_that_is_not_there_resets_its_clients() -> None:
    async with TcpProxy("nobody", ("127.0.0.1", 9)) as proxy:
        reader, _ = await connected(proxy)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
