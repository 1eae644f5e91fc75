"""What checks find, and running them side by side, each within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: A check that takes longer has found something: whatever it asks does not answer.
CHECK_SECONDS = 20.0


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    #: It works, and something about it should be looked at.
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report. Holds no texts, user ids or secrets."""

    name: str
    level: Level
    #: What was seen.
    said: str
    #: What to do about it; empty where nothing is to be done.
    mend: str = ""


#: One check; ``name`` is what its line begins with if it does not end in time.
Check = Callable[[], Awaitable[Sequence[Finding]]]


async def run_checks(
    checks: Sequence[tuple[str, Check]], *, seconds: float = CHECK_SECONDS
) -> list[Finding]:
    """Runs named checks at the same time; their findings, in the checks' order."""
    results = await asyncio.gather(*(_within(name, check, seconds) for name, check in checks))
    return [finding for found in results for finding in found]


async def _within(name: str, check: Check, seconds: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(seconds):
            return await check()
    except TimeoutError:
        said = f"no answer within {seconds:g} s"
        return [Finding(name, Level.FAIL, said, "is it reachable from here, and not overloaded?")]
    except Exception as error:  # noqa: BLE001 - one broken check must not hide the others' findings
        # Its message may hold addresses with passwords.
        return [Finding(name, Level.FAIL, f"the check itself failed: {type(error).__name__}")]
