"""What commands that work on the store beside a running service share. Imports little by itself,
so that help comes at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter

if TYPE_CHECKING:
    from vestlus.settings import Settings
    from vestlus.store.port import Store

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]

T = TypeVar("T")


def run_on_store(work: Callable[[Store, Settings], Awaitable[T]]) -> T:
    """Runs a command's work on the service's store; the audit is told that it went through. Raises
    VestlusError.
    """
    from vestlus.bus.port import Topology
    from vestlus.cli.demo_settings import operator_settings
    from vestlus.cli.noting import work_done
    from vestlus.store.open import open_store

    settings = operator_settings()
    topology = Topology(inbox=settings.partitions)

    async def main() -> T:
        async with open_store(
            settings.database, partitions=topology.inbox, outbox_partitions=topology.outbox
        ) as store:
            return await work(store, settings)

    done = asyncio.run(main())
    work_done()
    return done


def moment(at_ms: int) -> str:
    """A time for people, UTC; empty for none."""
    from vestlus.cli.operating import moment as written

    return written(at_ms)


def print_json(value: object) -> None:
    """Prints for programs."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


def say(text: str) -> None:
    """Prints a line."""
    print(text, flush=True)  # noqa: T201 - a command's output
