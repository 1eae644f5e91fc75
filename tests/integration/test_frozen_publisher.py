"""A publisher frozen at each point of a send, overtaken and woken: what the user receives then."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from benchmarks.sending import ACCOUNT, Stage, stage
from tests.integration.frozen_publisher import QUICK, Point

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


async def line(process: asyncio.subprocess.Process) -> str:
    """The next line that is no log."""
    assert process.stdout is not None
    while True:
        told = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        if told in {"", "frozen", "lease lost"}:
            return told


async def publisher(opened: Stage, point: Point) -> asyncio.subprocess.Process:
    """A publisher that will freeze."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.frozen_publisher"),
        *(str(opened.folder), opened.url, point),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def overtaken(point: Point, folder: Path) -> None:
    """Freeze one publisher, let another take over and finish, wake the first."""
    async with stage(folder) as opened:
        await opened.wait_for_answers(["u"], 1, ACCOUNT)
        process = await publisher(opened, point)
        try:
            assert await line(process) == "frozen"
            async with opened.publishing(QUICK, member_id="next") as service:
                async with asyncio.timeout(60):
                    assert await opened.until_finished() == {"sent": 1}
                before = await opened.received()
                assert [message["text"] for message in before] == ["u 1/1"]
                process.send_signal(signal.SIGCONT)
                assert await line(process) == "lease lost"
                assert await asyncio.wait_for(process.wait(), 60) == 0
                stats = service.stats()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
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
