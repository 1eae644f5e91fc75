"""A TCP proxy that misbehaves as told, between two parts of the service.

One proxy stands before one server. What it does to bytes is what networks do: it never changes,
reorders or repeats them within a connection.
"""

from __future__ import annotations

import asyncio
import random
from enum import StrEnum
from types import TracebackType
from typing import Self

from tests.services.kept import free_port


class Trouble(StrEnum):
    """What a network does to connections."""

    #: Those that exist are reset, or some of them; new ones work.
    CUT = "cut"
    #: Those that exist are reset, and nothing listens for a time.
    REFUSE = "refuse"
    #: Every byte takes so long more, either way.
    DELAY = "delay"
    #: Connections are accepted, bytes go nowhere; in the end they are reset.
    BLACKHOLE = "blackhole"


class TcpProxy:
    """Listens on 127.0.0.1:``port`` and passes on to ``upstream``. ``async with`` runs it."""

    def __init__(self, name: str, upstream: tuple[str, int], *, port: int | None = None) -> None:
        self.name = name
        self.port = free_port() if port is None else port
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        #: Seconds that bytes are held back.
        self.delay = 0.0
        #: Whether bytes are swallowed.
        self.swallowing = False

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        self.cut(1.0, random.Random(0))  # noqa: S311 - all of them
        for task in self._tasks:
            task.cancel()
        while self._tasks:
            await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        """Connections that exist now."""
        return len(self._links)

    def cut(self, share: float, chance: random.Random) -> int:
        """Resets each connection with this probability, at least one; returns how many."""
        chosen = [one for one in self._links if chance.random() < share]
        chosen = chosen or list(self._links)[:1]
        for link in chosen:
            link.abort()
        return len(chosen)

    async def refuse(self, seconds: float) -> None:
        """Resets everything, and has nothing listen for so long."""
        self._close()
        for link in tuple(self._links):
            link.abort()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._listen()

    async def delayed(self, by: float, seconds: float) -> None:
        """Holds every byte back by ``by`` seconds, for so long."""
        self.delay = by
        try:
            await asyncio.sleep(seconds)
        finally:
            self.delay = 0.0

    async def blackhole(self, seconds: float) -> None:
        """Swallows every byte for so long; then resets whatever there was: bytes are missing."""
        self.swallowing = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self.swallowing = False
            for link in tuple(self._links):
                link.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Side(_Link(self)), "127.0.0.1", self.port, backlog=1024
        )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    def opened(self, link: _Link) -> None:
        """A client has connected."""
        self._links.add(link)
        task = asyncio.create_task(link.connect(*self._upstream), name=f"{self.name} connects")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def closed(self, link: _Link) -> None:
        """A connection is over."""
        self._links.discard(link)


class _Link:
    """A client's connection and ours to the server behind it."""

    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.client: _Side | None = None
        self.server: _Side | None = None
        #: What the client wrote before the server was reached.
        self._early: list[bytes] = []

    def begin(self, side: _Side) -> None:
        """One of the two connections is there."""
        if self.client is None:
            self.client = side
            self.proxy.opened(self)
            return
        self.server = side
        early, self._early = self._early, []
        for data in early:
            side.send(data)

    async def connect(self, host: str, port: int) -> None:
        """Reaches the server; where nothing listens, the client is reset."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Side(self), host, port)
        except OSError:
            self.abort()

    def pass_on(self, side: _Side, data: bytes) -> None:
        """Bytes came in on one side."""
        if self.proxy.swallowing:
            return
        other = self.server if side is self.client else self.client
        if other is None:
            self._early.append(data)
        else:
            other.send(data)

    def finish(self, side: _Side) -> None:
        """One side is closed: so is the other, after what is still held back."""
        self.proxy.closed(self)
        other = self.server if side is self.client else self.client
        if other is not None:
            other.close()

    def throttle(self, side: _Side, *, full: bool) -> None:
        """One side takes no more for now, or does again: the other is not read meanwhile."""
        other = self.server if side is self.client else self.client
        if other is not None:
            other.read(on=not full)

    def abort(self) -> None:
        """Resets both."""
        self.proxy.closed(self)
        for side in (self.client, self.server):
            if side is not None:
                side.abort()


class _Side(asyncio.Protocol):
    """One of a link's two connections."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._transport: asyncio.Transport | None = None
        #: When the last of what is held back is due, by the loop's clock.
        self._last_due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._link.begin(self)

    def data_received(self, data: bytes) -> None:
        self._link.pass_on(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        self._transport = None
        self._link.finish(self)

    def pause_writing(self) -> None:
        self._link.throttle(self, full=True)

    def resume_writing(self) -> None:
        self._link.throttle(self, full=False)

    def send(self, data: bytes) -> None:
        """Writes, now or when it is due."""
        loop = asyncio.get_running_loop()
        due = max(loop.time() + self._link.proxy.delay, self._last_due)
        if due <= loop.time():
            self._write(data)
            return
        # Calls of the same moment are not sure to come in their order: each is a little later.
        self._last_due = due + 1e-6
        loop.call_at(self._last_due, self._write, data)

    def close(self) -> None:
        """Closes, after what is held back."""
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), self._last_due + 1e-6), self._close)

    def read(self, *, on: bool) -> None:
        """Whether bytes are taken in."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def abort(self) -> None:
        """Resets the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
