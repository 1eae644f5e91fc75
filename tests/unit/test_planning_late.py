"""A scheduler loads what makes drafts when it makes one, and not before."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.store_support import another
from tests.fakes.drafting import occurrence, recipe
from vestlus.clock import system_clock
from vestlus.errors import SettingsError
from vestlus.planning.late_drafting import LateDrafter
from vestlus.planning.ports import Impossible
from vestlus.settings import Settings

ROOT = Path(__file__).parents[2]


def test_a_scheduler_starts_without_the_model_s_client() -> None:
    program = "import actors.planning, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"openai", "aiohttp", "numpy"} & set(json.loads(done.stdout))


async def test_several_that_are_asked_for_at_once_are_drafted_by_the_same(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, encryption_key=SecretStr("k" * 40))
    row = occurrence(recipe())
    async with (
        another(f"sqlite:///{tmp_path}/store.db") as store,
        LateDrafter(settings, store, system_clock) as drafter,
    ):
        drafted = [drafter.draft(row, system_clock()) for _ in range(3)]
        results = await asyncio.gather(*drafted, drafter.check(row, system_clock()))
    # No account is set up here.
    assert [isinstance(one, Impossible) and one.reason for one in results] == [
        "account_unknown"
    ] * 4


async def test_what_no_draft_could_be_made_without_is_told_at_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with another(f"sqlite:///{tmp_path}/store.db") as store:
        with pytest.raises(SettingsError, match="VESTLUS_ENCRYPTION_KEY"):
            async with LateDrafter(settings, store, system_clock):
                pass
