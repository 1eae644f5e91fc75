"""A place where connections are taken and handed on, to one server and later to another."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.services.kept import free_port


class Switch:
    """Listens on a port of its own; a load balancer as small as can be. Runs in a thread.

    ``target`` is the port that new connections are handed on to. Those that are open go on, as
    a balancer lets them; with nothing behind it they are closed at once.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.target = 0
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._closing = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="switch")

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._connect(reader, writer), name="connection")
            self._open.add(task)
            task.add_done_callback(self._open.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        self._listening.set()
        await self._closing.wait()
        server.close()
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.create_task(_copy(reader, back), name="there"),
            asyncio.create_task(_copy(there, writer), name="back"),
        ]
        try:
            # Whoever closes first closes for both.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            back.close()
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return  # cut off at one end, which closes the other
