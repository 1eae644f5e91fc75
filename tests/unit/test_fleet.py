"""What the registry does with its actors, the actors themselves left out."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from actors.cut_off import CUT_OFF_SECONDS
from actors.fleet import Fleet
from actors.leaving import Leaving, LeavingNodes
from actors.watched import Watched
from vestlus.hosting.signs import SignsOfLife
from vestlus.hosting.sizing import Headcount
from vestlus.scaling.load import ActorLoad
from vestlus.settings import Mode, load_settings
from vestlus.store.rows import Member, MemberKind

ONE, TWO = {MemberKind.CONVERSATION: 1}, {MemberKind.CONVERSATION: 2}


class Pretended(Fleet):
    """Starts and ends nothing; every actor asked answers with ``says``."""

    def __init__(self, signs: SignsOfLife) -> None:
        self.leaving = Leaving()
        asked = LeavingNodes(lambda: self.leaving)
        super().__init__(load_settings({}, mode=Mode.OPERATE), "c", signs, asked)
        self.says: dict[str, Any] = {"leases": 1}
        self.on: dict[str, str] = {}
        self.no_room: set[str] = set()
        self.ended = 0

    def _start(self, name: str, kind: MemberKind) -> Any:  # noqa: ANN401 - a handle
        del kind
        return name

    async def _check(self, name: str) -> None:
        one = self._watched[name]
        one.waiting, one.answering = name in self.no_room, True
        one.last = self.says | {"node": self.on.get(name, "")}
        one.answering = not one.waiting

    async def _end_actor(self, one: Watched, deadline_seconds: float) -> None:
        del one, deadline_seconds
        self.ended += 1

    def known_leaving(self) -> frozenset[str]:
        return self._leaving.look().nodes


@pytest.fixture
def signs() -> SignsOfLife:
    return SignsOfLife()


async def on_one_node(signs: SignsOfLife) -> Pretended:
    """Two ConversationActors, both on the node that will leave."""
    fleet = Pretended(signs)
    await fleet.look_after(TWO)
    fleet.on = {"conversation-0": "leaves", "conversation-1": "leaves"}
    return fleet


async def test_an_actor_that_is_started_after_one_of_its_name_was_ended_is_not_taken_for_frozen(
    signs: SignsOfLife,
) -> None:
    fleet = Pretended(signs)
    await fleet.look_after(TWO)
    signs.look([Member("c/conversation-1", MemberKind.CONVERSATION, "1", "h", 1)])
    while fleet.ended == 0:
        await fleet.look_after(ONE)
    signs.look([])
    while fleet.heads(MemberKind.CONVERSATION).running < 2:
        await fleet.look_after(TWO)
    assert not signs.stopped("c/conversation-1")
    signs.look([Member("c/conversation-1", MemberKind.CONVERSATION, "2", "h", 2)])
    signs.look([])
    assert signs.stopped("c/conversation-1")


async def test_who_waits_for_a_node_is_counted_as_waiting_and_bears_no_load(
    signs: SignsOfLife,
) -> None:
    fleet = Pretended(signs)
    fleet.no_room = {"conversation-1"}
    fleet.says = {"leases": 16, "backlog_seconds": 2.5}
    await fleet.look_after(TWO)
    assert fleet.heads(MemberKind.CONVERSATION) == Headcount(running=1, ready=1, pending=1)
    load = fleet.load(MemberKind.CONVERSATION)
    assert load.actors == (ActorLoad(backlog_seconds=2.5, partitions=16),)


async def test_who_is_being_ended_is_given_nothing_and_who_starts_is_waited_for_a_while(
    signs: SignsOfLife, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Pretended(signs)
    fleet.says = {}
    await fleet.look_after(TWO)
    assert fleet.starting(MemberKind.CONVERSATION)
    assert not fleet.starting(MemberKind.PUBLISHER)
    monkeypatch.setattr("actors.watched.JOINING_SECONDS", 0.0)
    assert not fleet.starting(MemberKind.CONVERSATION)
    monkeypatch.undo()
    fleet.says = {"leases": 0}
    await fleet.look_after(ONE)
    assert fleet.ending == {"c/conversation-1"}
    assert not fleet.starting(MemberKind.CONVERSATION)


async def test_who_serves_nothing_yet_is_running_and_not_ready(signs: SignsOfLife) -> None:
    fleet = Pretended(signs)
    fleet.says = {"leases": 0}
    await fleet.look_after(TWO)
    assert fleet.heads(MemberKind.CONVERSATION) == Headcount(running=2, ready=0, pending=0)
    assert fleet.load(MemberKind.CONVERSATION).serving == 0


async def test_who_is_on_a_node_that_leaves_is_ended_and_started_anew(signs: SignsOfLife) -> None:
    fleet = Pretended(signs)
    await fleet.look_after(TWO)
    fleet.on = {"conversation-1": "leaves", "conversation-0": "stays"}
    fleet.leaving = Leaving(frozenset({"leaves"}))
    while not fleet.ending:
        await fleet.look_after(TWO)
    assert fleet.ending == {"c/conversation-1"}
    assert not fleet.leaves("leaves")
    fleet.on = {}
    while fleet.heads(MemberKind.CONVERSATION).running < 2:
        await fleet.look_after(TWO)
    assert fleet.ended == 1
    assert fleet.leaves("leaves")
    assert not fleet.leaves("stays")


async def test_where_all_are_on_nodes_that_leave_one_after_the_other_moves(
    signs: SignsOfLife,
) -> None:
    fleet = await on_one_node(signs)
    fleet.leaving = Leaving(frozenset({"leaves"}))
    while not fleet.ending:
        await fleet.look_after(TWO)
    assert len(fleet.ending) == 1


async def test_on_a_cluster_of_which_no_node_stays_all_end_at_once_and_none_starts_again(
    signs: SignsOfLife,
) -> None:
    fleet = await on_one_node(signs)
    fleet.leaving = Leaving(frozenset({"leaves", "the head"}), whole=True)
    while not fleet.ending:
        await fleet.look_after(TWO)
    assert fleet.ending == {"c/conversation-0", "c/conversation-1"}
    while fleet.ending:
        await asyncio.sleep(0)
        await fleet.look_after(TWO)
    assert fleet.ended == 2
    assert fleet.heads(MemberKind.CONVERSATION).running == 0
    assert fleet.leaves("leaves")
    fleet.leaving = Leaving(frozenset({"leaves"}))
    while fleet.heads(MemberKind.CONVERSATION).running < 2:
        await asyncio.sleep(0)
        await fleet.look_after(TWO)


async def test_who_serves_alone_leaves_its_node_only_when_the_one_that_moved_serves_again(
    signs: SignsOfLife,
) -> None:
    fleet = await on_one_node(signs)
    fleet.leaving = Leaving(frozenset({"leaves"}))
    while fleet.ended == 0:
        await fleet.look_after(TWO)
    fleet.no_room = {"conversation-0"}
    for _ in range(5):
        await fleet.look_after(TWO)
    assert (fleet.ended, fleet.ending) == (1, frozenset())
    assert fleet.heads(MemberKind.CONVERSATION) == Headcount(running=1, ready=1, pending=1)
    fleet.no_room = set()
    fleet.on = {"conversation-0": "stays", "conversation-1": "leaves"}
    while fleet.ended == 1:
        await fleet.look_after(TWO)
    assert fleet.ended == 2


async def test_who_serves_alone_beside_one_too_many_stays_until_that_has_ended(
    signs: SignsOfLife,
) -> None:
    fleet = await on_one_node(signs)
    fleet.leaving = Leaving(frozenset({"leaves"}))
    while "leaves" not in fleet.known_leaving():
        await asyncio.sleep(0)
    await fleet.look_after(ONE)
    assert fleet.ending == {"c/conversation-1"}


async def test_a_head_that_does_not_answer_holds_no_round_up() -> None:
    go, asked = threading.Event(), []

    def ask() -> Leaving:
        asked.append(1)
        go.wait()
        return Leaving(frozenset({"leaves"}))

    nodes = LeavingNodes(ask)
    for _ in range(5):
        assert nodes.look() == Leaving()
        await asyncio.sleep(0)
    assert len(asked) == 1
    go.set()
    while not nodes.look().nodes:
        await asyncio.sleep(0)
    assert nodes.known.nodes == {"leaves"}


async def test_who_serves_alone_is_not_ended_for_one_that_waits_for_a_node(
    signs: SignsOfLife,
) -> None:
    fleet = Pretended(signs)
    fleet.no_room = {"conversation-0"}
    await fleet.look_after(TWO)
    assert fleet.heads(MemberKind.CONVERSATION) == Headcount(running=1, ready=1, pending=1)
    await fleet.look_after(ONE)
    assert fleet.heads(MemberKind.CONVERSATION) == Headcount(running=1, ready=1, pending=0)
    # And it grows again by the name that is free.
    fleet.no_room = set()
    while fleet.heads(MemberKind.CONVERSATION).running < 2:
        await fleet.look_after(TWO)
    assert set(fleet.describe()) == {"conversation-0", "conversation-1"}


class Aside(Pretended):
    """With a clock; asks the bus as ``away`` says, None of who has not opened it yet."""

    def __init__(self, signs: SignsOfLife, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(signs)
        self.away: dict[str, float | None] = {}
        self.now = 1000.0
        monkeypatch.setattr("actors.fleet.time.monotonic", lambda: self.now)

    async def _check(self, name: str) -> None:
        await super()._check(name)
        away = self.away.get(name, 0.0)
        if away is not None:
            self._watched[name].last = {**self._watched[name].last, "bus_away_seconds": away}

    async def round(self, seconds: float, **away: float | None) -> frozenset[str]:
        """Who is cut off so much later."""
        self.now += seconds
        self.away = {name.replace("_", "-"): since for name, since in away.items()}
        await self.look_after(TWO)
        return self.cut_off


async def test_who_does_not_reach_the_bus_for_long_is_given_nothing_while_others_do(
    signs: SignsOfLife, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Aside(signs, monkeypatch)
    assert await fleet.round(0, conversation_1=1.0) == frozenset()
    assert await fleet.round(CUT_OFF_SECONDS - 1, conversation_1=20.0) == frozenset()
    assert await fleet.round(1, conversation_1=21.0) == {"c/conversation-1"}
    assert await fleet.round(1) == frozenset()


async def test_where_nobody_reaches_the_bus_nobody_is_cut_off_also_when_one_finds_it_first(
    signs: SignsOfLife, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Aside(signs, monkeypatch)
    assert await fleet.round(0, conversation_0=60.0, conversation_1=60.0) == frozenset()
    assert await fleet.round(CUT_OFF_SECONDS, conversation_1=80.0) == frozenset()
    # And so long as it has to be for another while: the bus was away again for both.
    assert await fleet.round(15, conversation_0=5.0, conversation_1=95.0) == frozenset()
    assert await fleet.round(15, conversation_1=110.0) == frozenset()


async def test_one_that_has_not_opened_the_bus_yet_says_nothing_of_it(
    signs: SignsOfLife, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Aside(signs, monkeypatch)
    assert await fleet.round(0, conversation_0=60.0, conversation_1=None) == frozenset()
    assert await fleet.round(CUT_OFF_SECONDS, conversation_0=80.0, conversation_1=None) == (
        frozenset()
    )
