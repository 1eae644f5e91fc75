"""``python -m benchmarks.comparison.saturating``: users who write again once they are answered.

A closed loop with so many messages in flight that the service is never idle: the rate at which they
are answered is what it can do. (Latencies of such a run say nothing; those come from the open loop
of ``vestlus loadtest``.) It speaks the protocol of :mod:`vestlus.simulator.load`, with two more
words in the plan: ``in_flight``, and ``settle``, the seconds before it is measured.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

import uvloop

from vestlus.simulator.jsontypes import JsonObject, get_number, parse_object
from vestlus.simulator.load.__main__ import REFUSED, emit
from vestlus.simulator.load.journal import Entry
from vestlus.simulator.load.plan import Plan, read_plan
from vestlus.simulator.load.posting import Writers
from vestlus.simulator.load.run import Load
from vestlus.simulator.load.schedule import TEXTS, Post, Writing
from vestlus.simulator.load.warming import NotAnsweredError

#: How often it is looked who was answered, seconds.
LOOK_SECONDS = 0.05
#: The first messages come over so long a time, not all at one moment.
RAMP_SECONDS = 1.0


class Saturating(Load):
    """As many users as messages in flight, each with one of them."""

    def __init__(self, plan: Plan, in_flight: int, settle: float) -> None:
        super().__init__(plan, emit, asyncio.Event())
        self._users = in_flight
        self._settle = settle
        self._words = random.Random(f"{plan.seed} words")  # noqa: S311 - to be drawn again
        self._latest: dict[int, Entry] = {}
        self._numbers = [0] * in_flight

    async def _through(
        self, writers: Writers, posts: list[Post], failed: asyncio.Future[None]
    ) -> None:
        del posts  # they know nothing of answers
        await self._ramp(writers)
        # What must be started for each user is not what is measured.
        deadline = time.time() + self._plan.patience
        while min(self._numbers) == 1 and time.time() < deadline:
            await self._write(writers, time.time() + LOOK_SECONDS, failed)
        await self._write(writers, time.time() + self._settle, failed)
        self._journal.take(time.time())
        start = time.time()
        emit({"kind": "started", "at": start})
        end, written = start + self._plan.seconds, self._journal.written
        self._second = 0
        while time.time() < end:
            await self._write(writers, min(time.time() + 1, end), failed)
            await self._ask_model()
            self._line()
        at_end: JsonObject = {
            "seconds": end - start,
            "in_flight": self._journal.in_flight,
            "in_model": self._in_model,
            "answered": sum(
                start <= entry.answered_at < end
                for entry in self._journal.entries.values()
                if entry.answered_at is not None
            ),
            "due": self._journal.written - written,
        }
        deadline = time.time() + self._plan.drain
        while self._journal.in_flight and time.time() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()
        await self._judge(at_end)

    async def _ramp(self, writers: Writers) -> None:
        steps = max(1, round(RAMP_SECONDS / LOOK_SECONDS))
        for step in range(steps):
            await self._write_as(writers, range(step, self._users, steps))
            await asyncio.sleep(LOOK_SECONDS)

    async def _write(self, writers: Writers, until: float, failed: asyncio.Future[None]) -> None:
        while time.time() < until:
            if failed.done():
                failed.result()
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()
            answered = [
                user for user, entry in self._latest.items() if entry.answered_at is not None
            ]
            if answered:
                await self._write_as(writers, answered)

    async def _write_as(self, writers: Writers, users: list[int] | range) -> None:
        writings = []
        for user in users:
            self._numbers[user] += 1
            words = self._words.choice(TEXTS)
            writings.append(Writing(0.0, user, self._numbers[user], words, picture=False))
        if not writings:
            return
        entries = await writers.tell(writings, time.time(), 0.0)
        for writing, entry in zip(writings, entries, strict=True):
            self._latest[writing.user] = entry
            writers.post([entry])


def main() -> int:
    """Read the plan and run it."""
    body = parse_object(sys.stdin.readline())
    plan = read_plan(body)
    emit({"kind": "ready"})
    if sys.stdin.readline().strip() != "go":
        return 0
    load = Saturating(
        plan, int(get_number(body, "in_flight", 1, least=1)), get_number(body, "settle", 0.0)
    )
    try:
        uvloop.run(load.run())
    except NotAnsweredError as error:
        emit({"kind": "refused", "problem": str(error)})
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
