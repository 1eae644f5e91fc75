"""Random bursts, crashes and redeliveries: every message answered, and none twice."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import TOPOLOGY, World, message
from vestlus.assistant.port import Question
from vestlus.bus.open import open_bus
from vestlus.conversation.reply import Reply, TextPart
from vestlus.conversation.turn import BurstPolicy, FailurePolicy, RestartPolicy
from vestlus.errors import AssistantInvalid, AssistantUnavailable
from vestlus.hosting.turn_parts import TurnPolicies
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store

POLICIES = TurnPolicies(
    burst=BurstPolicy(longest_ms=30),
    restart=RestartPolicy(most=3, longest_ms=2_000),
    failure=FailurePolicy(most=1000, first_wait_ms=5, longest_wait_ms=20),
)

Move = Literal["write", "again", "crash", "hand_over_in_order", "pause"]
MOVES: Sequence[Move] = ("write", "write", "write", "again", "crash", "hand_over_in_order", "pause")


class MoodyAssistant(ScriptedAssistant):
    """Takes its time, and fails now and then, as its seed says."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance

    async def reply(self, question: Question) -> Reply:
        """See :class:`vestlus.assistant.port.Assistant`."""
        mood = self._chance.random()
        await asyncio.sleep(self._chance.choice([0.0, 0.01, 0.05]))
        if mood < 0.1:
            raise AssistantUnavailable("moody")
        if mood < 0.2:
            raise AssistantInvalid("moody")
        self.asked.append(question)
        return Reply(parts=(TextPart("; ".join(one.text for one in question.messages)),))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(MOVES), st.sampled_from(["u1", "u2", "u3"])),
        min_size=3,
        max_size=25,
    ),
    seed=st.integers(0, 2**32),
)
def test_whatever_happens_each_message_is_answered_once(
    moves: list[tuple[Move, str]], seed: int
) -> None:
    asyncio.run(_play(moves, seed))


async def _play(moves: list[tuple[Move, str]], seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a repeatable play
    with TemporaryDirectory() as folder:
        path = Path(folder)
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                open_store(
                    f"sqlite:///{path / 'store.sqlite'}",
                    partitions=TOPOLOGY.inbox,
                    outbox_partitions=TOPOLOGY.outbox,
                )
            )
            bus = await stack.enter_async_context(
                open_bus(f"sqlite:///{path / 'bus.sqlite'}", TOPOLOGY)
            )
            world = World(store, bus, stack)
            host = await world.host(MoodyAssistant(chance), policies=POLICIES)
            written: list[tuple[str, str]] = []
            for move, user in moves:
                match move:
                    case "write":
                        text = f"n{len(written)}"
                        written.append((user, text))
                        await world.write(user, text)
                    case "again" if written:
                        await world.deliver(message(*chance.choice(written)))
                    case "crash":
                        # The old one goes on for a moment and is fenced off by its epoch.
                        old = host
                        host = await world.host(MoodyAssistant(chance), policies=POLICIES)
                        for partition in range(TOPOLOGY.inbox):
                            await old.let_go(inbox_lease(partition), 0)
                    case "hand_over_in_order":
                        for partition in range(TOPOLOGY.inbox):
                            await host.let_go(inbox_lease(partition), 0.05)
                        host = await world.host(MoodyAssistant(chance), policies=POLICIES)
                    case _:
                        await asyncio.sleep(chance.random() / 20)
            mids = {message(user, text).mid for user, text in written}
            answered = await _answered(path / "store.sqlite", len(mids))
        assert set(answered) == mids
        assert set(answered.values()) <= {1}


async def _answered(file: Path, count: int) -> Counter[str]:
    """Waits until that many mids are answered; by mid, how many turns answer it."""
    found: Counter[str] = Counter()
    async with asyncio.timeout(30):
        while True:
            found = await asyncio.to_thread(_by_mid, file)
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


def _by_mid(file: Path) -> Counter[str]:
    with sqlite3.connect(file) as connection:
        rows = connection.execute(
            "SELECT conversation, turn, answers FROM ledger GROUP BY conversation, turn"
        ).fetchall()
    connection.close()
    return Counter(mid for _, _, answers in rows for mid in json.loads(answers))
