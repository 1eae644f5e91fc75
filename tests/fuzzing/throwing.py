"""Throws requests at a server, many at a time, and writes down what came of each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.fuzzing.requests import Thrown

#: A connection that the server leaves open for what is still to come is cut after so long: the
#: request was cut short, and the server may wait for the rest of it.
PATIENCE_SECONDS: Final = 0.5
#: What is not answered at all in this time, although the whole request was sent, is given up: a
#: run ends then. What is slow is for :mod:`tests.fuzzing.judging`.
LONGEST_SECONDS: Final = 15.0


@dataclass
class Outcomes:
    """What came of the requests, by surface."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    #: Requests that ended with a server error: each is one to look at.
    errors: list[tuple[int, Thrown]] = field(default_factory=list)
    #: Requests without an answer: cut short by us, or no HTTP at all.
    silent: int = 0

    @property
    def total(self) -> int:
        """Requests that were answered."""
        return sum(self.statuses.values())

    def slowest(self, surface: str) -> float:
        """Seconds of the slowest answer; 0 without any."""
        return max(self.seconds.get(surface, ()), default=0.0)

    def note(self, one: Thrown, status: int | None, seconds: float) -> None:
        """Writes down one."""
        if status is None:
            self.silent += 1
            return
        self.statuses[one.surface, status] += 1
        self.seconds.setdefault(one.surface, []).append(seconds)
        if status >= 500:
            self.errors.append((status, one))


async def throw(
    port: int, requests: Iterable[Thrown], *, at_a_time: int = 16, into: Outcomes | None = None
) -> Outcomes:
    """Throws them all, in order, so many at a time. What came of them is written down in ``into``,
    where there is one.
    """
    outcomes = Outcomes() if into is None else into
    coming = iter(requests)

    async def one_after_the_other() -> None:
        for one in coming:
            began = time.monotonic()
            status = await _asked(port, one.content)
            outcomes.note(one, status, time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_a_time):
            group.create_task(one_after_the_other())
    return outcomes


async def _asked(port: int, content: bytes) -> int | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(content)
        # A server may refuse a body before it has read it, and close.
        drained = asyncio.ensure_future(writer.drain())
        line = await _first_line(reader, whole=_is_whole(content))
        drained.cancel()
        await asyncio.gather(drained, return_exceptions=True)
    except ConnectionError:
        return None
    finally:
        writer.transport.abort()
    parts = line.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


async def _first_line(reader: asyncio.StreamReader, *, whole: bool) -> bytes:
    patience = LONGEST_SECONDS if whole else PATIENCE_SECONDS
    try:
        async with asyncio.timeout(patience):
            return await reader.readline()
    except TimeoutError:
        if whole:
            raise
        return b""


def _is_whole(content: bytes) -> bool:
    """Whether as much came as the request declares, in a form about which nobody can be of two
    minds. Of other requests a server may wait for the rest.
    """
    head, end, body = content.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not end or any(b":" not in line for line in lines[1:]):
        return False
    names = [line.partition(b":")[0].strip().lower() for line in lines[1:]]
    if names.count(b"content-length") != 1 or {b"transfer-encoding", b"expect"} & set(names):
        return False
    value = lines[1 + names.index(b"content-length")].partition(b":")[2].strip()
    return value.isdigit() and len(body) >= int(value)
