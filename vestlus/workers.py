"""Threads for blocking work, at half the cost of the standard library's executors.

A change of threads by ``run_in_executor`` makes two futures, one with a lock and a condition, and
takes some 50 µs of CPU, this some 25: as much as many a statement of SQLite's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

#: What a thread is to do, for whom, in which loop.
_Task = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Workers:
    """So many threads, started with the first piece of work, which they take in order.

    Whoever is cancelled takes back what no thread has begun; what is begun goes on to its end, and
    nobody hears of it.
    """

    def __init__(self, count: int, name: str) -> None:
        self._names = [f"{name}-{number}" for number in range(count)]
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises, in a thread. Raises RuntimeError after shutdown."""
        if self._closed:
            message = f"{self._names[0]} takes no more work"
            raise RuntimeError(message)
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._tasks.put((loop, future, work))
        return await future

    def shutdown(self) -> None:
        """Waits for what was handed in, and ends the threads. Twice is no harm."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        # Daemons: a process whose owner forgot to close them must be able to end.
        self._threads = [
            threading.Thread(target=self._work, name=name, daemon=True) for name in self._names
        ]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            loop, future, work = task
            if not future.cancelled():
                settle = _done(future, work)
                with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                    loop.call_soon_threadsafe(settle)
                # What it holds must not live until the next piece of work comes.
                del settle
            del task, loop, future, work


def _done(future: asyncio.Future[T], work: Callable[[], T]) -> Callable[[], None]:
    """Does the work, and returns what tells of its outcome."""
    try:
        result = work()
    except BaseException as failure:  # noqa: BLE001 - whoever waits gets it, whatever it is
        error = failure
        return lambda: None if future.done() else future.set_exception(error)
    return lambda: None if future.done() else future.set_result(result)
