"""What the demo plans by itself comes to posts: words of the model's, pictures of its bank."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from image_bank.keeping import read_catalogue
from image_bank.open import load_at_start
from tests.integration.simulator_harness import running_service, running_simulator
from vestlus.bus.port import Topology
from vestlus.cli.demo import _persona
from vestlus.cli.demo_settings import (
    DEMO_EVENT,
    has_own_model,
    pointed_at,
    with_accounts,
    with_plans,
)
from vestlus.clock import system_clock
from vestlus.planning.definitions import rows_of_file
from vestlus.planning.drafting import open_drafter
from vestlus.planning.event_rules import rules_of
from vestlus.planning.events import EventDesk, Verdict
from vestlus.planning.payloads import parse_payload
from vestlus.planning.planner import Planner
from vestlus.planning.rules import PlannerRules
from vestlus.settings import Mode, Settings, load_settings
from vestlus.settings_events import COMMAND_LINE
from vestlus.store.names import SCHEDULER
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.post_rows import PostRow
from vestlus.store.rows import Member, MemberKind

#: The demo was started so long ago: its schedule is due.
STARTED_MS = 70_000


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """The demo's settings, with a simulator."""
    loaded = load_settings({"VESTLUS_DATA_DIR": str(tmp_path)}, mode=Mode.DEMO)
    made = with_accounts(loaded, _persona(tmp_path), None)
    made = with_plans(made, system_clock() - STARTED_MS)
    async with running_service() as service, running_simulator(service, tmp_path) as client:
        yield pointed_at(made, client.url, service.url, own_model=has_own_model(made))


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """The demo's store, with the starter bank in it."""
    topology = Topology()
    async with open_store(
        settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
    ) as opened:
        await load_at_start(settings, opened, system_clock)
        yield opened


async def planned(store: Store, settings: Settings, posts: int) -> dict[str, PostRow]:
    """Plans until there are so many posts; which they are, by the plan's name."""
    member = Member("c/scheduler-0", MemberKind.SCHEDULER, "one", "here", 1)
    lease = (await store.acquire([SCHEDULER], member, 600))[SCHEDULER]
    async with open_drafter(settings, store, system_clock) as drafter, asyncio.timeout(30):
        planner = Planner(
            lease=lease,
            store=store,
            drafter=drafter,
            kept=partial(rows_of_file, settings.schedules, settings.accounts),
            clock=system_clock,
            monotonic=time.monotonic,
            rules=PlannerRules(longest_seconds=0.2, busy_seconds=0.05),
            steps=Counter(),
        )
        running = asyncio.create_task(planner.run(), name="planner")
        try:
            while len(found := await store.posts(limit=9)) < posts:
                await asyncio.wait([running], timeout=0.05)
                assert not running.done(), running.exception()
        finally:
            running.cancel()
            await asyncio.wait([running])
    names = {"schedule": 1, "event": 2}
    return {row.key.split(":")[names[row.key.split(":")[0]]]: row for row in found}


async def test_the_demos_schedule_and_its_event_become_posts_that_say_who_wrote_them(
    store: Store, settings: Settings
) -> None:
    desk = EventDesk(rules_of(settings), system_clock)
    data = parse_payload(b'{"until": "21.00"}')
    answer = await desk.take(store, COMMAND_LINE, DEMO_EVENT, data)
    assert answer.verdict is Verdict.TAKEN
    found = await planned(store, settings, 2)
    assert found.keys() == {settings.schedules[0].name, settings.event_rules[0].name}
    bank = (await read_catalogue(store)).pictures
    for row in found.values():
        words, _, line = row.caption.rpartition("\n\n")
        assert words
        assert "tehisaru" in line.lower()
        assert row.ai_generated
        (picture,) = row.pictures
        assert picture.alt or bank[picture.id].alt
    assert found[settings.event_rules[0].name].pictures[0].id == "opening-hours"
    assert len({row.caption for row in found.values()}) == len(found)


async def test_an_event_without_data_is_enough(store: Store, settings: Settings) -> None:
    settings = settings.model_copy(update={"schedules": ()})
    desk = EventDesk(rules_of(settings), system_clock)
    answer = await desk.take(store, COMMAND_LINE, DEMO_EVENT, parse_payload(b""))
    assert answer.verdict is Verdict.TAKEN
    (row,) = (await planned(store, settings, 1)).values()
    assert row.caption
