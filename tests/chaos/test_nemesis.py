"""A service that does not come back ends the faults, not the report; no fault hits nothing."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any, cast

import pytest

from tests.chaos import nemesis
from tests.chaos.journal import Journal
from tests.chaos.kinds import PROCESS_KINDS, SENDING, Act, NetworkKind, Place
from tests.chaos.nemesis import Nemesis
from tests.chaos.plan import NetworkFault, Plan, ProcessFault, drawn
from tests.chaos.proxy import TcpProxy, Trouble
from tests.chaos.world import World
from tests.e2e.traffic import Traffic

KILL = next(kind for kind in PROCESS_KINDS if kind.act is Act.KILL)


class DeadService:
    """Has processes to kill, and answers nobody."""

    def __init__(self) -> None:
        self.killed = 0
        self.marks = {KILL.marks[0]}

    @property
    def service(self) -> DeadService:
        return self

    def processes(self, mark: str) -> list[int]:
        assert mark in self.marks
        self.killed += 1
        # No process has this number: it died meanwhile.
        return [2**22 + 1]

    def tail(self) -> str:
        return "the end of its log"

    def look(self) -> None:
        """Nothing is there to be noted."""

    async def watch(self) -> None:
        await asyncio.Event().wait()


class NoAnswers:
    """Users who write and hear nothing; the simulator counts two faults."""

    unanswered = 3

    def __init__(self) -> None:
        self.called: list[tuple[str, Any]] = []

    async def call(self, path: str, body: object = None) -> dict[str, Any]:
        self.called.append((path, body))
        counted = dict.fromkeys(("webhook_duplicates", "webhook_reordered", "webhook_delayed"), 1)
        return {
            "graph_faults_by_op": {"send apply": 2},
            "model_faults_fired": {},
            **counted,
        }

    async def ask_as_newcomer(self) -> str:
        await asyncio.Event().wait()
        raise AssertionError


def plan_of(*faults: ProcessFault) -> Plan:
    return replace(drawn(1, 60), seconds=0.1, processes=faults, network=())


async def test_when_nobody_is_answered_again_the_run_is_given_up_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nemesis, "LONGEST_OUTAGE", 0.05)
    serve, traffic, journal = DeadService(), NoAnswers(), Journal(lambda _: None)
    plan = plan_of(ProcessFault(0.0, KILL, 0), ProcessFault(0.0, KILL, 0))
    world = World(
        *(cast("Any", None), {}, "", {}, {}),
        serve=cast("Any", serve),
        steps=cast("Any", None),
    )
    await Nemesis(plan, world, cast("Traffic", traffic), journal).run()

    (why,) = journal.gave_up
    assert f"of: {KILL.name}" in why.splitlines()[0]
    assert "the end of its log" in why
    assert serve.killed == 1
    # Everything is well again, and what happened until then is told.
    assert traffic.called[-2:] == [
        ("faults", {"clear": True, "rules": []}),
        ("model", {"clear": True, "faults": []}),
    ]
    assert journal.fired[KILL.name] == 1
    assert journal.fired["graph apply"] == 2
    assert any(entry.what.startswith("gave up") for entry in journal.entries)


class Doubtful:
    """A send is about to be made a second time, until something else was done."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def doubtful(self, before_ms: int) -> int:
        assert before_ms > 0
        return 0 if self._journal.fired else 1

    async def second_tries(self) -> int:
        return 0


class Answering(NoAnswers):
    async def ask_as_newcomer(self) -> str:
        return "somebody"


async def test_who_sends_is_not_killed_while_something_is_about_to_be_sent_again() -> None:
    sends = next(kind for kind in PROCESS_KINDS if kind.marks[0] in SENDING)
    other = next(kind for kind in PROCESS_KINDS if kind.marks[0] not in SENDING)
    serve, journal = DeadService(), Journal(lambda _: None)
    serve.marks = {sends.marks[0], other.marks[0]}
    plan = plan_of(ProcessFault(0.0, sends, 0), ProcessFault(0.0, other, 0))
    world = World(
        *(cast("Any", None), {}, "", {}, {}),
        serve=cast("Any", serve),
        steps=cast("Any", Doubtful(journal)),
    )
    await Nemesis(plan, world, cast("Traffic", Answering()), journal).run()
    assert [outage.kind for outage in journal.outages] == [other.name, sends.name]
    assert journal.gave_up == []


class Quiet:
    """A proxy through which nothing goes until it was asked three times."""

    connections = 0

    def __init__(self) -> None:
        self.asked = 0

    def cut(self, share: float, chance: random.Random) -> int:
        assert share > 0
        assert chance is not None
        self.asked += 1
        return 2 if self.asked == 3 else 0


async def test_a_cut_waits_until_there_is_something_to_cut() -> None:
    kind, proxy, journal = NetworkKind(Place.WEBHOOK, Trouble.CUT), Quiet(), Journal(lambda _: None)
    plan = replace(plan_of(), network=(NetworkFault(0.0, kind, 0.0, 0.0, 1),))
    world = World(
        *(cast("Any", None), {}, "", {Place.WEBHOOK: cast("TcpProxy", proxy)}, {}),
        serve=cast("Any", DeadService()),
        steps=cast("Any", None),
    )
    await Nemesis(plan, world, cast("Traffic", NoAnswers()), journal).run()
    assert proxy.asked == 3
    assert (journal.fired[kind.name], journal.fired["connections disturbed"]) == (1, 2)
    assert journal.gave_up == []
