"""What is done beside a running service: commands of ``vestlus``, and looks into its store."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

from tests.e2e.conftest import Pair
from vestlus.settings import Settings
from vestlus.store.open import open_store


def operate(pair: Pair, *words: str) -> str:
    """Runs ``vestlus …``; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "vestlus.cli.main", *words],
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "VESTLUS_DATA_DIR": str(pair.folder),
            **{name: value for name, value in pair.settings.items() if name.endswith("_URL")},
        },
        timeout=120,
    )
    return done.stdout


def catalogue(pair: Pair) -> dict[str, dict[str, Any]]:
    """The image bank's entries, as the store has them."""
    settings = Settings.model_validate(
        {
            "data_dir": pair.folder,
            "database_url": pair.settings.get("VESTLUS_DATABASE_URL"),
        }
    )

    async def read() -> dict[str, str]:
        async with open_store(settings.database, partitions=16, outbox_partitions=4) as store:
            return await store.catalogue()

    return {name: json.loads(entry) for name, entry in asyncio.run(read()).items()}
