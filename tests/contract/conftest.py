"""Stores with the newest schema, made once: migrating anew for each test takes most of its time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.store_support import another
from tests.services import PostgresServer


def _make(url: str) -> None:
    """Makes a store as the tests open it."""

    async def work() -> None:
        async with another(url):
            pass

    asyncio.run(work())


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a SQLite store that nobody has used."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    _make(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres_service: PostgresServer) -> Iterator[str]:
    """Return the URL of a PostgreSQL store that nobody has used."""
    url = postgres_service.fresh_database()
    _make(url)
    yield url
    postgres_service.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a store of either kind that holds nothing yet."""
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_file")
        shutil.copy(migrated, tmp_path / "store.db")
        yield f"sqlite:///{tmp_path}/store.db"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_service")
    url = postgres.fresh_database(request.getfixturevalue("migrated_database"))
    yield url
    if postgres.controllable:
        postgres.start()
    postgres.drop_database(url)
