"""What the tests of the embedded bus share: one that is open, its file, and a clock by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vestlus.bus import embedded_file
from vestlus.bus.embedded import EmbeddedBus
from vestlus.bus.port import Delivery, Topology

TOPOLOGY = Topology(inbox=2, outbox=1)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bus.sqlite"


@pytest.fixture
async def bus(path: Path, clock: HandClock) -> AsyncIterator[EmbeddedBus]:
    async with EmbeddedBus(path, TOPOLOGY, timeout=0.5, clock=clock) as opened:
        yield opened


def bodies(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


def opened(path: Path) -> sqlite3.Connection:
    connection = embedded_file.connect(path, 1.0)
    embedded_file.prepare(connection)
    return connection
