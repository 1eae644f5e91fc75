"""Has single requests go wrong, each kind evenly over the time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.chaos.journal import Journal
from tests.chaos.kinds import FULL_SECONDS, RequestKind, Side
from tests.chaos.plan import BUSY_USERS, SETTLING_SECONDS, Plan
from tests.e2e.traffic import Traffic

#: Requests that are to go wrong and have not come yet, of one kind.
MOST_AHEAD = 2


class Requests:
    """Tells the simulator which requests are to go wrong next."""

    def __init__(self, plan: Plan, traffic: Traffic, journal: Journal) -> None:
        self._plan = plan
        self._traffic = traffic
        self._journal = journal
        #: How many want requests to Graph left alone.
        self._sparing = 0

    @contextmanager
    def spared(self) -> Iterator[None]:
        """Requests to Graph are left alone meanwhile: what is in doubt is soon cleared up."""
        self._sparing += 1
        try:
            yield
        finally:
            self._sparing -= 1

    async def run(self) -> None:
        """Has single requests go wrong, each kind evenly over the time."""
        asked: Counter[str] = Counter()
        while True:
            share = min(1.0, self._journal.elapsed / self._plan.seconds)
            scale = self._plan.seconds / FULL_SECONDS
            stats = await self._traffic.call("stats")
            for kind in self._plan.requests:
                due = round(kind.times * scale * share) + 1
                ahead = asked[kind.name] - fired(stats, kind)
                if (
                    asked[kind.name] >= due
                    or ahead >= MOST_AHEAD
                    or (kind.side is Side.GRAPH and self._sparing)
                ):
                    continue
                asked[kind.name] += 1
                await self._ask(kind)
            await asyncio.sleep(0.5)

    async def _ask(self, kind: RequestKind) -> None:
        rule: dict[str, Any] = {"kind": kind.kind, "next": 1}
        if kind.seconds is not None:
            rule["seconds"] = kind.seconds
        if kind.op == "send":
            # Whose markers these are; newcomers and scenarios have others.
            rule["contains"] = f"#{BUSY_USERS}"
        if kind.side is Side.MODEL:
            await self._traffic.call("model", {"faults": [rule]})
            return
        rule["op"] = kind.op
        if kind.not_done:
            # What is sent again comes after the settling time at the earliest.
            rule["fresh_seconds"] = SETTLING_SECONDS
        await self._traffic.call("faults", {"rules": [rule]})


def fired(stats: dict[str, Any], kind: RequestKind) -> int:
    """How often a kind befell a request, by the simulator's count."""
    if kind.side is Side.GRAPH:
        return int(stats["graph_faults_by_op"].get(f"{kind.op} {kind.kind}", 0))
    return int(stats["model_faults_fired"].get(kind.kind, 0))
