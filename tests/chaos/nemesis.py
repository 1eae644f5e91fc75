"""Carries a plan out: processes and servers die and freeze, the network fails, requests go wrong.

Faults of processes are made one after the other, each once newcomers are answered again; beside
them those of the scheduler, for which nobody who writes waits, of the network, and of requests.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Sequence

import aiohttp

from tests.chaos.doubts import MOST_PATIENCE, Doubts
from tests.chaos.freezing import send, thaw
from tests.chaos.journal import Journal, Outage
from tests.chaos.kinds import (
    POST_FAULTS,
    SENDING,
    WEBHOOK_KINDS,
    WEBHOOK_TROUBLES,
    WEBHOOKS_WELL,
    Act,
    Place,
    ProcessKind,
)
from tests.chaos.plan import (
    CALM_SECONDS,
    SECOND_TRY_SECONDS,
    NetworkFault,
    Plan,
    ProcessFault,
)
from tests.chaos.proxy import Trouble
from tests.chaos.requests import Requests, fired
from tests.chaos.world import World
from tests.e2e.service import ServiceError
from tests.e2e.traffic import Traffic
from tests.services.kept import ServiceError as ServerError

#: So many newcomers write after each fault, to accounts of different publishers; the slowest
#: counts.
NEWCOMERS = 4
#: Nobody may wait longer than this, seconds: the service starts slowly on a busy machine.
LONGEST_OUTAGE = 300.0
#: After which there are no more faults: somebody or something does not answer.
GIVEN_UP = (ServiceError, ServerError, aiohttp.ClientError, OSError)


class Nemesis:
    """One run's faults."""

    def __init__(self, plan: Plan, world: World, traffic: Traffic, journal: Journal) -> None:
        self._plan = plan
        self._world = world
        self._traffic = traffic
        self._journal = journal
        self._chance = random.Random(plan.seed + 1)  # noqa: S311 - reproducible
        self._requests = Requests(plan, traffic, journal)
        self._doubts = Doubts(world.steps)
        #: Held by a fault of the network that leaves requests to Graph ambiguous.
        self._graph = asyncio.Lock()
        #: When what the last hole swallowed was tried again, by the monotonic clock.
        self._tried_again_at = 0.0

    async def run(self) -> None:
        """Makes every fault of the plan, as long as newcomers are answered again after each.
        Everything is well again afterwards; what ended it too soon is in the journal.
        """
        await self._traffic.call("webhooks", WEBHOOK_TROUBLES)
        try:
            await self._all()
        except BaseExceptionGroup as errors:
            given_up, others = errors.split(GIVEN_UP)
            if others is not None:
                raise
            for error in leaves(given_up):
                self._journal.give_up(str(error) or type(error).__name__)
        await self._end()

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._world.serve.watch(), name="systemd"),
                group.create_task(self._requests.run(), name="requests"),
            ]
            network = group.create_task(self._network(), name="network")
            lanes = [
                group.create_task(self._processes(faults), name="processes")
                for faults in self._plan.lanes
            ]
            await asyncio.wait([*lanes, network])
            await asyncio.sleep(max(0.0, self._plan.seconds - self._journal.elapsed))
            for task in beside:
                task.cancel()

    async def _end(self) -> None:
        """Everything is well again; counts what the simulator did."""
        await self._traffic.call("webhooks", WEBHOOKS_WELL)
        stats = await self._traffic.call("stats")
        for kind in (*self._plan.requests, *POST_FAULTS):
            self._journal.fired[kind.name] = fired(stats, kind)
        for name in WEBHOOK_KINDS:
            self._journal.fired[f"webhook {name}"] = int(stats[f"webhook_{name}"])
        await self._traffic.call("faults", {"clear": True, "rules": []})
        await self._traffic.call("model", {"clear": True, "faults": []})

    async def _processes(self, faults: Sequence[ProcessFault]) -> None:
        left = list(faults)
        while left:
            fault = await self._next(left)
            left.remove(fault)
            began, waiting = time.time(), self._traffic.unanswered
            async with asyncio.TaskGroup() as thawing:
                await self._disturb(fault.kind, fault.which, thawing)
                self._journal.fired[fault.kind.name] += 1
                await self._newcomers_answered(fault.kind)
                outage = time.time() - began
            self._journal.outages.append(
                Outage(fault.kind.name, began - self._journal.began, outage, waiting)
            )
            self._journal.note(
                f"{fault.kind.name}: {waiting} users waited, newcomers answered after "
                f"{outage:.1f} s",
                began=began,
            )

    async def _next(self, faults: Sequence[ProcessFault]) -> ProcessFault:
        """The first whose time has come, but that of a process that sends gives way to the others
        while something is sent a second time: that would end as `unknown`.
        """
        await asyncio.sleep(max(0.0, faults[0].at - self._journal.elapsed))
        deadline = time.monotonic() + MOST_PATIENCE
        while True:
            patient = time.monotonic() < deadline
            for fault in faults:
                sends = any(mark in SENDING for mark in fault.kind.marks)
                if fault.at <= self._journal.elapsed and not (
                    sends and patient and await self._doubts.second_try_soon()
                ):
                    return fault
            await asyncio.sleep(0.2)

    async def _newcomers_answered(self, kind: ProcessKind) -> None:
        try:
            async with asyncio.timeout(LONGEST_OUTAGE):
                await asyncio.gather(*(self._traffic.ask_as_newcomer() for _ in range(NEWCOMERS)))
        except TimeoutError:
            tail = self._world.serve.service.tail()
            raise ServiceError(
                f"no answer within {LONGEST_OUTAGE:.0f} s of: {kind.name}\n{tail}"
            ) from None

    async def _disturb(self, kind: ProcessKind, which: int, thawing: asyncio.TaskGroup) -> None:
        """Returns while what is frozen still is; ``thawing`` waits for its end."""
        match kind.act:
            case Act.KILL:
                await self._signal(kind.marks[0], which, signal.SIGKILL, every=kind.every)
            case Act.FREEZE:
                pids = [await self._signal(mark, which, signal.SIGSTOP) for mark in kind.marks]
                thawing.create_task(thaw(pids, kind.seconds), name="thaw")
            case Act.RESTART:
                server, began = self._world.servers[kind.marks[0]], time.time()
                await asyncio.to_thread(server.kill9)
                await asyncio.sleep(self._chance.uniform(0.5, 3.0))
                await asyncio.to_thread(server.start)
                away = time.time() - began
                self._journal.note(f"{server.name} was away for {away:.1f} s", began=began)

    async def _signal(
        self, mark: str, which: int, number: signal.Signals, *, every: bool = False
    ) -> int:
        """Sends a signal to one of the processes with a mark, as soon as there is one, or to all;
        returns the one that was chosen.
        """
        deadline = time.monotonic() + LONGEST_OUTAGE
        while time.monotonic() < deadline:
            await asyncio.to_thread(self._world.serve.look)
            found = await asyncio.to_thread(self._world.serve.service.processes, mark)
            if found:
                chosen = found[which % len(found)]
                for pid in found if every else [chosen]:
                    send(pid, number)
                return chosen
            await asyncio.sleep(0.2)
        raise ServiceError(f"no process {mark}\n{self._world.serve.service.tail()}")

    async def _network(self) -> None:
        async with asyncio.TaskGroup() as group:
            for fault in self._plan.network:
                group.create_task(self._in_time(fault), name=fault.kind.name)

    async def _in_time(self, fault: NetworkFault) -> None:
        """Makes a fault at its time. Those that leave requests to Graph ambiguous come one after
        the other, each when what the one before left was tried again.
        """
        graph = fault.kind.place is Place.GRAPH
        hole = graph and fault.kind.trouble in {Trouble.BLACKHOLE, Trouble.CUT}
        ahead = CALM_SECONDS if hole else 0.0
        await asyncio.sleep(max(0.0, fault.at - ahead - self._journal.elapsed))
        if not graph or fault.kind.trouble is Trouble.DELAY:
            await self._disconnect(fault)
            return
        async with self._graph:
            await asyncio.sleep(max(0.0, self._tried_again_at - time.monotonic()))
            if not hole:
                await self._disconnect(fault)
                return
            try:
                with self._requests.spared():
                    await self._doubts.until_tried_again()
                    await self._disconnect(fault)
            finally:
                self._tried_again_at = time.monotonic() + SECOND_TRY_SECONDS

    async def _disconnect(self, fault: NetworkFault) -> None:
        proxy = self._world.proxies[fault.kind.place]
        chance = random.Random(fault.seed)  # noqa: S311 - reproducible
        began, hit = time.time(), max(1, proxy.connections)
        match fault.kind.trouble:
            case Trouble.CUT:
                share = chance.choice((0.3, 1.0))
                async with asyncio.timeout(LONGEST_OUTAGE):
                    # Where nothing is connected at this moment, nothing would be cut.
                    while not (hit := proxy.cut(share, chance)):
                        await asyncio.sleep(0.02)
            case Trouble.REFUSE:
                await proxy.refuse(fault.lasts)
            case Trouble.DELAY:
                await proxy.delayed(fault.by, fault.lasts)
            case Trouble.BLACKHOLE:
                await proxy.blackhole(fault.lasts)
        self._journal.fired[fault.kind.name] += 1
        self._journal.fired["connections disturbed"] += hit
        how = f" by {fault.by:.1f} s" if fault.kind.trouble is Trouble.DELAY else ""
        self._journal.note(
            f"{fault.kind.name}{how}, {fault.lasts:.1f} s, {hit} connections",
            began=began,
            aloud=False,
        )


def leaves(error: BaseException | None) -> list[BaseException]:
    """What an exception is about, where it is a group: each of its parts."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in leaves(one)]
    return [] if error is None else [error]
