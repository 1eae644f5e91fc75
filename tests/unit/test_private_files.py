"""What users wrote is for nobody else on the machine: modes of the folder and its databases."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.port import Queue, Topology
from vestlus.simulator.persistence import DataFile
from vestlus.store.open import open_store

TOPOLOGY = Topology(inbox=1, outbox=1)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes_of(folder: Path) -> dict[str, int]:
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in (folder, *folder.iterdir())}


async def used(folder: Path) -> dict[str, int]:
    """The modes of what lies in the folder while all that write into it have it open."""
    store = open_store(f"sqlite:///{folder / 'store.sqlite'}", partitions=1, outbox_partitions=1)
    simulator = DataFile(folder / "simulator.sqlite", lambda _: None)
    async with EmbeddedBus(folder / "bus.sqlite", TOPOLOGY, timeout=5) as bus, store:
        await store.schedules()
        await bus.publish(Queue.INBOX, 0, [b"said"])
        simulator.open()
        try:
            return modes_of(folder)
        finally:
            simulator.close()


async def test_what_is_made_anew_is_for_its_user_alone(tmp_path: Path) -> None:
    modes = await used(tmp_path / "var")
    assert {"store.sqlite-wal", "bus.sqlite-wal", "bus.sqlite-shm"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


async def test_an_operators_folder_and_files_keep_their_modes(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o750)
    (folder / "store.sqlite").touch()
    (folder / "store.sqlite").chmod(0o640)
    modes = await used(folder)
    assert (modes["var"], modes["store.sqlite"], modes["bus.sqlite"]) == (0o750, 0o640, 0o600)
    assert modes["store.sqlite-wal"] == 0o640
