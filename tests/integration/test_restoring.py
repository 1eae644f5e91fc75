"""A backup of the store restored: nobody is answered twice, and nobody is forgotten.

The commands are those of ``docs/backup.md``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.integration.recovery_support import TOPOLOGY, Stage, opened_stage, said
from tests.services import PostgresServer
from tests.services.postgres import installed_binaries
from vestlus.bus.open import open_bus
from vestlus.clock import system_clock
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.open import open_store
from vestlus.store.restoring import mark_restored

GUIDE = Path(__file__).parents[2] / "docs" / "backup.md"


def command(name: str) -> str:
    """The commands of the guide that stand under ``# name`` in one of its blocks."""
    found = re.search(
        rf"^# {re.escape(name)}\n((?:[^#`\n].*\n)+)", GUIDE.read_text("utf-8"), re.MULTILINE
    )
    assert found, name
    return found[1]


class Backups:
    """Takes and restores backups of one store as the guide says."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._kind = "embedded pair" if url.startswith("sqlite") else "PostgreSQL"
        programs = installed_binaries()
        path = [str(Path(sys.executable).parent), str(programs or ""), os.environ["PATH"]]
        self._environment = {
            "PATH": os.pathsep.join(path),
            "STORE": make_url(url).database or "",
            "BACKUP": str(folder / "backup"),
            "DATABASE": url,
        }

    def take(self) -> None:
        """A backup beside whoever uses the store."""
        self._run(f"back up: {self._kind}")

    def restore(self) -> None:
        """The store as it was; nobody uses it."""
        self._run(f"restore: {self._kind}")

    def _run(self, name: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-ec", command(name)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store of either kind that is not there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.sqlite"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_service")
    url = postgres.fresh_database()
    yield url
    postgres.drop_database(url)


async def _leases_expired(url: str, stage: Stage) -> None:
    """The backup is older than a lease."""
    assert stage.member is not None
    async with open_store(
        url, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox
    ) as store:
        await store.leave(stage.member)


async def _unfinished(stage: Stage, wanted: int) -> bool:
    """Whether so many sends are not over."""
    sends = (await stage.store.counts()).sends
    return sum(sends.get(str(state), 0) for state in SendState if state not in FINISHED) == wanted


async def test_what_was_answered_since_the_backup_is_not_answered_again_and_the_rest_is(
    tmp_path: Path, database: str
) -> None:
    backups = Backups(database, tmp_path)
    async with (
        open_bus(f"sqlite:///{tmp_path / 'bus.sqlite'}", TOPOLOGY) as bus,
        opened_stage(tmp_path, bus, store_url=database) as stage,
    ):
        outer = stage.stack
        async with AsyncExitStack() as first:
            stage.stack = first
            began_ms = system_clock()
            await stage.host()
            # Decided and not sent: nobody sends yet.
            await stage.client.control("messages", said("decided", "Üks."))
            await stage.until(lambda: _unfinished(stage, 1))
            # Recorded and not answered.
            stage.assistant.gate.clear()
            await stage.client.control("messages", said("asked", "Kaks."))
            await stage.assistant.was_asked(2)
            backups.take()
            stage.assistant.gate.set()
            await stage.publish(until_ms=began_ms)
            await stage.client.control("messages", said("later", "Kolm."))
            for user in ("decided", "asked", "later"):
                await stage.got(user, 1)
            # Nobody hears of this one before the store is lost.
            await stage.outage(said("open", "Neli."))
        await stage.over()
        await stage.store.__aexit__(None, None, None)

        backups.restore()
        await _leases_expired(database, stage)
        found = await mark_restored(database, system_clock())
        assert found.sends == 1

        stage.stack = outer
        stage.store = await outer.enter_async_context(
            open_store(database, partitions=TOPOLOGY.inbox, outbox_partitions=TOPOLOGY.outbox)
        )
        await stage.host()
        await stage.publish()

        assert await stage.got("open", 1) == ["Neli."]
        await stage.until(lambda: _unfinished(stage, 0))
        for user, words in (("decided", "Üks."), ("asked", "Kaks."), ("later", "Kolm.")):
            assert await stage.client.sent(user) == [words]
        # From now on it is as ever.
        await stage.client.control("messages", said("new", "Viis."))
        assert await stage.got("new", 1) == ["Viis."]
