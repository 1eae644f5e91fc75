"""Posts that people plan by the command, or that events lead to by way of the scheduler, whose
publishing is done and answered by an error or cut.

Each must be on the grid exactly once.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass

from tests.chaos.journal import Journal
from tests.chaos.kinds import POST_FAULTS
from tests.chaos.operating import insist
from tests.chaos.plan import Plan
from tests.chaos.steps import AWAY
from tests.chaos.world import BUSY, World, event_of
from tests.e2e.traffic import Traffic
from vestlus.store.occurrences import OPEN, OccurrenceState
from vestlus.store.posts import ENDED, PostState

#: Pictures of the starter bank.
PICTURES = ("where-to-find-us", "parking")

#: A post's last states, and those of an occurrence that becomes none.
_OVER = frozenset(map(str, ENDED)) | (
    frozenset(map(str, OccurrenceState)) - frozenset(map(str, OPEN)) - {str(OccurrenceState.HANDED)}
)


@dataclass(frozen=True, slots=True)
class Post:
    """A post that was planned, and what became of it."""

    caption: str
    state: str
    on_grid: int

    @property
    def problem(self) -> str | None:
        """What is wrong with it."""
        if self.on_grid > 1:
            return f"“{self.caption}” is on the grid {self.on_grid} times"
        if self.on_grid == 0:
            return f"“{self.caption}” is lost: not on the grid, and {self.state}"
        if self.state != PostState.PUBLISHED:
            return f"“{self.caption}” is lost: {self.state}, although it is on the grid"
        return None


class Poster:
    """Plans as many posts as the plan says; of each account one at a time."""

    def __init__(self, plan: Plan, world: World, traffic: Traffic, journal: Journal) -> None:
        self._plan = plan
        self._world = world
        self._traffic = traffic
        self._journal = journal
        #: The account by caption, of what was planned.
        self._planned: dict[str, str] = {}

    async def run(self) -> None:
        """Plans nothing more once the traffic is stopped; returns when all posts have ended."""
        async with asyncio.TaskGroup() as group:
            for place, account in enumerate(BUSY):
                numbers = range(place, self._plan.posts, len(BUSY))
                group.create_task(self._all(account, numbers), name=f"posts of {account}")

    async def _all(self, account: str, numbers: range) -> None:
        for number in numbers:
            at = self._plan.seconds * (number + 0.1) / self._plan.posts
            await asyncio.sleep(max(0.0, at - self._journal.elapsed))
            if self._traffic.stopped.is_set():
                return
            await self._one(account, number)

    async def _one(self, account: str, number: int) -> None:
        began = self._journal.elapsed + self._journal.began
        fault = POST_FAULTS[number % len(POST_FAULTS)]
        rule = {"kind": fault.kind, "op": fault.op, "next": 1, "account": account}
        await self._traffic.call("faults", {"rules": [rule]})
        caption = f"Postitus {number}"
        # Of each fault half the posts each way.
        by_event = (number + number // len(POST_FAULTS)) % 2 == 1
        words = (
            ("events", "fire", event_of(account), "--data", json.dumps({"caption": caption}))
            if by_event
            else (
                *("posts", "publish-now", "--account", account, "--caption", caption),
                *("--picture", PICTURES[number % len(PICTURES)]),
            )
        )
        # However often the command is tried, there is one post of this name.
        named = ("--key", f"chaos-{number}")
        await insist(self._world.folder, self._world.settings, *words, *named)
        self._planned[caption] = account
        while (state := await self._state(caption)) not in _OVER:
            await asyncio.sleep(1.0)
        self._journal.note(f"{caption}, {fault.kind}: {state}", began=began, aloud=False)

    async def _state(self, caption: str) -> str:
        try:
            return await self._world.steps.post_state(caption)
        except AWAY:
            return ""  # it is being restarted

    async def seen(self) -> list[Post]:
        """What became of everything that was planned."""
        grid: Counter[str] = Counter()
        for account in BUSY:
            posts = (await self._traffic.call(f"grid?account={account}"))["posts"]
            grid.update(str(one["caption"]) for one in posts)
        return [Post(one, await self._state(one), grid[one]) for one in self._planned]
