"""What a ConversationActor runs, in a plain process without Ray, for ``benchmarks.turns``.

A line on standard input is answered with one of JSON: the CPU seconds used so far, and what the
service says of itself. The end of standard input ends it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from actors.conversing import serve_conversations
from actors.shell import Controls
from vestlus.logs import configure_logs
from vestlus.settings import Settings, load_settings

MEMBER = "conversation/benchmark"


async def main(settings: Settings) -> None:
    """Converses until standard input ends."""
    controls = Controls()
    controls.deadline_seconds = 2.0
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )

    async def answer() -> None:
        while await lines.readline():
            told = {"cpu": time.process_time(), **controls.describe()}
            print(json.dumps(told), flush=True)
        controls.stop.set()

    answering = asyncio.create_task(answer(), name="answer")
    await serve_conversations(settings, MEMBER, controls)
    await answering


if __name__ == "__main__":
    configure_logs("WARNING")
    uvloop.run(main(load_settings()))
