"""The scheduler on real stores: killed, frozen or cut off at every step, a time is one post."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.contract.store_support import another, hold, message, recorded, store
from tests.fakes.planning import OWNER, PretendDrafter
from tests.integration.test_posts import MOMENTS as PUBLISHERS_MOMENTS
from tests.integration.test_posts import (
    OUTBOX,
    Killer,
    Mortal,
    Stage,
    accounts_of_their_own,
    running_stage,
)
from vestlus.bus.open import open_bus
from vestlus.bus.port import Topology
from vestlus.clock import system_clock
from vestlus.conversation.events import EventKind
from vestlus.errors import LeaseLost, StoreUnavailable
from vestlus.planning.bell import ring
from vestlus.planning.definitions import row_of
from vestlus.planning.planner import Planner
from vestlus.planning.rules import PlannerRules
from vestlus.planning.service import PlannerService
from vestlus.retention.accounts import AccountPeriods
from vestlus.retention.pruner import keep_pruned
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.names import SCHEDULER
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.open import open_store
from vestlus.store.plan_rows import Keeper, NewTrigger, OccurrenceRow, ScheduleRow
from vestlus.store.port import Store
from vestlus.store.posts import ENDED, PostState
from vestlus.store.rows import Lease, Member, MemberKind

__all__ = ["store"]

T = TypeVar("T")

QUICK = PlannerRules(longest_seconds=0.2, busy_seconds=0.05, retry_seconds=0.05)
#: What the scheduler does for one time: it brings the file's schedules up to date, claims, has a
#: draft made, records it, has it checked, and hands over.
STEPS = ("sync_schedules", "claim", "occurrence_step", "occurrence_step")
#: A moment before and one after each of these, and of making and checking the draft.
MOMENTS = 2 * (len(STEPS) + 2)
#: All of these, and each third of the publisher's, all of which ``test_posts.py`` has; by what
#: Graph does with the first request for a container and the first to publish.
WHOLE_WAY = {
    fault: (*range(1, MOMENTS + 1), *range(MOMENTS + 1, MOMENTS + most + 1, 3))
    for fault, most in PUBLISHERS_MOMENTS.items()
}


@dataclass
class Freezer(Killer):
    """Stops everything at one moment until it thaws."""

    thaw: asyncio.Event = field(default_factory=asyncio.Event)

    async def moment(self) -> None:
        self.passed += 1
        if self.passed >= self.at:
            self.reached.set()
            await self.thaw.wait()


@dataclass
class Cutter(Killer):
    """Fails the store's answer at one moment: before it did anything, or after."""

    async def moment(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.reached.set()
            message = "told to fail"
            raise StoreUnavailable(message)


def due_now(name: str, account: str = OWNER.id) -> ScheduleRow:
    """A schedule whose only time was the last full minute, and which was added before it."""
    now_ms = system_clock()
    at_ms = now_ms - now_ms % 60_000
    at = datetime.fromtimestamp(at_ms / 1000, UTC).replace(tzinfo=None)
    plan = Schedule.model_validate(
        {"name": name, "at": at, "pictures": ["saal"], "missed": "all", "timezone": "UTC"}
    )
    return row_of(plan, Account(id=account), Keeper.HAND, at_ms - 1)


def old_event() -> NewTrigger:
    """An event of 1970."""
    return NewTrigger(
        id="vana", source="cli", name="x", key="x", digest="", payload="{}", received_ms=1
    )


async def lease_of(store: Store, incarnation: str) -> Lease:
    member = Member("c/scheduler-0", MemberKind.SCHEDULER, incarnation, "here", 1)
    return (await store.acquire([SCHEDULER], member, 600))[SCHEDULER]


def planner_of(store: Store, lease: Lease, killer: Killer | None = None, *names: str) -> Planner:
    """A planner; its calls of these names pass the killer."""
    given: Any = store
    drafter: Any = PretendDrafter()
    if killer is not None:
        given = Mortal(store, killer, *(names or set(STEPS)))
        if not names:
            drafter = Mortal(drafter, killer, "draft", "check")
    return Planner(
        lease=lease,
        store=given,
        drafter=drafter,
        kept=lambda _: (),
        clock=system_clock,
        monotonic=time.monotonic,
        rules=QUICK,
        steps=Counter(),
    )


@asynccontextmanager
async def serving(planner: Planner) -> AsyncIterator[asyncio.Task[None]]:
    """Runs a planner; leaving kills it."""
    task = asyncio.create_task(planner.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, LeaseLost):
            await task


async def handed(store: Store, name: str) -> OccurrenceRow:
    """The schedule's only occurrence, once it is a post."""
    async with asyncio.timeout(60):
        while True:
            rows = await store.occurrences(name=name, limit=9)
            if rows and rows[0].state is OccurrenceState.HANDED:
                assert len(rows) == 1
                return rows[0]
            await asyncio.sleep(0.02)


async def is_one_post(store: Store, name: str) -> None:
    row = await handed(store, name)
    posts = [post for post in await store.posts(limit=99) if f":{name}:" in post.key]
    assert [(post.id, post.key) for post in posts] == [(row.post, row.key)]


async def test_killed_at_every_step_a_time_becomes_one_post(store: Store) -> None:
    for at in range(1, MOMENTS + 1):
        name = f"plaan-{at}"
        await store.add_schedule(due_now(name))
        killer = Killer(at)
        async with serving(planner_of(store, await lease_of(store, f"{at}a"), killer)):
            async with asyncio.timeout(30):
                await killer.reached.wait()
        async with serving(planner_of(store, await lease_of(store, f"{at}b"))):
            await is_one_post(store, name)


async def test_cut_off_from_the_store_at_every_step_a_time_becomes_one_post(
    store: Store,
) -> None:
    for at in range(1, 2 * len(STEPS) + 1):
        name = f"plaan-{at}"
        await store.add_schedule(due_now(name))
        cutter = Cutter(at)
        planner = planner_of(store, await lease_of(store, str(at)), cutter, *set(STEPS))
        async with serving(planner):
            await is_one_post(store, name)
            # The last moment is after the post is there.
            async with asyncio.timeout(30):
                await cutter.reached.wait()


async def test_who_wakes_after_a_takeover_at_any_step_does_nothing_more(store: Store) -> None:
    for at in range(1, MOMENTS + 1):
        name = f"plaan-{at}"
        await store.add_schedule(due_now(name))
        freezer = Freezer(at)
        old = planner_of(store, await lease_of(store, f"{at}a"), freezer)
        async with serving(old) as frozen:
            async with asyncio.timeout(30):
                await freezer.reached.wait()
            # The lease is taken over as by a member that knows the one before to be dead.
            async with serving(planner_of(store, await lease_of(store, f"{at}b"))):
                await is_one_post(store, name)
                freezer.thaw.set()
            await store.add_schedule(due_now("veel"))
            with pytest.raises(LeaseLost):
                async with asyncio.timeout(30):
                    await frozen
        assert await store.occurrences(name="veel", limit=9) == ()
        assert await store.remove_schedule("veel", system_clock())
        await is_one_post(store, name)


async def test_two_who_believe_that_they_lead_plan_nothing_twice(
    store_url: str, store: Store
) -> None:
    """Two processes with one and the same epoch, which no lease allows, are still no harm."""
    names = [f"plaan-{number}" for number in range(8)]
    for name in names:
        await store.add_schedule(due_now(name))
    lease = await lease_of(store, "1")
    async with (
        another(store_url) as second,
        serving(planner_of(store, lease)),
        serving(planner_of(second, lease)),
    ):
        for name in names:
            await is_one_post(store, name)
    assert (await store.counts()).occurrences == {"handed": len(names)}


async def test_the_service_plans_while_it_holds_the_lease_and_hears_the_bell(
    store: Store, tmp_path: Path
) -> None:
    slow = PlannerRules(longest_seconds=3_600.0)
    bus = open_bus(f"sqlite:///{tmp_path}/bus.sqlite", Topology(inbox=1, outbox=1))
    async with (
        bus,
        PlannerService(
            bus=bus,
            store=store,
            drafter=PretendDrafter(),
            kept=lambda _: (),
            clock=system_clock,
            monotonic=time.monotonic,
            rules=slow,
        ) as service,
    ):
        first = await lease_of(store, "1")
        await store.take_event(old_event(), (), ())
        await service.hold(first)
        await store.add_schedule(due_now("kell"))
        await ring(bus)
        await is_one_post(store, "kell")
        assert service.stats()["steps"]["ready/handed"] == 1
        async with asyncio.timeout(30):
            while await store.event("vana") is not None:
                await asyncio.sleep(0.02)

        second = await lease_of(store, "2")
        await store.add_schedule(due_now("hiljem"))
        await ring(bus)
        async with asyncio.timeout(30):
            failure = await service.failed()
        assert (failure.lease, type(failure.error)) == (first, LeaseLost)
        await service.hold(second)
        await is_one_post(store, "hiljem")
        await service.let_go(5.0)
        await service.let_go(5.0)


async def test_what_is_old_goes_while_the_lease_is_held(store: Store, tmp_path: Path) -> None:
    inbox = await hold(store)
    await recorded(store, inbox, message(kind=EventKind.READ), now_ms=1)
    await recorded(store, inbox, message(kind=EventKind.READ), now_ms=system_clock())
    bus = open_bus(f"sqlite:///{tmp_path}/bus.sqlite", Topology(inbox=1, outbox=1))
    async with (
        bus,
        PlannerService(
            bus=bus,
            store=store,
            drafter=PretendDrafter(),
            kept=lambda _: (),
            clock=system_clock,
            besides=partial(keep_pruned, store, AccountPeriods()),
        ) as service,
    ):
        assert (await store.counts()).events == {"read/noted": 2}
        await service.hold(await lease_of(store, "1"))
        async with asyncio.timeout(30):
            while (await store.counts()).events != {"read/noted": 1}:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("fault", WHOLE_WAY)
async def test_the_whole_way_killed_at_every_step_is_one_post_on_the_grid(
    fault: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who is killed writes nothing more.
    monkeypatch.setattr("publishers.posts_book.LAST_STEPS_SECONDS", 0.05)
    accounts = accounts_of_their_own(len(WHOLE_WAY[fault]))

    async def life(stage: Stage, account: str, at: int) -> bool:
        """One time whose scheduler and publisher are killed at a moment; whether it came."""
        shutil.copy(tmp_path / "new.sqlite", tmp_path / f"store-{at}.sqlite")
        async with opened(f"store-{at}") as own:
            mine = Stage(own, stage.graph, stage.simulator, stage.http, stage.pictures)
            await own.add_schedule(due_now("plaan", account))
            killer = Killer(at)
            async with (
                serving(planner_of(own, await lease_of(own, "1"), killer)),
                mine.serving(account, "1", killer),
            ):
                waits = {
                    asyncio.create_task(killer.reached.wait()),
                    asyncio.create_task(published(own)),
                }
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
            async with (
                serving(planner_of(own, await lease_of(own, "2"))),
                mine.serving(account, "2"),
            ):
                await published(own)
            assert await mine.captions(account) == ["Tere!"], at
            await is_one_post(own, "plaan")
            return killer.reached.is_set()

    def opened(name: str) -> Store:
        url = f"sqlite:///{tmp_path}/{name}.sqlite"
        return open_store(url, partitions=1, outbox_partitions=OUTBOX)

    async with opened("new"):
        pass
    async with running_stage(accounts, tmp_path) as stage:
        await stage.fail_first(fault, accounts)
        reached = await asyncio.gather(
            *(
                life(stage, account, at)
                for at, account in zip(WHOLE_WAY[fault], accounts, strict=True)
            )
        )
    assert all(reached), "a moment that never came: nobody was killed at it"


async def published(store: Store) -> None:
    """Waits for the end of the store's only post."""
    async with asyncio.timeout(60):
        while True:
            posts = await store.posts(limit=9)
            if posts and posts[0].state in ENDED:
                assert [post.state for post in posts] == [PostState.PUBLISHED]
                return
            await asyncio.sleep(0.1)
