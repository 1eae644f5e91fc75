"""The scheduler as an ordinary object: plans posts while it is given the lease."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import structlog

from vestlus.bus.port import Bus
from vestlus.clock import Clock
from vestlus.errors import LeaseLost
from vestlus.planning.bell import listen
from vestlus.planning.bench import PlannerStore
from vestlus.planning.planner import Kept, Planner
from vestlus.planning.ports import Drafter
from vestlus.planning.rules import PlannerRules
from vestlus.planning.upkeep import keep_tidy
from vestlus.store.plan_port import Triggers
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)


class ServiceStore(PlannerStore, Triggers, Protocol):
    """What the scheduler's service needs of the store."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A lease under which nobody plans any more, and why. LeaseLost: somebody else holds it."""

    lease: Lease
    error: BaseException


@dataclass(slots=True)
class _Held:
    lease: Lease
    planner: Planner
    tasks: tuple[asyncio.Task[None], ...]


class PlannerService:
    """Plans posts for as long as it holds the lease ``scheduler``.

    It neither acquires nor renews the lease: its owner does, and awaits :meth:`failed`.
    ``async with``: leaving lets go in good order.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        store: ServiceStore,
        drafter: Drafter,
        kept: Kept,
        clock: Clock,
        rules: PlannerRules | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        besides: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """``besides`` is what its process does, too, for as long as the lease is held."""
        self._besides = besides
        self._bus = bus
        self._store = store
        self._drafter = drafter
        self._kept = kept
        self._clock = clock
        self._monotonic = monotonic
        self._rules = rules or PlannerRules()
        self._steps: Counter[str] = Counter()
        self._held: _Held | None = None
        self._failures: asyncio.Queue[Failure] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.let_go(0.0)

    async def hold(self, lease: Lease) -> None:
        """Begins to plan. A lease with another epoch replaces the one that is held."""
        if self._held is not None:
            if self._held.lease == lease:
                return
            await self.let_go(0.0)
        planner = Planner(
            lease=lease,
            store=self._store,
            drafter=self._drafter,
            kept=self._kept,
            clock=self._clock,
            monotonic=self._monotonic,
            rules=self._rules,
            steps=self._steps,
        )
        tasks = [
            asyncio.create_task(planner.run(), name="planner"),
            asyncio.create_task(listen(self._bus, planner.ring), name="planner bell"),
            asyncio.create_task(keep_tidy(self._store, self._clock), name="planner upkeep"),
        ]
        if self._besides is not None:
            tasks.append(asyncio.create_task(self._besides(), name="besides the planner"))
        held = _Held(lease, planner, tuple(tasks))
        self._held = held
        for task in tasks:
            task.add_done_callback(lambda task: self._ended(held, task))

    async def let_go(self, drain_seconds: float) -> None:
        """Plans nothing more; what is being handed over gets so long. Safe to call twice."""
        held, self._held = self._held, None
        if held is None:
            return
        try:
            if drain_seconds > 0:
                await held.planner.drain(drain_seconds)
        finally:
            # Also when cancelled: nobody else could stop it, and its lease will be freed.
            for task in held.tasks:
                task.cancel()
            await asyncio.wait(held.tasks)

    async def failed(self) -> Failure:
        """Waits for what ended the planning otherwise than by :meth:`let_go`. It has been let go
        by then. Other errors than LeaseLost mean that this process is not to be trusted with it.
        """
        return await self._failures.get()

    def stats(self) -> Mapping[str, Any]:
        """Counts since the start, and what is under way."""
        return {
            "in_flight": self._held.planner.in_flight if self._held else 0,
            "steps": dict(self._steps),
        }

    def _ended(self, held: _Held, task: asyncio.Task[None]) -> None:
        if self._held is not held or task.cancelled():
            return
        error = task.exception() or RuntimeError(f"{task.get_name()} ended by itself")
        if isinstance(error, LeaseLost):
            _log.warning("lease_lost", lease=held.lease.name)
        else:
            _log.error("planning_failed", error=type(error).__name__)
        self._held = None
        for rest in held.tasks:
            rest.cancel()
        self._failures.put_nowait(Failure(held.lease, error))
