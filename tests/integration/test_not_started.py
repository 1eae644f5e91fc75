"""What keeps ``vestlus serve`` and ``vestlus demo`` from starting is told before Ray starts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.services.kept import free_port
from vestlus.store.open import open_store


def test_what_is_wrong_is_said_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vestlus.cli.main", "serve"],
        env=own_environment(tmp_path) | {"VESTLUS_PARTITIONS": "none"},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 78
    for name in ("VESTLUS_PARTITIONS", "VESTLUS_APP_SECRETS", "VESTLUS_VERIFY_TOKEN"):
        assert name in done.stderr


def test_a_database_or_broker_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    port = free_port()
    for name, url in (
        ("VESTLUS_BUS_URL", f"amqp://127.0.0.1:{port}/"),
        ("VESTLUS_DATABASE_URL", f"postgresql://somebody:secret@127.0.0.1:{port}/none"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "vestlus.cli.main", "demo"],
            env=own_environment(tmp_path) | {"VESTLUS_DATA_DIR": str(tmp_path), name: url},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert name in done.stderr
        assert "Traceback" not in done.stderr
        assert "secret" not in done.stderr


def test_a_store_made_for_other_partitions_is_refused_in_a_line(tmp_path: Path) -> None:
    async def made_for_eight() -> None:
        place = f"sqlite:///{tmp_path / 'store.sqlite'}"
        async with open_store(place, partitions=8, outbox_partitions=4) as store:
            await store.check()

    asyncio.run(made_for_eight())
    done = subprocess.run(
        [sys.executable, "-m", "vestlus.cli.main", "demo"],
        env=own_environment(tmp_path)
        | {"VESTLUS_DATA_DIR": str(tmp_path), "VESTLUS_PARTITIONS": "16"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "VESTLUS_PARTITIONS=8" in done.stderr
    assert "Traceback" not in done.stderr


def own_environment(pictures: Path) -> dict[str, str]:
    """The environment without settings of the service, but with a bank that loads at once."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VESTLUS_", "OPENAI_"))
    }
    return kept | {"VESTLUS_IMAGE_FOLDER": str(pictures)}
