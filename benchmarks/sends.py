"""What sending costs: CPU of the publisher and of the pretend Graph for each message sent.

::

    python -m benchmarks.sends [--rate 120] [--seconds 10] [--accounts 4] [--signs]

A writer in a process of its own commits answers at a steady rate and rings, as a
ConversationActor does; the publisher with the real Graph client is this process. ``--signs`` asks
for a read mark and the typing bubble of each answer's user, as before a slow model's answers.
``--profile FILE`` writes what cProfile saw of the event loop's thread.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from benchmarks.sending import TOPOLOGY, Stage, stage
from publishers.rules import SendingRules
from vestlus.bus.open import open_bus
from vestlus.bus.port import Bus, Queue
from vestlus.clock import system_clock
from vestlus.conversation.identity import outbox_partition_of, partition_of
from vestlus.messages import ActionRequest, SendReference, encode, outbox_message
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.rows import Lease, NewSend

#: Answers that are committed together, as the turns of several users are.
_TOGETHER_SECONDS = 0.02

#: For how long a sign is worth showing.
_WORTH_MS = 5_000


@dataclass(frozen=True)
class Cost:
    """What came of it; milliseconds are of CPU, user and system, for each message sent."""

    messages: int
    publisher_ms: float
    graph_ms: float
    #: Signs that were shown.
    acted: int
    seconds: float
    #: Users who did not receive exactly one message.
    wrong: int


@dataclass(frozen=True)
class Writing:
    """What the writer is to do."""

    folder: str
    database: str
    rate: float
    number: int
    accounts: list[str]
    signs: bool
    leases: dict[str, int]

    def account_of(self, number: int) -> str:
        """Whose answer it is."""
        return self.accounts[number % len(self.accounts)]


def _bus_url(folder: str) -> str:
    return f"sqlite:///{folder}/bus.sqlite"


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children() -> list[int]:
    pid = os.getpid()
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def measure(arguments: argparse.Namespace) -> Cost:
    """Measure once, in a folder of its own."""
    number = int(arguments.rate * arguments.seconds)
    accounts = [f"1784140000000{n:04}" for n in range(arguments.accounts)]
    with tempfile.TemporaryDirectory() as folder:
        opening = stage(Path(folder), database=arguments.database, accounts=accounts)
        async with opening as opened:
            (graph,) = _children()
            writing = Writing(
                folder=folder,
                database=arguments.database,
                rate=arguments.rate,
                number=number,
                accounts=accounts,
                signs=arguments.signs,
                leases={name: lease.epoch for name, lease in opened.leases.items()},
            )
            said = [
                {"account": writing.account_of(one), "user": f"u{one}", "text": "Tere"}
                for one in range(number)
            ]
            await opened.control("messages", said)
            async with opened.publishing(SendingRules()) as service:
                await asyncio.sleep(2.0)
                profile = cProfile.Profile()
                if arguments.profile:
                    profile.enable()
                began, cpu, graph_cpu = time.monotonic(), _cpu(), _cpu_of(graph)
                writer = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "benchmarks.sends"),
                    *("--write", json.dumps(asdict(writing))),
                )
                if await writer.wait():
                    raise RuntimeError("the writer failed")
                while (stats := service.stats()).sent < number:
                    await asyncio.sleep(0.05)
                cpu, graph_cpu = _cpu() - cpu, _cpu_of(graph) - graph_cpu
                if arguments.profile:
                    profile.disable()
                    profile.dump_stats(arguments.profile)
            received = await opened.received()
            return Cost(
                messages=number,
                publisher_ms=round(cpu / number * 1000, 3),
                graph_ms=round(graph_cpu / number * 1000, 3),
                acted=stats.acted,
                seconds=round(time.monotonic() - began, 1),
                wrong=abs(len(received) - number) + len(received) - len(_users(received)),
            )


def _users(received: list[dict[str, Any]]) -> set[str]:
    return {one["user"] for one in received}


async def write(writing: Writing) -> None:
    """Commit the answers of everybody, at the rate, and ring."""
    async with (
        open_store(
            writing.database or f"sqlite:///{writing.folder}/store.sqlite",
            partitions=TOPOLOGY.inbox,
            outbox_partitions=TOPOLOGY.outbox,
        ) as store,
        open_bus(_bus_url(writing.folder), TOPOLOGY) as bus,
        aiohttp.ClientSession() as http,
    ):
        desk = Stage(store, "", http, Path(writing.folder))
        began, done = time.monotonic(), 0
        while done < writing.number:
            await asyncio.sleep(_TOGETHER_SECONDS)
            due = min(writing.number, int((time.monotonic() - began) * writing.rate))
            groups: dict[tuple[str, str], list[str]] = {}
            for one in range(done, due):
                account, user = writing.account_of(one), f"u{one}"
                name = inbox_lease(partition_of(account, user, TOPOLOGY.inbox))
                groups.setdefault((name, account), []).append(user)
            done = due
            for (name, account), users in groups.items():
                if writing.signs:
                    await _show(bus, account, users)
                lease = Lease(name, writing.leases[name])
                sends = await desk.answer(lease, users, 1, account)
                await asyncio.gather(*(_ring(bus, send) for send in sends))


async def _show(bus: Bus, account: str, users: list[str]) -> None:
    until_ms = system_clock() + _WORTH_MS
    for user in users:
        actions = (
            ActionRequest(account=account, user=user, action="mark_seen", until_ms=until_ms),
            ActionRequest(account=account, user=user, action="typing_on", until_ms=until_ms),
        )
        message = outbox_message((), at_ms=system_clock(), actions=actions)
        partition = outbox_partition_of(account, TOPOLOGY.outbox)
        await bus.publish(Queue.OUTBOX, partition, [encode(message)])


async def _ring(bus: Bus, send: NewSend) -> None:
    reference = SendReference(
        ledger_id=send.id,
        account=send.account,
        user=send.user,
        conversation=send.conversation,
        answers=send.answers,
    )
    message = outbox_message((reference,), at_ms=system_clock())
    partition = outbox_partition_of(send.account, TOPOLOGY.outbox)
    await bus.publish(Queue.OUTBOX, partition, [encode(message)])


def main() -> int:
    """Print what was found; 1 when somebody did not receive exactly one message."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.sends")
    parser.add_argument("--rate", type=float, default=120.0, help="answers a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--accounts", type=int, default=4)
    parser.add_argument("--signs", action="store_true", help="read marks and typing bubbles")
    parser.add_argument("--database", default="", help="postgresql://… instead of SQLite")
    parser.add_argument("--profile", default="", help="where cProfile's figures go")
    parser.add_argument("--write", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        uvloop.run(write(Writing(**json.loads(arguments.write))))
        return 0
    found = uvloop.run(measure(arguments))
    print(json.dumps(asdict(found)))
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
