"""When each ambiguous send is looked for: echoes often and free, conversations within limits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Mapping

from publishers.lane import Lane
from publishers.look import Look
from publishers.looking import Looker
from publishers.notes import Notes
from publishers.rate import CallKind
from publishers.rules import SendingRules
from vestlus.clock import Clock
from vestlus.store.rows import SendRow

#: Echo checks at a time; each is one indexed query.
_ECHO_CHECKS = 16

#: Starts a task, named, whose failure ends the worker.
Spawn = Callable[[Coroutine[None, None, None], str], None]


class Lookout:
    """Walks along the ambiguous sends of a partition's accounts.

    Echoes are checked for all of them, whatever their account's Conversations API budget is
    doing; listings go one account at a time, the oldest attempt first. A look that is busy is
    touched by one of the two walks only.
    """

    def __init__(
        self,
        *,
        looker: Looker,
        lanes: Mapping[str, Lane],
        looked: Callable[[Look], None],
        spawn: Spawn,
        clock: Clock,
        rules: SendingRules,
    ) -> None:
        self._looker = looker
        self._lanes = lanes
        self._on_looked = looked
        self._spawn = spawn
        self._clock = clock
        self._rules = rules
        #: No check for an echo is put off for longer than this, unless the clock was put back.
        self._latest_ms = round(10_000 * rules.echo_seconds)
        #: A look may be due sooner than was known.
        self._added = asyncio.Event()
        #: Set once no listing may be begun any more.
        self.draining = False

    def add(self, lane: Lane, row: SendRow, notes: Notes) -> None:
        """Begins to look for a LOOKING row."""
        lane.readings.looks[row.id] = self._looker.look_for(row, notes)
        lane.changed.set()
        self._added.set()

    async def walk_reads(self, lane: Lane) -> None:
        """Reads conversations for one account, for good."""
        while True:
            lane.changed.clear()
            now_ms = self._clock()
            wait = math.inf if self.draining else lane.readings.look_wait(now_ms)
            look = lane.readings.due_look(now_ms)
            if wait > 0 or look is None:
                spare = math.inf if self.draining else lane.readings.search_wait(now_ms)
                if spare > 0:
                    await lane.until_changed(min(wait, spare))
                else:
                    await self._begin_search(lane)
                continue
            look.busy = True
            # Free of charge, and it may have come since: before a token is spent on it.
            if not await self._check_echo(lane, look):
                await self._begin_read(lane)

    async def _begin_read(self, lane: Lane) -> None:
        """Reads a conversation for the oldest look that is due when it may be read."""
        calls = self._rules.calls_per_look
        # Nothing is busy meanwhile: echoes are checked however long that takes.
        if not await lane.budget.take(CallKind.LOOK, calls):
            return
        look = lane.readings.due_look(self._clock())
        if self.draining or look is None:
            lane.budget.unused(CallKind.LOOK, calls)
            return
        look.busy = lane.readings.under_way = True
        self._spawn(self._read(lane, look), "read")

    async def _begin_search(self, lane: Lane) -> None:
        """One call for missed messages, unless an ambiguous send wants it by then."""
        if not await lane.budget.take(CallKind.LOOK):
            return
        if self.draining or lane.readings.due_look(self._clock()) is not None:
            lane.budget.unused(CallKind.LOOK)
            return
        lane.readings.under_way = True
        self._spawn(self._search(lane), "missed")

    async def _search(self, lane: Lane) -> None:
        try:
            if lane.readings.search is not None:
                await lane.readings.search.call(lane.budget)
        finally:
            lane.readings.under_way = False
            lane.budget.spent(CallKind.LOOK)
            lane.changed.set()

    async def _read(self, lane: Lane, look: Look) -> None:
        try:
            done = await self._looker.read(look, lane)
        finally:
            look.busy = False
            lane.readings.under_way = False
            lane.budget.spent(CallKind.LOOK, self._rules.calls_per_look)
            lane.changed.set()
            self._added.set()
        if done:
            self._looked(lane, look)

    async def walk_echoes(self) -> None:
        """Checks for echoes, for good."""
        while True:
            self._added.clear()
            now_ms = self._clock()
            looks = [
                (lane, look)
                for lane in self._lanes.values()
                for look in lane.readings.looks.values()
                if not look.busy
            ]
            latest_ms = now_ms + self._latest_ms
            due = [(lane, look) for lane, look in looks if not now_ms < look.echo_ms <= latest_ms]
            if due:
                async with asyncio.TaskGroup() as group:
                    for lane, look in due[:_ECHO_CHECKS]:
                        look.busy = True
                        group.create_task(self._check_echo(lane, look), name="echo")
                continue
            nearest = min((look.echo_ms for _, look in looks), default=None)
            wait = None if nearest is None else (nearest - now_ms) / 1000
            try:
                async with asyncio.timeout(wait):
                    await self._added.wait()
            except TimeoutError:
                continue

    async def _check_echo(self, lane: Lane, look: Look) -> bool:
        """Checks for the echo of a look that is busy with it; whether it came."""
        try:
            done = await self._looker.check_echo(look)
        finally:
            look.busy = False
            lane.changed.set()
            self._added.set()
        if done:
            self._looked(lane, look)
        return done

    def _looked(self, lane: Lane, look: Look) -> None:
        lane.readings.looks.pop(look.row.id, None)
        self._on_looked(look)
