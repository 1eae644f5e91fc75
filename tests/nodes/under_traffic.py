"""Users who write while something happens to the service, and the checker's judgement."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from tests.e2e.resizing import ACCOUNTS, MODEL_SECONDS, say
from tests.e2e.service import ServiceError
from tests.e2e.traffic import Habits, Traffic

SETTLE_SECONDS = 240.0


#: What the checker tells of single messages.
_FINDINGS: Final = ("lost", "duplicated", "out_of_order", "misdirected", "order_unproven")


@dataclass(slots=True, kw_only=True)
class Judged:
    """What came of the messages of a run."""

    #: Messages that users wrote.
    written: int = 0
    #: The checker's.
    verdict: dict[str, Any] = field(default_factory=dict)

    def promises_kept(self) -> bool:
        """Whether nothing was lost, doubled or out of order, and everybody was answered."""
        return (
            bool(self.verdict["ok"])
            and self.verdict["answered"] == self.written
            and self.verdict["not_accepted"] == 0
        )

    def told(self) -> str:
        """For people, as Markdown."""
        verdict = self.verdict
        found = ", ".join(f"{name.replace('_', ' ')} {len(verdict[name])}" for name in _FINDINGS)
        return (
            f"**{self.written} messages, {verdict['answered']} answered, not accepted "
            f"{verdict['not_accepted']}; {found}.**"
        )


@dataclass(frozen=True, slots=True)
class Users:
    """Who write, and the task in which they do."""

    traffic: Traffic
    running: asyncio.Task[None]


@asynccontextmanager
async def under_traffic(simulator: str, habits: Habits, run: Judged) -> AsyncIterator[Users]:
    """Users write meanwhile. Then they stop, their answers are waited for, and the checker judges
    into ``run``, also those who still wait.
    """
    timeout = aiohttp.ClientTimeout(total=600)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        traffic = Traffic(simulator, session, habits, accounts=ACCOUNTS)
        await traffic.call("model", {"latency_seconds": list(MODEL_SECONDS)})
        running = asyncio.create_task(traffic.run(), name="traffic")
        try:
            yield Users(traffic, running)
            traffic.stopped.set()
            await asyncio.wait({running}, timeout=SETTLE_SECONDS)
            if running.done():
                running.result()
            else:
                say(f"{traffic.unanswered} users still wait for an answer")
        except (TimeoutError, ServiceError):
            # What became of the messages of those who were waited for.
            say(json.dumps(await traffic.call("check?after=0&user_prefix=u&wait=0")))
            raise
        finally:
            running.cancel()
            await asyncio.wait({running})
        run.written = traffic.written
        run.verdict = await traffic.call("check?after=0&user_prefix=u&wait=30")
