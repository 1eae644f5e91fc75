"""What the integration tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.console_support import Site, console_settings, kept_browser, served
from tests.integration.content_support import World, world

SCHEMATHESIS = "schemathesis.pytest.plugin"


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Load Schemathesis's plugin where its tests are collected, and nowhere else."""
    plugins = parent.config.pluginmanager
    if module_path.name == "test_api_fuzzed.py" and not plugins.hasplugin(SCHEMATHESIS):
        plugins.import_plugin(SCHEMATHESIS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[None]:
    """The browser of the tests that are marked as being in one."""
    async with kept_browser():
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A replica with a console, on a store and a bus that are empty."""
    async with served(console_settings(tmp_path)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def filled(tmp_path: Path) -> AsyncIterator[World]:
    """A replica with a console that has pictures, posts and rules."""
    async with world(tmp_path) as made:
        yield made
