"""A place where connections are taken and handed on, to one server and later to another."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.services.kept import free_port

Target = tuple[str, int]

#: A target that does not take a connection so soon, seconds, is passed over.
CONNECT_SECONDS = 2.0


class Switch:
    """Listens on a port of its own; a load balancer as small as can be. Runs in a thread.

    ``targets`` are where new connections are handed on to, one after the other, and to the next
    where one does not answer. Those that are open go on, as a balancer lets them; with nothing
    behind it they are closed at once.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        """``host`` is the address that it listens on."""
        self.host = host
        self.port = free_port()
        self.targets: tuple[Target, ...] = ()
        self._turn = 0
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._listening = threading.Event()
        self._closing = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="switch")

    @property
    def target(self) -> int:
        """The port of this machine that connections are handed on to, where there is one only."""
        return self.targets[0][1] if self.targets else 0

    @target.setter
    def target(self, port: int) -> None:
        self.targets = (("127.0.0.1", port),)

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
        self._runner.get_loop().call_soon_threadsafe(self._closing.set)
        self._thread.join()
        # Whoever was being let in is sent away by this.
        self._runner.close()

    def _run(self) -> None:
        self._runner.run(self._serve())

    async def _serve(self) -> None:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._connect(reader, writer), name="connection")
            self._open.add(task)
            task.add_done_callback(self._open.discard)

        server = await asyncio.start_server(accept, self.host, self.port)
        self._listening.set()
        await self._closing.wait()
        server.close()
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = await self._open_connection()
        if found is None:
            writer.close()
            return
        there, back = found
        ways = [
            asyncio.create_task(_copy(reader, back), name="there"),
            asyncio.create_task(_copy(there, writer), name="back"),
        ]
        try:
            # Whoever closes first closes for both.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await _close(back, writer)
        finally:
            for way in ways:
                way.cancel()
            # Who has not read by now, when the switch ends, never will.
            for end in (back, writer):
                end.transport.abort()

    async def _open_connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        targets = self.targets
        for number in range(len(targets)):
            host, port = targets[(self._turn + number) % len(targets)]
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(host, port)
            except OSError:  # which a timeout is too
                continue
        return None


async def _close(*writers: asyncio.StreamWriter) -> None:
    """Closes, and waits until all is sent that was written."""
    for writer in writers:
        writer.close()
    for writer in writers:
        try:
            await writer.wait_closed()
        except OSError:
            continue  # cut off already


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return  # cut off at one end, which closes the other
