"""What it costs to take old rows away, and what partitions cost those who work meanwhile.

::

    python -m benchmarks.pruning [--rows 300000]

On a private PostgreSQL, three comparisons, each within one run, and one measure:

- a week of messages taken away by dropping its partition, by small steps, and by one DELETE: time,
  the server's processor time and bytes of its write-ahead log (a VACUUM afterwards included, which
  a DELETE needs; what the turns beside it cost subtracted), and the latency of recorded events and
  committed turns meanwhile, beside that of a quiet time;
- loading conversations, cached, from one table of messages and from one of thirteen weeks;
- the statements of the inbox on one table and on fourteen partitions of a day each, by number;
- bringing a store of the release before up to date, with so many messages in it.

Of single statements the fastest tenth's slowest is told: other programs only ever add to it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from benchmarks.pruning_reads import compare_inbox, compare_loads
from benchmarks.pruning_tables import FILL
from benchmarks.pruning_upgrade import compare_upgrade
from tests.services import provide_postgres, running
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.retention.pruner import LEAST_REST_SECONDS, RESTS, ROWS
from vestlus.store.names import inbox_lease
from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.pruning import Remains
from vestlus.store.rows import EventState, Lease, Member, MemberKind, NewEvent, TurnCommit
from vestlus.store.weeks import WEEK_MS, week_of

ACCOUNT = "17841400000000001"
MEMBER = Member("benchmark", MemberKind.CONVERSATION, "1", "host", 1)
USERS = 1_000
QUIET_SECONDS = 4.0


@dataclass(frozen=True)
class Way:
    """One way to take a week away."""

    way: str
    rows: int
    seconds: float
    cpu_seconds: float
    wal_mb: float
    #: Milliseconds of an event recorded, its conversation loaded and its turn committed, meanwhile
    #: and in the seconds after it.
    p50: float
    p99: float
    longest: float


async def turns(store: Store, lease: Lease, latencies: list[float]) -> None:
    """Records events and commits their turns, one after the other, until cancelled."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in itertools.count():
        user = f"user-{chance.randrange(USERS)}"
        id_, mid, now_ms = conversation_id(ACCOUNT, user), f"mid-{number}", time.time_ns() // 10**6
        event = Event(
            key=event_key(EventKind.MESSAGE, ACCOUNT, mid),
            kind=EventKind.MESSAGE,
            account=ACCOUNT,
            user=user,
            conversation=id_,
            mid=mid,
            timestamp_ms=now_ms,
            text="Mis kell saal avatakse?",
        )
        began = time.perf_counter()
        (new,) = await store.record([(lease, [NewEvent(event, EventState.PENDING)])], now_ms)
        row = (await store.load([id_], 20))[id_]
        said = (HistoryMessage(Role.USER, event.text or "", now_ms, mid),)
        answered = tuple(one.seq for one in new or ())
        turn = TurnCommit(
            lease=lease,
            conversation=id_,
            version=row.version,
            answered=answered,
            history=said,
            sends=(),
        )
        await store.commit_turns([turn], now_ms)
        latencies.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.002)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """A store at the address."""
    async with open_store(url, partitions=16, outbox_partitions=4) as store:
        yield store


async def processor_seconds(connection: asyncpg.Connection) -> float:
    """What the server's processes have used so far, those that ended included. Linux only."""
    postmaster = _stat(await connection.fetchval("SELECT pg_backend_pid()"))[1]
    ticks = 0
    for path in Path("/proc").glob("[0-9]*"):  # noqa: ASYNC240 - no disk is behind it
        with suppress(FileNotFoundError, ProcessLookupError):
            pid = int(path.name)
            _, parent, own, ended = _stat(pid)
            if parent == postmaster:
                ticks += own
            elif pid == postmaster:
                ticks += own + ended
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> tuple[int, int, int, int]:
    """Its id, its parent's, its ticks of processor time, and those of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    parent, user, system, user_ended, system_ended = (int(fields[n]) for n in (1, 11, 12, 13, 14))
    return pid, parent, user + system, user_ended + system_ended


async def lsn(connection: asyncpg.Connection) -> int:
    """Bytes of write-ahead log so far."""
    return int(await connection.fetchval("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


async def compare_ways(url: str, rows: int) -> list[Way]:
    """Takes the same week away in three ways, with turns being committed beside it."""
    connection = await asyncpg.connect(url)
    ways: list[Way] = []
    async with opened(url) as store, opened(url) as pruner:
        lease = (await store.acquire([inbox_lease(0)], MEMBER, 600.0))[inbox_lease(0)]
        latencies: list[float] = []
        work = asyncio.create_task(turns(store, lease, latencies))

        async def timed(way: str, taken: Callable[[], Awaitable[object]], table: str) -> None:
            before, used = await lsn(connection), await processor_seconds(connection)
            latencies.clear()
            began = time.perf_counter()
            await taken()
            seconds = time.perf_counter() - began
            # Who waited for it ends a moment later; and a moment has too few turns for a p99.
            await asyncio.sleep(max(0.5, QUIET_SECONDS - seconds))
            some = sorted(latencies)
            if table:
                await connection.execute(f"VACUUM {table}")
            # What the turns themselves cost is not the pruning's.
            own = await lsn(connection) - before - len(latencies) * wal_of_turn
            own_cpu = await processor_seconds(connection) - used - len(latencies) * cpu_of_turn
            ways.append(
                Way(
                    way,
                    rows if way != "nothing" else 0,
                    round(seconds, 2),
                    round(max(0.0, own_cpu), 2),
                    round(max(0.0, own) / 10**6, 1),
                    round(statistics.median(some), 2),
                    round(some[int(len(some) * 0.99)], 2),
                    round(some[-1], 2),
                )
            )

        now_ms = await pruner.now_ms()
        week = week_of(now_ms).next
        old_ms = now_ms - 300 * 24 * 3_600_000
        wal_of_turn = cpu_of_turn = 0.0
        await asyncio.sleep(1.0)
        latencies.clear()
        before, used = await lsn(connection), await processor_seconds(connection)
        await asyncio.sleep(QUIET_SECONDS)
        wal_of_turn = (await lsn(connection) - before) / len(latencies)
        cpu_of_turn = (await processor_seconds(connection) - used) / len(latencies)
        await timed("nothing", lambda: asyncio.sleep(0), "")

        await connection.execute(FILL, rows, week.start_ms, WEEK_MS - 1)
        await connection.execute(f"VACUUM ANALYZE {week.name}")
        await connection.execute("CHECKPOINT")
        await timed("drop", lambda: pruner.drop_weeks(week.end_ms), "")

        await connection.execute(FILL, rows, old_ms, WEEK_MS - 1)
        await connection.execute("VACUUM ANALYZE history_before")
        await connection.execute("CHECKPOINT")
        await timed("steps", lambda: in_steps(pruner, old_ms + WEEK_MS), "history_before")

        await connection.execute(FILL, rows, old_ms, WEEK_MS - 1)
        await connection.execute("VACUUM ANALYZE history_before")
        await connection.execute("CHECKPOINT")
        delete = f"DELETE FROM history_before WHERE at_ms < {old_ms + WEEK_MS}"  # noqa: S608
        await timed("one delete", lambda: connection.execute(delete), "history_before")
        work.cancel()
        await asyncio.wait([work])
    await connection.close()
    return ways


async def in_steps(store: Store, before_ms: int) -> None:
    """As :class:`vestlus.retention.pruner.Pruner` does."""
    after = None
    while True:
        began = time.perf_counter()
        batch = await store.prune(Remains.MESSAGES, before_ms, limit=ROWS, after=after)
        await asyncio.sleep(max(LEAST_REST_SECONDS, RESTS * (time.perf_counter() - began)))
        if batch.after is None:
            return
        after = batch.after


async def main(rows: int) -> None:
    """Runs all and prints JSON."""
    with running(await asyncio.to_thread(provide_postgres)) as server:
        ways = await compare_ways(server.fresh_database(), rows)
        loads = await compare_loads(server, rows)
        inbox = await compare_inbox(server.fresh_database(), rows)
        upgrade = await compare_upgrade(server.fresh_database(), rows, processor_seconds)
    told = {
        "ways": [asdict(way) for way in ways],
        "load_us": loads,
        "inbox_us": inbox,
        "upgrade": upgrade,
    }
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    asyncio.run(main(parser.parse_args().rows))
