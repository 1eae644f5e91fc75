"""Actors that find no room are seen by Ray's autoscaler."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import fleet, placing
from actors.fleet import Fleet
from actors.leaving import Leaving, LeavingNodes
from actors.placing import Strategy
from vestlus.hosting.signs import SignsOfLife
from vestlus.settings import Mode, load_settings
from vestlus.store.rows import MemberKind

NODE = "a" * 56
#: A node that has processors for one actor.
FREE = {NODE: {"CPU": 1.0}}


class Started:
    """Stands for an actor's class, and keeps where each was to be."""

    def __init__(self) -> None:
        self.strategies: list[Strategy] = []

    def options(self, **given: Any) -> Started:  # noqa: ANN401 - Ray's
        self.strategies.append(given["scheduling_strategy"])
        return self

    def remote(self, *_: object) -> Started:
        return self


class WithoutAnswers(Fleet):
    """Whose actors are asked nothing but whether they wait for a node."""

    async def _check(self, name: str) -> None:
        await self._waits_for_a_node(name, self._watched[name])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Return what stands for the ConversationActors."""
    made = Started()
    monkeypatch.setattr(fleet, "ACTOR_CLASSES", {MemberKind.CONVERSATION: made})
    monkeypatch.setattr(fleet, "free_by_node", lambda: FREE)
    return made


@pytest.fixture
def of_one_cpu(started: Started) -> Fleet:
    """Return a fleet of actors of one processor each."""
    del started
    settings = load_settings({"VESTLUS_ACTOR_CPUS": "1"}, mode=Mode.OPERATE)
    return WithoutAnswers(settings, "c", SignsOfLife(), LeavingNodes(Leaving))


async def test_of_two_that_are_started_together_for_the_room_of_one_the_other_is_for_no_node(
    started: Started, of_one_cpu: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "waits_for_a_node", lambda *_: False)
    await of_one_cpu.look_after({MemberKind.CONVERSATION: 2})
    first, second = started.strategies
    assert isinstance(first, NodeAffinitySchedulingStrategy)
    assert second == "SPREAD"


async def test_one_that_waits_although_it_was_started_for_a_node_is_ended_to_be_started_for_none(
    started: Started, of_one_cpu: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[bool] = []

    def kill(_: object, *, no_restart: bool) -> None:
        killed.append(no_restart)

    monkeypatch.setattr("actors.fleet.ray.kill", kill)
    monkeypatch.setattr(fleet, "waits_for_a_node", lambda *_: True)
    monkeypatch.setattr("actors.watched.UNSEEN_SECONDS", -1.0)
    await of_one_cpu.look_after({MemberKind.CONVERSATION: 2})
    # The other one was started for no node, and the autoscaler sees it.
    assert started.strategies[1] == "SPREAD"
    assert killed == [True]


async def test_one_whose_node_died_with_the_registry_is_started_for_none_by_the_next_registry(
    of_one_cpu: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[bool] = []

    def kill(_: object, *, no_restart: bool) -> None:
        killed.append(no_restart)

    monkeypatch.setattr("actors.fleet.ray.kill", kill)
    monkeypatch.setattr("actors.watched.UNSEEN_SECONDS", -1.0)
    # Ray has the actor wait, and nothing else has room.
    monkeypatch.setattr(fleet, "free_by_node", dict)
    monkeypatch.setattr(fleet, "waits_for_a_node", lambda *_: True)
    found = [{"name": "conversation-0", "namespace": "vestlus"}]
    monkeypatch.setattr("actors.fleet.ray.util.list_named_actors", lambda **_: found)
    of_one_cpu.adopt()
    await of_one_cpu.look_after({MemberKind.CONVERSATION: 1})
    assert killed == [True]


def test_what_is_free_on_a_node_that_leaves_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "free_by_node", lambda: FREE)
    monkeypatch.setattr(placing, "actors", lambda _: {"State": "PENDING_CREATION", "Pid": 0})
    handle: Any = SimpleNamespace(_actor_id=SimpleNamespace(hex=lambda: "x"))
    needs = {"CPU": 1.0}
    assert not placing.waits_for_a_node(handle, needs)
    assert placing.waits_for_a_node(handle, needs, {NODE})


async def test_a_registry_tells_which_nodes_leave_when_it_asks_who_waits(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    del started
    asked: list[frozenset[str]] = []

    def waits(_handle: object, _needs: object, leaving: frozenset[str]) -> bool:
        asked.append(leaving)
        return True

    monkeypatch.setattr(fleet, "waits_for_a_node", waits)
    leaving = LeavingNodes(lambda: Leaving(frozenset({NODE})))
    settings = load_settings({"VESTLUS_ACTOR_CPUS": "1"}, mode=Mode.OPERATE)
    looking = WithoutAnswers(settings, "c", SignsOfLife(), leaving)
    async with asyncio.timeout(10):
        while frozenset({NODE}) not in asked:
            await looking.look_after({MemberKind.CONVERSATION: 1})
            await asyncio.sleep(0)
