"""A publisher frozen at each point of a send, overtaken and woken: what the user receives then."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.sending import ACCOUNT, Stage, stage
from tests.freezing import freeze
from tests.integration.frozen_publisher import QUICK, Point, databases, run

#: One process imports for all publishers: it takes longer than all the rest.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.integration.frozen_publisher"])

#: How often the user receives the answer. Docs: ``docs/guarantees.md``, "Look before resending".
RECEIVED = {
    # Not begun, and never begun: the claim is refused.
    Point.BEFORE_CLAIM: 1,
    # Looked for, not found, sent by the new holder; the woken one finds its lease over.
    Point.AFTER_CLAIM: 1,
    # The one window that remains: the woken process writes what it was about to write.
    Point.WHILE_WRITING: 2,
    # Found at Instagram by the new holder.
    Point.AFTER_WRITING: 1,
    Point.AFTER_ANSWER: 1,
}


@dataclass
class Frozen:
    """A publisher that will freeze."""

    process: BaseProcess
    connection: Connection

    async def line(self) -> object:
        """The next thing that it tells."""

        def told() -> object:
            if not self.connection.poll(60):
                raise TimeoutError
            return self.connection.recv()

        return await asyncio.to_thread(told)

    async def status(self) -> int | None:
        """Its exit status, once it has ended."""
        await asyncio.to_thread(self.process.join, 60)
        return self.process.exitcode


@asynccontextmanager
async def publisher(opened: Stage, point: Point) -> AsyncIterator[Frozen]:
    """A publisher that will freeze; killed where it has not ended."""
    ours, its = FORKS.Pipe()
    with ours, its:
        process = FORKS.Process(target=run, args=(opened.folder, opened.url, point, its))
        await asyncio.to_thread(process.start)
        try:
            yield Frozen(process, ours)
        finally:
            process.kill()
            await asyncio.to_thread(process.join)
            process.close()


async def overtaken(point: Point, folder: Path) -> None:
    """Freeze one publisher, let another take over and finish, wake the first."""
    async with stage(folder) as opened:
        await opened.wait_for_answers(["u"], 1, ACCOUNT)
        async with publisher(opened, point) as frozen:
            assert await frozen.line() == "here"
            assert frozen.process.pid is not None
            await freeze(frozen.process.pid, databases(opened.folder))
            async with opened.publishing(QUICK, member_id="next") as service:
                async with asyncio.timeout(60):
                    assert await opened.until_finished() == {"sent": 1}
                before = await opened.received()
                assert [message["text"] for message in before] == ["u 1/1"]
                frozen.connection.send("go on")
                os.kill(frozen.process.pid, signal.SIGCONT)
                assert await frozen.line() == "lease lost"
                assert await frozen.status() == 0
                stats = service.stats()
        received = [message["text"] for message in await opened.received()]
        assert received == ["u 1/1"] * RECEIVED[point]
        assert dict((await opened.store.counts()).sends) == {"sent": 1}
        assert stats.resent == (point in {Point.AFTER_CLAIM, Point.WHILE_WRITING})
        assert stats.found == (point in {Point.AFTER_WRITING, Point.AFTER_ANSWER})


async def test_a_publisher_frozen_at_each_point_of_a_send_and_overtaken(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        for point in Point:
            folder = tmp_path / point.name
            folder.mkdir()
            group.create_task(overtaken(point, folder), name=point)
