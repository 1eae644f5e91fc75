"""A pool that is ``auto``: it grows by itself under too much load, and shrinks again after it."""

from __future__ import annotations

import asyncio
import io
import random
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
from PIL import Image

from tests.e2e.resizing import (
    ACCOUNTS,
    MODEL_SECONDS,
    Scale,
    Waits,
    longest,
    more_answers,
    say,
)
from tests.e2e.scaling_report import Course, Event, load_average
from tests.e2e.service import Service
from tests.e2e.traffic import Habits, Traffic

#: What the pool may be.
BOUNDS = "auto:1-3"
MOST = 3
#: For how long it is quiet before one actor is taken away: the least that can be set.
SHRINK_SECONDS = 30
SETTINGS = {
    "VESTLUS_CONVERSATION_ACTORS": BOUNDS,
    "VESTLUS_SHRINK_AFTER_SECONDS": str(SHRINK_SECONDS),
}

#: Those who write all the time, and those who come in a crowd, each message with a photograph:
#: these are drawn anew by the ConversationActor, some tenths of a second of its processor each.
STEADY = Habits(seed=11, users=8, pause_seconds=(0.5, 2.0), prefix="us", newcomers="us")
CROWD = Habits(
    seed=12,
    users=60,
    pause_seconds=(0.1, 0.5),
    picture_probability=1.0,
    prefix="uc",
    newcomers="uc",
)
PHOTOGRAPH = (4000, 3000)

GROW_SECONDS = 150.0
#: A pool waits so long after a change before it grows again, and as long for partitions to move.
GROW_AGAIN_SECONDS = 75.0
SHRINK_WAIT_SECONDS = 240.0
SETTLE_SECONDS = 180.0
#: Answers before the crowd comes, and after the pool has shrunk.
ANSWERS = 30


def photograph() -> bytes:
    """A JPEG as large as a phone makes, of coloured patches."""
    chance = random.Random(3)  # noqa: S311 - reproducible
    small = Image.frombytes("RGB", (160, 120), chance.randbytes(160 * 120 * 3))
    kept = io.BytesIO()
    small.resize(PHOTOGRAPH, Image.Resampling.BICUBIC).save(kept, "JPEG", quality=80)
    return kept.getvalue()


@dataclass(frozen=True, slots=True)
class Seen:
    """The pool at a moment."""

    at: float
    wished: int
    ready: int
    shares: int
    told: str


class Watch:
    """What ``vestlus scale`` says of a pool, and each change of it."""

    def __init__(
        self, scale: Scale, course: Course, began: float, name: str = "conversation"
    ) -> None:
        self._name = name
        self._scale = scale
        self._course = course
        self._began = began
        self._before: Seen | None = None
        #: Whose waits count.
        self.traffics: list[Waits] = []
        #: The largest pool that was wished for.
        self.wished = 0

    async def look(self) -> Seen:
        """Asks once; notes a change."""
        pool: dict[str, Any] = (await asyncio.to_thread(self._scale))[self._name]
        one = pool["clusters"][0]
        told = f"busy {one['busy_percent']}%, oldest waiting {one['oldest_waiting_seconds']:.1f} s"
        seen = Seen(time.monotonic(), one["wished"], one["ready"], len(pool["partitions"]), told)
        say(f"   {seen.at - self._began:.0f} s: wished for {seen.wished}, {told}")
        before = self._before
        if before is None:
            self._before = seen
        elif (seen.wished, seen.shares) != (before.wished, before.shares):
            self._before = seen
            why = f"because {one['reason']}" if seen.wished != before.wished else told
            self.note(f"wished for {seen.wished}, {seen.shares} with partitions", why)
        self.wished = max(self.wished, seen.wished)
        return seen

    def note(self, what: str, told: str = "") -> None:
        """Writes down a moment, and the longest wait since the one before."""
        now = time.monotonic()
        since = self._began + (self._course.events[-1].at if self._course.events else 0.0)
        waited = max((longest(one, since, now) for one in self.traffics), default=0.0)
        self._course.events.append(Event(now - self._began, what, waited, told))
        words = "; ".join(filter(None, (what, told, f"longest wait of an answer {waited:.1f} s")))
        say(f"{now - self._began:.0f} s: {words}")

    async def until(self, size: int, seconds: float, *, grown: bool) -> bool:
        """Looks until so many serve, or that long; whether they do."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            seen = await self.look()
            serving = (seen.wished, seen.ready, seen.shares)
            if (min(serving) >= size) if grown else (serving == (size, size, size)):
                return True
            await asyncio.sleep(2)
        return False


async def _ended(running: asyncio.Task[None], traffic: Traffic) -> None:
    traffic.stopped.set()
    async with asyncio.timeout(SETTLE_SECONDS):
        await running


async def run_auto(service: Service, scale: Scale, pair: str) -> Course:
    """A crowd comes and goes beside those who write all the time; nobody resizes by hand."""
    load = (
        f"`VESTLUS_CONVERSATION_ACTORS={BOUNDS}`, `VESTLUS_SHRINK_AFTER_SECONDS={SHRINK_SECONDS}`. "
        f"{STEADY.users} users write text all the time; {CROWD.users} more come, each of whose "
        f"messages has a photograph of {PHOTOGRAPH[0]} by {PHOTOGRAPH[1]} pixels, and go. The "
        f"model takes {MODEL_SECONDS[0]} to {MODEL_SECONDS[1]} s. Load of the machine before: "
        f"{load_average()}."
    )
    course = Course("By load", pair, load)
    timeout, connector = aiohttp.ClientTimeout(total=120), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        steady = Traffic(service.simulator, session, STEADY, accounts=ACCOUNTS)
        await steady.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        kept = f"{service.simulator}/control/media"
        headers = {"Content-Type": "image/jpeg"}
        async with session.post(kept, data=photograph(), headers=headers) as answer:
            answer.raise_for_status()
            picture = str((await answer.json())["url"])
        crowd = Traffic(service.simulator, session, CROWD, accounts=ACCOUNTS, picture=picture)
        watch = Watch(scale, course, time.monotonic())
        watch.traffics.append(steady)
        running = [asyncio.create_task(steady.run(), name="steady users")]
        try:
            await more_answers(steady, running[0], ANSWERS)
            await watch.look()
            watch.note("one actor, at rest")
            running.append(asyncio.create_task(crowd.run(), name="crowd"))
            watch.traffics.append(crowd)
            watch.note("the crowd comes")
            grew = await watch.until(2, GROW_SECONDS, grown=True)
            if grew and not await watch.until(MOST, GROW_AGAIN_SECONDS, grown=True):
                called = watch.wished >= MOST
                watch.note("a third actor did not serve yet" if called else "two were enough")
            await _ended(running[1], crowd)
            seen = await watch.look()
            watch.note("the crowd has gone, everybody answered", seen.told)
            shrank = await watch.until(1, SHRINK_WAIT_SECONDS, grown=False)
            await more_answers(steady, running[0], ANSWERS)
            await _ended(running[0], steady)
            watch.note("the end, everybody answered")
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        course.verdict = await steady.call("check?after=0&user_prefix=u&wait=20")
    course.written = steady.written + crowd.written
    course.moved = grew and shrank
    say(course.summary)
    return course
