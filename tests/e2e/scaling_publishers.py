"""A pool of PublisherActors that is ``auto``: it grows by itself when more is to be sent at once
than one of them can, not while Instagram takes nothing, and shrinks again afterwards.
"""

from __future__ import annotations

import asyncio
import time
from itertools import islice

import aiohttp

from tests.e2e.resizing import Scale, say
from tests.e2e.scaling_auto import (
    BOUNDS,
    SETTLE_SECONDS,
    SHRINK_SECONDS,
    SHRINK_WAIT_SECONDS,
    Watch,
)
from tests.e2e.scaling_crowd import PIECES, Crowd
from tests.e2e.scaling_report import Course, load_average
from tests.e2e.service import Service
from vestlus.conversation.identity import outbox_partition_of

OUTBOXES = 4
#: Accounts of each outbox partition. All of them together may send far more than a process can,
#: so that no account's rate is the limit.
ACCOUNTS_EACH = 4
MANY_ACCOUNTS = tuple(
    account
    for outbox in range(OUTBOXES)
    for account in islice(
        (
            account
            for account in (f"1784140000{number:07}" for number in range(1000, 1200))
            if outbox_partition_of(account, OUTBOXES) == outbox
        ),
        ACCOUNTS_EACH,
    )
)
PUBLISHING = {
    "VESTLUS_PUBLISHER_ACTORS": BOUNDS,
    "VESTLUS_SHRINK_AFTER_SECONDS": str(SHRINK_SECONDS),
}

MODEL_SECONDS = (0.05, 0.2)
#: Who writes while Instagram takes nothing, how much in all, and how much a second.
USERS, QUESTIONS, A_SECOND = 1500, 5000, 36.0
#: Those who write before that and afterwards, until the end.
FEW_USERS, FEW_A_SECOND = 16, 1.0
#: So long nobody but them asks the model, once all answers of the others are thought.
IDLE_SECONDS = 5.0
#: How long what has waited may take to be sent.
SENT_SECONDS = 420.0


async def run_publishers(service: Service, scale: Scale, pair: str) -> Course:
    """Instagram takes nothing for a while, and then everything that has come together; nobody
    resizes by hand.
    """
    course = Course(
        "Publishers by load",
        pair,
        f"`VESTLUS_PUBLISHER_ACTORS={BOUNDS}`, `VESTLUS_SHRINK_AFTER_SECONDS={SHRINK_SECONDS}`. "
        f"{len(MANY_ACCOUNTS)} accounts. Instagram throttles every message while {USERS} users "
        f"write {QUESTIONS} questions, {A_SECOND:.0f} a second, each of which is answered with "
        f"{PIECES} messages; then it takes them. {FEW_USERS} users write all the time. The model "
        f"takes {MODEL_SECONDS[0]} to {MODEL_SECONDS[1]} s. There are no echoes: on one machine "
        "they would take the processors that the publishers are to use. Load of the machine "
        f"before: {load_average()}.",
    )
    timeout, connector = aiohttp.ClientTimeout(total=120), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        crowd = Crowd(service.simulator, session, accounts=MANY_ACCOUNTS)
        await crowd.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        await crowd.call("webhooks", {"echoes": False})
        watch = Watch(scale, course, time.monotonic(), "publisher")
        watch.traffics.append(crowd)
        running = [asyncio.create_task(crowd.listen(), name="listening")]
        try:
            await crowd.write(FEW_USERS, FEW_USERS, FEW_A_SECOND)
            await crowd.until_answered(SETTLE_SECONDS)
            few = crowd.write(100_000, FEW_USERS, FEW_A_SECOND)
            running.append(asyncio.create_task(few, name="few users"))
            course.moved = await _backlog(watch, crowd) and await _sent(watch, crowd)
            crowd.stopped.set()
            await running[1]
            await crowd.until_answered(SETTLE_SECONDS)
            watch.note("the end, everybody answered")
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        course.verdict = await crowd.call("check?after=0&user_prefix=u&wait=20")
    course.written = crowd.written
    course.moved = course.moved and not crowd.torn
    course.besides = (
        f"{crowd.whole} answers of {PIECES} messages each, {len(crowd.torn)} of them not whole or "
        "not in order"
    )
    say(course.summary)
    return course


async def _backlog(watch: Watch, crowd: Crowd) -> bool:
    """Answers come together while Instagram takes nothing; whether no publisher was started."""
    await watch.look()
    watch.note("one publisher, at rest")
    throttling = {"kind": "throttle", "op": "send", "probability": 1}
    await crowd.call("faults", {"rules": [throttling]})
    watch.note("Instagram takes nothing, the users come")
    await crowd.write(QUESTIONS, USERS, A_SECOND)
    await _until_idle(crowd)
    seen = await watch.look()
    watch.note(f"{crowd.unanswered} questions have no answer", seen.told)
    return watch.wished == 1


async def _until_idle(crowd: Crowd) -> None:
    """Waits until the model has not been asked for a while: all answers are in the ledger. Raises
    TimeoutError.
    """
    since, calls = time.monotonic(), -1.0
    async with asyncio.timeout(SETTLE_SECONDS):
        while time.monotonic() - since < IDLE_SECONDS:
            stats = await crowd.call("stats")
            now = sum(stats["model_calls"].values())
            # The few users ask on.
            if stats["model_under_way"] > FEW_A_SECOND or now - calls > 2 * FEW_A_SECOND:
                since = time.monotonic()
            calls = now
            await asyncio.sleep(1)


async def _sent(watch: Watch, crowd: Crowd) -> bool:
    """Instagram takes all of it again; whether publishers were started, and ended after it."""
    waited, sent = time.monotonic(), crowd.messages
    await crowd.call("faults", {"clear": True})
    watch.note("Instagram takes messages again")
    grew = False
    async with asyncio.timeout(SENT_SECONDS):
        while not crowd.is_answered(waited):
            seen = await watch.look()
            if not grew and min(seen.wished, seen.ready, seen.shares) > 1:
                grew = True
                watch.note(
                    "more than one publisher serves", f"{crowd.messages - sent} messages sent"
                )
            # Each look takes a second of a processor, which the publishers would use too.
            await asyncio.sleep(4)
    took = time.monotonic() - waited
    longest = max(waited for _, waited in crowd.waits)
    told = (
        f"{crowd.messages - sent} messages sent in {took:.0f} s; of all who wrote since the "
        f"beginning nobody waited longer than {longest:.0f} s"
    )
    watch.note("what had come together is answered", told)
    shrank = await watch.until(1, SHRINK_WAIT_SECONDS, grown=False)
    return grew and shrank
