"""Kills processes of the service while many users write, and lets the simulator judge.

``make kills`` runs it at full length: 20 kills of each kind on both pairs. The suite runs it with
fewer kills. Everything is decided from outside: what users wrote and what they received.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from tests.e2e.service import Service, ServiceError
from tests.e2e.traffic import Habits, Traffic

#: What is killed, by the name in the process list.
KINDS = ("ray::ConversationActor", "ray::PublisherActor", "ray::ServeReplica")

#: A turn counts as in flight while the model is working on it.
LEAST_IN_FLIGHT = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does. The same seed makes the same users write the same."""

    seed: int
    kills_of_each: int
    users: int = 200
    model_seconds: tuple[float, float] = (2.0, 4.0)
    #: How long a user reads before writing again.
    pause_seconds: tuple[float, float] = (0.1, 1.5)
    #: How often a user writes two messages in a row.
    burst_probability: float = 0.15
    #: For the last answers, after everybody stopped writing.
    settle_seconds: float = 180.0

    @property
    def habits(self) -> Habits:
        """How the users write."""
        return Habits(
            self.seed,
            users=self.users,
            pause_seconds=self.pause_seconds,
            burst_probability=self.burst_probability,
        )


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: when, of what, and how long until somebody who wrote at that moment was
    answered, the model's time included.
    """

    kind: str
    at_seconds: float
    in_flight: int
    unanswered: int
    outage_seconds: float


@dataclass(slots=True)
class Report:
    """What happened."""

    plan: Plan
    kills: list[Kill] = field(default_factory=list)
    written: int = 0
    answers: int = 0
    verdict: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> str:
        """A few lines for people."""
        wrote = f"{self.plan.users} users wrote {self.written} messages"
        lines = [f"seed {self.plan.seed}: {wrote}, {self.answers} answers, {len(self.kills)} kills"]
        for kind in KINDS:
            of_kind = [kill for kill in self.kills if kill.kind == kind]
            if of_kind:
                outages = sorted(kill.outage_seconds for kill in of_kind)
                lines.append(
                    f"  {kind}: {len(of_kind)} kills, in flight at least "
                    f"{min(kill.in_flight for kill in of_kind)}, newcomer answered after "
                    f"{outages[len(outages) // 2]:.1f} s (median), {outages[-1]:.1f} s (longest)"
                )
        found = {
            name: len(self.verdict[name])
            for name in ("lost", "duplicated", "out_of_order", "misdirected", "order_unproven")
        }
        lines.append(f"  not accepted {self.verdict['not_accepted']}, {json.dumps(found)[1:-1]}")
        return "\n".join(lines)


async def run_kills(
    service: Service, plan: Plan, say: Callable[[str], None], kinds: tuple[str, ...] = KINDS
) -> Report:
    """Runs the plan and returns what happened. Raises ServiceError when it cannot go on."""
    report = Report(plan)
    chance = random.Random(plan.seed)  # noqa: S311 - reproducible
    kills = [kind for kind in kinds for _ in range(plan.kills_of_each)]
    chance.shuffle(kills)
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        traffic = Traffic(service.simulator, session, plan.habits, accounts=[service.account])
        await traffic.call("model", {"latency_seconds": list(plan.model_seconds)})
        start = (await traffic.call("info"))["seq"]
        running = asyncio.create_task(traffic.run(), name="traffic")
        try:
            began = time.monotonic()
            for kind in kills:
                kill = await _kill(service, traffic, running, chance=chance, kind=kind, began=began)
                report.kills.append(kill)
                say(
                    f"{kill.at_seconds:7.1f} s  kill -9 {kind:<23} {kill.in_flight:4} turns in "
                    f"flight, {kill.unanswered:3} users waiting; newcomer answered after "
                    f"{kill.outage_seconds:.1f} s"
                )
            traffic.stopped.set()
            async with asyncio.timeout(plan.settle_seconds):
                await running
        except TimeoutError:
            say(f"{traffic.unanswered} users still wait for an answer")
        finally:
            running.cancel()
            await asyncio.wait({running})
        report.written, report.answers = traffic.written, traffic.answers
        report.verdict = await traffic.call(f"check?after={start}&user_prefix=u&wait=20")
        await traffic.call("model", {"latency_seconds": 0})
    return report


async def _kill(
    service: Service,
    traffic: Traffic,
    running: asyncio.Task[None],
    *,
    chance: random.Random,
    kind: str,
    began: float,
) -> Kill:
    await asyncio.sleep(chance.uniform(0.5, 3.0))
    in_flight = 0
    patience = time.monotonic() + 120
    while in_flight < LEAST_IN_FLIGHT or not service.processes(kind):
        if running.done():
            running.result()
            raise ServiceError("the traffic ended by itself")
        if time.monotonic() > patience:
            raise ServiceError(f"only {in_flight} turns in flight\n{service.tail()}")
        await asyncio.sleep(chance.uniform(0.05, 0.25))
        in_flight = int((await traffic.call("stats"))["model_under_way"])
    unanswered = traffic.unanswered
    service.kill(kind, which=chance.randrange(8))
    killed = time.monotonic()
    # Other answers may be under way in processes that live: somebody who writes only now is
    # answered when everything works again.
    try:
        async with asyncio.timeout(90):
            await traffic.ask_as_newcomer()
    except TimeoutError:
        raise ServiceError(f"no answer within 90 s of a kill\n{service.tail()}") from None
    return Kill(kind, killed - began, in_flight, unanswered, time.monotonic() - killed)


def as_json(report: Report) -> str:
    """The report for machines."""
    return json.dumps(asdict(report), indent=1)
