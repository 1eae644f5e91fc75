"""What a SchedulerActor runs, without Ray: assigned the lease, it plans; told to stop, it ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from actors.planning import serve_planning
from actors.shell import Controls
from image_bank import starter_folder
from image_bank.open import load_at_start
from vestlus.clock import system_clock
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.settings_schedules import Schedule
from vestlus.store.names import REGISTRY, SCHEDULER
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.open import open_store
from vestlus.store.rows import Member, MemberKind

ACCOUNT = "17841400000000001"
ROOT = Member("c/registry", MemberKind.REGISTRY, "1", "h", 3)
MEMBER = "c/scheduler-0"


def of_the_last_minute() -> Schedule:
    now_ms = system_clock()
    at = datetime.fromtimestamp((now_ms - now_ms % 60_000) / 1000, UTC).replace(tzinfo=None)
    return Schedule(
        name="avamine",
        account=ACCOUNT,
        at=at,
        timezone="UTC",
        pictures=("thank-you",),
        caption="Tere, {{ account.name }}!",
    )


async def test_whoever_is_assigned_the_lease_plans_the_file_s_schedules(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        encryption_key=SecretStr("a key for tests, as long as it has to be"),
        public_url="https://example.org",
        image_folder=starter_folder(),
        openai_base_url="http://127.0.0.1:1/v1",
        accounts=(Account(id=ACCOUNT, name="Raekoda", timezone="UTC"),),
        schedules=(of_the_last_minute(),),
    )
    controls = Controls()
    async with open_store(
        settings.database, partitions=settings.partitions, outbox_partitions=4
    ) as store:
        await load_at_start(settings, store, system_clock)
        root = (await store.acquire([REGISTRY], ROOT, 60))[REGISTRY]
        await store.assign(root, {SCHEDULER: MEMBER})
        serving = asyncio.create_task(serve_planning(settings, MEMBER, controls))
        try:
            async with asyncio.timeout(30):
                while not (posts := await store.posts(limit=9)):
                    assert not serving.done(), serving.exception()
                    await asyncio.sleep(0.05)
            assert controls.describe()["leases"] == 1
            assert controls.describe()["steps"]["ready/handed"] == 1
        finally:
            controls.stop.set()
            async with asyncio.timeout(30):
                await serving
        (row,) = await store.occurrences(limit=9)
        assert await store.live(MemberKind.SCHEDULER, 60) == ()
    assert (row.state, row.post) == (OccurrenceState.HANDED, posts[0].id)
    assert posts[0].caption == "Tere, Raekoda!"
    assert len(posts[0].pictures) == 1
