"""The scenario *late*: Graph carries requests out after the settling time.

Nothing can be promised then: the send was looked for, not found, and made again. Each late request
may double the answer it was for, and no other.
"""

from __future__ import annotations

import asyncio

import aiohttp

from tests.chaos.journal import Journal
from tests.chaos.plan import SETTLING_SECONDS, Plan
from tests.chaos.report import Late
from tests.chaos.world import BUSY
from tests.e2e.traffic import Habits, Traffic

PREFIX = "l"
USERS = 40
#: How long after the request was cut it is carried out: what was given up then has been looked
#: for, and sent again.
LATE_SECONDS = 2 * SETTLING_SECONDS + 4
#: For all that to happen, and the late ones after it.
PATIENCE = 120.0


async def run_late(
    simulator: str, session: aiohttp.ClientSession, plan: Plan, journal: Journal
) -> Late:
    """Has as many requests be late as the plan says; returns what users saw of it."""
    began = journal.elapsed + journal.began
    habits = Habits(plan.seed + 2, users=USERS, burst_probability=0.0, prefix=PREFIX)
    traffic = Traffic(simulator, session, habits, accounts=BUSY)
    start = int((await traffic.call("info"))["seq"])
    before = await _fired(traffic)
    rule = {
        "kind": "late",
        "seconds": LATE_SECONDS,
        "next": plan.late,
        "fresh_seconds": SETTLING_SECONDS,
    }
    await traffic.call("faults", {"clear": True, "rules": [rule]})
    writing = asyncio.create_task(traffic.run(), name="late traffic")
    try:
        async with asyncio.timeout(PATIENCE):
            while await _fired(traffic) - before < plan.late:
                await asyncio.sleep(0.2)
            traffic.stopped.set()
            await writing
            # The last of the late ones come after their second sends.
            await asyncio.sleep(LATE_SECONDS)
    except TimeoutError:
        journal.say(f"late: {traffic.unanswered} users still wait for an answer")
    finally:
        writing.cancel()
        await asyncio.wait({writing})
    verdict = await traffic.call(f"check?after={start}&user_prefix={PREFIX}")
    late = Late(await _fired(traffic) - before, int(verdict["answered"]), verdict)
    journal.note(f"late: {late.fired} requests, {late.doubled} answers doubled", began=began)
    return late


async def _fired(traffic: Traffic) -> int:
    return int((await traffic.call("stats"))["graph_faults_fired"].get("late", 0))
