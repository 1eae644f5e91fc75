"""A host that is told to stop while the model hangs or the bus says nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, TOPOLOGY, World, world
from tests.integration.slow_erasing import slow_erasing
from vestlus.errors import StoreUnavailable
from vestlus.hosting import turns
from vestlus.hosting.host import ConversationHost
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.summaries import SUM_UP_AT, Summaries
from vestlus.hosting.turn_places import Limits
from vestlus.settings_account import Account
from vestlus.store.erasing import ErasureState
from vestlus.store.names import inbox_lease
from vestlus.store.port import Store, Turns
from vestlus.store.rows import CommitResult, Lease, TurnCommit

__all__ = ["world"]


class SlowToCommit:
    """A store that has committed when it says so, long after; with ``away`` it never does."""

    def __init__(self, store: Store, *, away: bool = False) -> None:
        self._store = store
        self._away = away
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit_turns(self, turns: Sequence[TurnCommit], now_ms: int) -> list[CommitResult]:
        """See :class:`vestlus.store.port.Turns`."""
        if self._away:
            self.asked.set()
            raise StoreUnavailable("away")
        results = await self._store.commit_turns(turns, now_ms)
        self.asked.set()
        await self.gate.wait()
        return list(results)


async def committing(world: World, slow: SlowToCommit) -> ConversationHost:
    """A host whose turn, which hands a user over, is being committed."""
    real, world.store = world.store, slow  # type: ignore[assignment]
    host = await world.host(ScriptedAssistant(), account=Account(id=ACCOUNT))
    world.store = real
    await world.write("u", "Palun saatke mulle minu andmed")
    await asyncio.wait_for(slow.asked.wait(), 10)
    return host


async def test_a_model_that_hangs_costs_the_deadline_and_the_next_owner_answers(
    world: World,
) -> None:
    hanging = ScriptedAssistant()
    hanging.gate.clear()
    host = await world.host(hanging)
    await world.write("u", "Tere!")
    await hanging.was_asked(1)
    began = time.monotonic()
    await asyncio.gather(*(host.let_go(inbox_lease(p), 0.3) for p in range(TOPOLOGY.inbox)))
    assert 0.3 <= time.monotonic() - began < 5
    assert hanging.cancelled == 1
    assert (host.counts().in_flight, host.counts().conversations) == (0, 0)
    await world.host(ScriptedAssistant())
    assert await world.said("u", 2) == ["Tere!", "Tere!"]


async def test_a_turn_that_ends_in_time_is_committed_by_who_began_it(world: World) -> None:
    slow = ScriptedAssistant()
    slow.gate.clear()
    host = await world.host(slow)
    await world.write("u", "Tere!")
    await slow.was_asked(1)
    asyncio.get_running_loop().call_later(0.1, slow.gate.set)
    await asyncio.gather(*(host.let_go(inbox_lease(p), 30) for p in range(TOPOLOGY.inbox)))
    assert await world.history("u") == ["Tere!", "Tere!"]


async def test_with_turns_waiting_for_a_place_only_those_under_way_are_let_end(
    world: World,
) -> None:
    slow = ScriptedAssistant()
    slow.gate.clear()
    host = await world.host(slow, limits=Limits(turns=2))
    for number in range(10):
        await world.write(f"u{number}", "Tere!")
    await slow.was_asked(2)
    async with asyncio.timeout(10):
        while host.counts().waiting < 8:
            await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.2, slow.gate.set)
    await asyncio.gather(*(host.let_go(inbox_lease(p), 30) for p in range(TOPOLOGY.inbox)))
    assert host.counts().waiting == 0
    await world.host(ScriptedAssistant())
    for number in range(10):
        assert await world.said(f"u{number}", 2) == ["Tere!", "Tere!"]
    assert (await world.store.counts()).events == {"message/answered": 10}


async def test_a_turn_stopped_while_it_is_committed_is_counted_and_people_are_told(
    world: World,
) -> None:
    slow = SlowToCommit(world.store)
    host = await committing(world, slow)
    for partition in range(TOPOLOGY.inbox):
        await host.let_go(inbox_lease(partition), 0)
    assert (host.counts().conversations, host.counts().answered) == (0, 0)
    slow.gate.set()
    async with asyncio.timeout(10):
        while not world.handed_over:
            await asyncio.sleep(0.02)
    counts = host.counts()
    assert (counts.answered, counts.handed_over, counts.conversations) == (1, 1, 0)
    assert len(await world.history("u")) == 2


async def test_a_host_that_ends_waits_for_what_follows_its_commits(world: World) -> None:
    slow = SlowToCommit(world.store)
    world.stack = AsyncExitStack()
    host = await committing(world, slow)
    ending = asyncio.create_task(world.stack.aclose())
    # It has come as far as it can: what else there is to end of a host takes no longer than this.
    done, _ = await asyncio.wait({ending}, timeout=0.3)
    assert not done
    slow.gate.set()
    await ending
    assert (host.counts().answered, len(world.handed_over)) == (1, 1)


async def test_a_host_that_ends_while_the_store_is_away_leaves_no_commit_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "LAST_COMMITS_SECONDS", 0.1)
    before = asyncio.all_tasks()
    async with AsyncExitStack() as world.stack:
        host = await committing(world, SlowToCommit(world.store, away=True))
    assert asyncio.all_tasks() <= before
    assert (host.counts().answered, world.handed_over) == (0, [])


async def test_a_host_that_ends_waits_for_an_erasure_that_was_confirmed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = slow_erasing(monkeypatch)
    world.stack = AsyncExitStack()
    host = await world.host(ScriptedAssistant(), account=Account(id=ACCOUNT))
    await world.write("u", "kustuta minu andmed")
    await world.said("u", 2)
    await world.write("u", "Jah!")
    await asyncio.wait_for(begun.wait(), 10)
    ending = asyncio.create_task(world.stack.aclose())
    done, _ = await asyncio.wait({ending}, timeout=0.3)
    assert not done
    go.set()
    await ending
    assert host.counts().erased == 1
    (erasure,) = await world.privacy.erasures()
    assert erasure.state is ErasureState.ERASED


async def test_no_summary_is_begun_of_a_conversation_that_was_stopped(world: World) -> None:
    summaries = Summaries(cast("Turns", world.store), ScriptedAssistant(), _done)
    box = Mailbox("c", Lease(inbox_lease(0), 1))
    box.known.messages = SUM_UP_AT
    box.stop()
    summaries.look(box)
    assert "c" not in summaries


def _done(_: Any) -> None:  # noqa: ANN401 - whatever ended
    raise AssertionError("nothing was begun")
