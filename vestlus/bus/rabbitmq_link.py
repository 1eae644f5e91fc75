"""One connection to RabbitMQ, kept alive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog
from aiormq.abc import AbstractChannel, AbstractConnection
from yarl import URL

from vestlus.backoff import Backoff
from vestlus.bus.rabbitmq_calls import close_channel, close_quietly, connect, open_channel
from vestlus.errors import BusError, BusUnavailable
from vestlus.log_errors import error_fields
from vestlus.measuring.catalogue import RECONNECTS, of

log = structlog.get_logger(__name__)

#: Seconds. The broker gives a frozen consumer's place to the next one after about three of
#: these (measured: 13.7 s), and we notice a silent broker after 18 s, sooner while publishing.
HEARTBEAT_SECONDS = 5

#: Seconds that closing a connection aside may take. The library itself gives up a silent one
#: after three heartbeats and one second each; interrupted earlier it leaves tasks behind.
DISCARD_SECONDS = 3.0 * (HEARTBEAT_SECONDS + 1) + 2.0

#: Prepares a fresh connection before anybody else gets it.
Prepare = Callable[[AbstractConnection], Awaitable[None]]


class Link:
    """Holds one open connection and replaces it, with jittered waits, when it is lost.

    aio-pika's robust connections would restore channels behind their users' backs, so that a
    subscription could not tell that its deliveries will come again; they wait for a fixed time
    between tries and give up silently on a channel that cannot be restored.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        timeout: float,
        chance: random.Random,
        prepare: Prepare | None = None,
    ) -> None:
        """``timeout`` is in seconds, for connecting and for each answer of the broker.

        What the address says about heartbeat and name goes before ours.
        """
        address = URL(url)
        options = {"heartbeat": str(HEARTBEAT_SECONDS), "name": name, **address.query}
        self._url = str(address.with_query(options))
        self._name = name
        self._timeout = timeout
        self._chance = chance
        self._prepare = prepare
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._doubted = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._discarded: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The broker's address, with the heartbeat. It holds the password: not for logs."""
        return self._url

    async def open(self) -> None:
        """Connects and begins to keep the connection. Raises BusUnavailable."""
        self._up_with(await self._connect())
        self._keeper = asyncio.create_task(self._keep(), name=f"bus: keep {self._name}")

    async def close(self) -> None:
        """Ends the connection. Safe to call twice. Raises what the keeper died of, if it did."""
        keeper = self._keeper
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper})
        connection = self._down()
        if connection is not None:
            await close_quietly(self._name, connection.close(), self._timeout)
        if self._discarded:
            await asyncio.wait(self._discarded, timeout=self._timeout)
        if keeper is not None and not keeper.cancelled():
            keeper.result()

    def connection(self) -> AbstractConnection:
        """The open connection. Raises BusUnavailable at once when there is none."""
        if self._keeper is not None and self._keeper.done():
            message = f"{self._name}: closed"
            raise BusUnavailable(message)
        if self._connection is None:
            message = f"{self._name}: no connection to the broker"
            raise BusUnavailable(message)
        return self._connection

    async def connection_soon(self) -> AbstractConnection:
        """The open connection, after waiting for one at most the timeout. Raises BusUnavailable."""
        if self._keeper is None or self._keeper.done():
            return self.connection()
        try:
            async with asyncio.timeout(self._timeout):
                await self._up.wait()
        except TimeoutError:
            return self.connection()
        return self.connection()

    async def connection_again(self) -> AbstractConnection:
        """The open connection, after waiting for one however long it takes."""
        await self._up.wait()
        return self.connection()

    async def refuse_blocked(self) -> None:
        """Raises BusUnavailable at once when the broker has blocked publishing.

        It does so while it is short of memory or disk, and confirms would only time out.
        """
        connection = self.connection()
        try:
            # Ends without waiting unless the connection is blocked.
            async with asyncio.timeout(0):
                await connection.ready()
        except TimeoutError:
            message = f"{self._name}: the broker has blocked publishing (memory or disk alarm)"
            raise BusUnavailable(message) from None

    def doubt(self) -> None:
        """Somebody waited in vain: has the connection probed, and replaced if it is silent.

        Heartbeats find that out too, but only after 18 s.
        """
        self._doubted.set()

    async def open_channel(self, connection: AbstractConnection) -> AbstractChannel:
        """Opens a channel on which an unroutable publish raises. Raises BusUnavailable."""
        return await open_channel(connection, self._timeout)

    async def _connect(self) -> AbstractConnection:
        connection = await connect(self._url, self._timeout)
        try:
            if self._prepare is not None:
                await self._prepare(connection)
        except BaseException:
            self._discard(connection)
            raise
        return connection

    async def _keep(self) -> None:
        backoff = Backoff(chance=self._chance)
        while True:
            connection = self._connection
            if connection is not None:
                await self._watch(connection)
                self._down()
                self._discard(connection)
                log.warning("bus_connection_lost", connection=self._name)
            try:
                self._up_with(await self._connect())
            except BusError as error:
                log.info("bus_connection_failed", connection=self._name, **error_fields(error))
                await backoff.wait()
            else:
                log.info("bus_connection_restored", connection=self._name)
                of(RECONNECTS, self._name).inc()
                backoff.reset()

    async def _watch(self, connection: AbstractConnection) -> None:
        """Returns when the connection is gone or does not answer."""
        gone = asyncio.Event()
        closing = connection.closing

        def wake(_: asyncio.Future[None]) -> None:
            gone.set()
            self._doubted.set()

        closing.add_done_callback(wake)
        while not gone.is_set():
            await self._doubted.wait()
            self._doubted.clear()
            if gone.is_set():
                return
            try:
                await self.refuse_blocked()
            except BusUnavailable:
                continue
            try:
                probe = await self.open_channel(connection)
            except BusUnavailable:
                return
            await close_channel("the probe", probe, self._timeout)

    def _up_with(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._doubted.clear()
        self._up.set()

    def _down(self) -> AbstractConnection | None:
        connection, self._connection = self._connection, None
        self._up.clear()
        return connection

    def _discard(self, connection: AbstractConnection) -> None:
        """Closes a connection aside: a broken one takes its time."""
        task = asyncio.create_task(
            close_quietly(self._name, connection.close(), DISCARD_SECONDS),
            name=f"bus: discard {self._name}",
        )
        self._discarded.add(task)
        task.add_done_callback(self._discarded.discard)
