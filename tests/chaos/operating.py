"""The commands of ``vestlus``, run beside the service as an operator runs them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

#: Until a command that failed, because something was away, is tried again.
AGAIN_SECONDS = 1.0


async def operate(folder: Path, settings: Mapping[str, str], *words: str) -> str | None:
    """Runs ``vestlus …``; what it printed, or ``None`` where it failed: something was away."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vestlus.cli.main", *words),
        env={"PATH": os.environ["PATH"], **settings, "VESTLUS_DATA_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode() if process.returncode == 0 else None


async def insist(folder: Path, settings: Mapping[str, str], *words: str) -> str:
    """The same, until it succeeds. Only for what may be done twice."""
    while (said := await operate(folder, settings, *words)) is None:
        await asyncio.sleep(AGAIN_SECONDS)
    return said
