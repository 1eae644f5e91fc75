"""The parts by themselves, so that a slower one shows.

::

    python -m benchmarks.parts [--rounds 5] [--scale 1] [--only WORD] [--json FILE] [--markdown]

Each part is done in rounds, all parts in turn, so that a busy minute of the machine meets all of
them; the first round warms up and does not count. RabbitMQ and PostgreSQL are private servers of
the tests, the simulator is a process of its own: what they work is not in *CPU µs each*, which is
this process's, user and system. Times by the clock are of single operations where these are made
one by one, of a group where they are made in groups.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiormq
import asyncpg
import structlog

from benchmarks.measuring import Figures, Part, Round, as_json, figures, machine, table
from benchmarks.parts_bus import bus_parts
from benchmarks.parts_calls import call_parts
from benchmarks.parts_store import resting_parts, store_parts
from tests.services import AmqpSpace, provide_postgres, provide_rabbitmq, running


@dataclass(frozen=True)
class _Servers:
    amqp: AmqpSpace
    postgres: str


@contextmanager
def _servers() -> Iterator[_Servers]:
    with running(provide_rabbitmq()) as rabbitmq, running(provide_postgres()) as postgres:
        yield _Servers(rabbitmq.fresh_space(), postgres.fresh_database())


async def server_versions(servers: _Servers) -> dict[str, str]:
    """What the servers say they are."""
    postgres = await asyncpg.connect(servers.postgres)
    try:
        version = str(await postgres.fetchval("SHOW server_version"))
    finally:
        await postgres.close()
    rabbitmq = await aiormq.connect(servers.amqp.url)
    try:
        told = rabbitmq.server_properties.get("version", "")
    finally:
        await rabbitmq.close()
    return {"PostgreSQL": version, "RabbitMQ": str(told), "SQLite": sqlite3.sqlite_version}


async def measure(
    servers: _Servers, folder: Path, *, rounds: int, scale: float, only: str
) -> list[Figures]:
    """Opens everything, does the rounds, and sums them up."""
    async with AsyncExitStack() as stack:
        buses = (
            ("embedded bus", f"sqlite:///{folder}/bus.sqlite", ""),
            ("RabbitMQ", servers.amqp.url, servers.amqp.queue_prefix),
        )
        stores = (("SQLite", f"sqlite:///{folder}/parts.sqlite"), ("PostgreSQL", servers.postgres))
        parts: list[Part] = []
        for name, url, prefix in buses:
            parts += await stack.enter_async_context(bus_parts(name, url, prefix, scale))
        for name, url in stores:
            parts += await stack.enter_async_context(store_parts(name, url, scale))
        parts += resting_parts(scale)
        parts += await stack.enter_async_context(call_parts(folder, scale))
        wanted = [part for part in parts if only.lower() in part.name.lower()]
        done: dict[str, list[Round]] = {part.name: [] for part in wanted}
        for number in range(rounds + 1):
            for part in wanted:
                taken = await part.run()
                if number:
                    done[part.name].append(taken)
        return [figures(name, some) for name, some in done.items()]


def markdown(rows: Sequence[Figures], seen_on: dict[str, str], how: str) -> str:
    """A section of ``docs/performance-parts.md``."""
    about = (
        f"Written by `python -m benchmarks.parts {how} --markdown`. *CPU µs each* is "
        "the processor time of the measuring process, user and system, for one operation: the "
        "servers' own work is not in it. *Spread* is the range of the rounds' CPU time beside its "
        "median. Times by the clock (*a second*, p50, p99) mean something on a quiet machine only; "
        "of grouped operations they are the group's."
    )
    seen = [f"| {name} | {value} |" for name, value in seen_on.items()]
    head = ["## Bus, store, waking, calls", "", about, ""]
    return "\n".join([*head, *table(rows), "", "| seen on | |", "|---|---|", *seen, ""])


def main() -> int:
    """Prints the table, or the section with ``--markdown``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the operations in a round")
    parser.add_argument("--only", default="", help="parts with this in their name")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least one")
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = stack.enter_context(_servers())
        rows = asyncio.run(
            measure(servers, folder, rounds=options.rounds, scale=options.scale, only=options.only)
        )
        seen_on = machine(asyncio.run(server_versions(servers)))
    if options.json:
        found = {"machine": seen_on, "parts": [as_json(row) for row in rows]}
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    how = f"--rounds {options.rounds} --scale {options.scale:g}"
    print(markdown(rows, seen_on, how) if options.markdown else "\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
