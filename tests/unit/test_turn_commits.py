"""Bells after commits: hints, of which a silent bus neither gathers many nor holds up the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from tests.fakes.bus import MemoryBus
from tests.fakes.clock import run_virtual, virtual_monotonic, virtual_ms
from vestlus.conversation.identity import conversation_id
from vestlus.hosting import commits
from vestlus.hosting.commits import LAST_BELLS_SECONDS, TurnCommits
from vestlus.store.port import Turns
from vestlus.store.rows import CommitResult, Lease, NewSend, TurnCommit


class Store:
    """Commits everything."""

    async def commit_turns(self, turns: Sequence[TurnCommit], _: int) -> list[CommitResult]:
        return [CommitResult.COMMITTED] * len(turns)


def turn(number: int) -> TurnCommit:
    conversation = conversation_id("a", f"u{number}")
    send = NewSend(
        id=f"{conversation}.0.0",
        account="a",
        user=f"u{number}",
        conversation=conversation,
        position=0,
        text="Tere!",
        answers=(),
        due_ms=0,
        deadline_ms=1,
    )
    return TurnCommit(
        lease=Lease("inbox.0", 1),
        conversation=conversation,
        version=0,
        answered=(),
        history=(),
        sends=(send,),
    )


def test_a_bus_that_says_nothing_delays_no_commit_gathers_few_bells_and_ends_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commits, "MOST_BELLS", 10)

    async def scenario() -> None:
        bus = MemoryBus()
        bus.gate.clear()
        store = cast("Turns", cast("Any", Store()))
        async with TurnCommits(store, bus, virtual_ms, 4) as committed:
            for number in range(50):
                assert await committed.commit(turn(number)) is CommitResult.COMMITTED
            assert committed.unrung == 40
            began = virtual_monotonic()
            # The real bus gives up a publish by itself, within its timeout.
            bus.fail = lambda _: None
            asyncio.get_running_loop().call_later(LAST_BELLS_SECONDS + 1, bus.gate.set)
        assert virtual_monotonic() - began <= LAST_BELLS_SECONDS + 1

    run_virtual(scenario())
