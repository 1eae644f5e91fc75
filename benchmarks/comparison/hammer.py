"""``python -m benchmarks.comparison.hammer``: posts webhooks as fast as they are taken in.

A closed loop: each connection posts its next webhook when the last one is answered. What is not
answered 200 is posted again. HTTP is written by hand, so that the service and not the generator is
the limit: one POST costs it some 60 microseconds. The plan is a line of JSON on standard input;
standard output has ``ready``, ``started`` and ``ended``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import uvloop

from vestlus.loadtest.histogram import Histogram

#: Users among whom the events are shared out.
USERS = 5_000
#: Meta's message ids are about so long.
MID_CHARACTERS = 150
_ITEM = (
    b'{"sender":{"id":"%d"},"recipient":{"id":"%s"},"timestamp":%d,'
    b'"message":{"mid":"%s","text":"Tere! Mis kell te avate?"}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HammerPlan:
    """What is posted where; times in seconds. ``run`` begins every message id."""

    run: str
    url: str
    app_secret: str
    accounts: list[str]
    per_post: int
    connections: int
    settle: float
    seconds: float


def payload(plan: HammerPlan, number: int, now_ms: int) -> bytes:
    """The body of one POST, whose first event has this number."""
    account = plan.accounts[number // plan.per_post % len(plan.accounts)].encode()
    items = b",".join(
        _ITEM % (900_000_000_000 + each % USERS, account, now_ms, mid(plan.run, each).encode())
        for each in range(number, number + plan.per_post)
    )
    return b'{"object":"instagram","entry":[{"time":%d,"id":"%s","messaging":[%s]}]}' % (
        now_ms,
        account,
        items,
    )


def mid(run: str, number: int) -> str:
    """The id of an event, by which it is found again in what was kept."""
    return f"m.{run}.{number:09}.".ljust(MID_CHARACTERS, "m")


class Hammer:
    """Posts, and counts what was answered."""

    def __init__(self, plan: HammerPlan) -> None:
        self._plan = plan
        address = urlsplit(plan.url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Content-Type: application/json\r\n"
        ).encode()
        self._key = hmac.new(plan.app_secret.encode(), digestmod=hashlib.sha256)
        self._numbers = count(0, plan.per_post)
        self.statuses: Counter[int] = Counter()
        self.accepted: list[int] = []
        self.taken = Histogram()
        self.counted = 0
        self._window = (float("inf"), float("inf"))

    async def run(self) -> float:
        """Post until the time is over; what is under way then is waited for.

        Returns how long it was measured.
        """
        now = time.perf_counter()
        begin = now + self._plan.settle
        self._window = (begin, begin + self._plan.seconds)
        emit({"kind": "settling"})
        posting = [asyncio.create_task(self._post()) for _ in range(self._plan.connections)]
        await asyncio.sleep(self._plan.settle)
        emit({"kind": "started", "at": time.time()})
        await asyncio.gather(*posting)
        return self._plan.seconds

    async def _post(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        plan, body, number = self._plan, b"", 0
        while time.perf_counter() < self._window[1] or body:
            if not body:
                number = next(self._numbers)
                body = payload(plan, number, time.time_ns() // 1_000_000)
            began = time.perf_counter()
            writer.write(self._request(body))
            try:
                status = await _answer(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                status = 0
                await _close(writer)
                reader, writer = await asyncio.open_connection(self._host, self._port)
            ended = time.perf_counter()
            self.statuses[status] += 1
            if status != 200:  # noqa: PLR2004 - HTTP's "OK"
                await asyncio.sleep(0.05)
                continue
            body = b""
            self.accepted.append(number)
            if self._window[0] <= ended < self._window[1]:
                self.taken.record(round((ended - began) * 1e6))
                self.counted += plan.per_post
        await _close(writer)

    def _request(self, body: bytes) -> bytes:
        signed = self._key.copy()
        signed.update(body)
        return b"%sX-Hub-Signature-256: sha256=%s\r\nContent-Length: %d\r\n\r\n%s" % (
            self._head,
            signed.hexdigest().encode(),
            len(body),
            body,
        )


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):  # of one that the server has cut
        await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> int:
    """The status of a response, which is read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head[9:12])
    _, found, rest = head.partition(b"content-length:")
    if found:
        await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    elif b"transfer-encoding: chunked" in head:
        while size := int((await reader.readline()).strip(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status


def emit(line: dict[str, Any]) -> None:
    """Write one line."""
    print(json.dumps(line, separators=(",", ":")), flush=True)


def main() -> int:
    """Read the plan and run it."""
    plan = HammerPlan(**json.loads(sys.stdin.readline()))
    emit({"kind": "ready"})
    if sys.stdin.readline().strip() != "go":
        return 0
    hammer = Hammer(plan)
    seconds = uvloop.run(hammer.run())
    emit(
        {
            "kind": "ended",
            "events_per_second": hammer.counted / seconds,
            "p50_ms": hammer.taken.percentile(50) / 1000,
            "p99_ms": hammer.taken.percentile(99) / 1000,
            "accepted": len(hammer.accepted) * plan.per_post,
            "refused": hammer.statuses.total() - hammer.statuses[200],
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
