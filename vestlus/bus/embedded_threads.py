"""The embedded bus's two threads: one writes in groups, one reads in rounds.

Each has its own connection to the file, so that a reader never waits behind a writer that waits
for another process.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

from vestlus.backoff import Backoff
from vestlus.bus import embedded_file
from vestlus.bus.embedded_file import Step
from vestlus.errors import BusError, BusUnavailable
from vestlus.spacing import Spaced
from vestlus.workers import Workers

T = TypeVar("T")

#: Steps in one transaction. A group of this many takes about 10 ms, in which nobody else writes.
STEPS = 500

#: From one transaction, or round of reading, to the next: each costs as much as several steps.
#: After a pause nobody waits.
WRITING_SECONDS = 0.005
READING_SECONDS = 0.003


class Threads:
    """Opens the file twice and closes it. ``async with``; blocking work happens in the threads."""

    def __init__(self, path: Path, timeout: float) -> None:
        """``timeout`` is in seconds, for locks and for each call."""
        self._path = path
        self._timeout = timeout
        # Shorter, so that a lock that is never released ends the transaction before its caller
        # stops waiting: nothing is then written behind the caller's back.
        self._lock_timeout = timeout * 0.8
        self._writer = Workers(1, "bus-writer")
        self._reader = Workers(1, "bus-reader")
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._writes: Spaced[Step, object] = Spaced(
            self._commit,
            name="bus: writes",
            seconds=lambda: WRITING_SECONDS,
            monotonic=time.monotonic,
            most=STEPS,
        )
        self._reads: Spaced[Step, object] = Spaced(
            self._look,
            name="bus: reads",
            seconds=lambda: READING_SECONDS,
            monotonic=time.monotonic,
            most=STEPS,
        )
        self._opened = AsyncExitStack()
        self._usable = False

    async def __aenter__(self) -> Self:
        """Raises BusUnavailable."""
        async with AsyncExitStack() as stack:
            stack.callback(self._writer.shutdown)
            stack.callback(self._reader.shutdown)
            stack.push_async_callback(self._disconnect)
            await self._connect()
            stack.push_async_callback(self._writes.settled)
            stack.push_async_callback(self._reads.settled)
            self._opened = stack.pop_all()
        self._usable = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._usable = False
        await self._opened.aclose()

    async def write(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Runs one step in a transaction shared with others; returns when it is durable.

        Raises what the step raises, and BusUnavailable when the transaction did not commit in
        time; it may still commit later.
        """
        return cast("T", await self._submit(self._writes, step))

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Runs one query. Raises what it raises, and BusUnavailable."""
        return cast("T", await self._submit(self._reads, look))

    async def shorten_log(self) -> None:
        """Keeps the write-ahead log from growing without bound. Raises BusUnavailable."""
        writing = _opened(self._writing)
        shorten = partial(embedded_file.shorten_log, writing, self._path, self._lock_timeout)
        await self._writer.run(shorten)

    async def empty_log(self) -> bool:
        """Writes the whole log into the file and empties it; False while others read from it.

        Raises BusUnavailable.
        """
        writing = _opened(self._writing)
        return await self._writer.run(partial(embedded_file.empty_log, writing, self._lock_timeout))

    async def _submit(self, group: Spaced[Step, object], step: Step) -> object:
        if not self._usable:
            message = "the embedded bus is not open"
            raise BusUnavailable(message)
        try:
            async with asyncio.timeout(self._timeout):
                return await group.submit(step)
        except TimeoutError as error:
            message = f"the embedded bus: not done within {self._timeout:g} s"
            raise BusUnavailable(message) from error

    async def _connect(self) -> None:
        """Opens both connections. Processes that make the file together wait for each other."""
        backoff = Backoff(first=0.01, longest=0.1)
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout
        while True:
            try:
                self._writing = await self._writer.run(self._open_for_writing)
                self._reading = await self._reader.run(self._open)
            except BusUnavailable:
                await self._disconnect()
                if clock() > deadline:
                    raise
                await backoff.wait()
            else:
                return

    def _open(self) -> sqlite3.Connection:
        return embedded_file.connect(self._path, self._lock_timeout)

    def _open_for_writing(self) -> sqlite3.Connection:
        connection = self._open()
        try:
            embedded_file.prepare(connection)
        except BusUnavailable:
            connection.close()
            raise
        return connection

    async def _disconnect(self) -> None:
        """Closes both connections; the last process to do so empties the log into the file."""
        reading, self._reading = self._reading, None
        writing, self._writing = self._writing, None
        if reading is not None:
            await self._reader.run(reading.close)
        if writing is not None:
            await self._writer.run(writing.close)

    async def _commit(self, steps: list[Step]) -> Sequence[object]:
        writing = _opened(self._writing)
        return await self._writer.run(partial(embedded_file.commit, writing, steps))

    async def _look(self, looks: list[Step]) -> Sequence[object]:
        reading = _opened(self._reading)
        return await self._reader.run(partial(_look_all, reading, looks))


def _opened(connection: sqlite3.Connection | None) -> sqlite3.Connection:
    if connection is None:
        message = "the embedded bus is not open"
        raise BusUnavailable(message)
    return connection


def _look_all(connection: sqlite3.Connection, looks: Sequence[Step]) -> list[object]:
    results: list[object] = []
    for look in looks:
        try:
            results.append(look(connection))
        except BusError as error:
            results.append(error)
        except sqlite3.Error as error:
            results.append(embedded_file.unavailable(error))
    return results
