"""A long run: whether memory, latency and files stay as they are.

::

    python -m benchmarks.soak [--pair servers|embedded] [--rate 30] [--duration 30m]
                              [--users 20000] [--report DIR] [--json FILE] [-- OPTIONS]

It is `vestlus loadtest` on a private RabbitMQ and PostgreSQL, whose processes and files are watched
too, or on the embedded pair; what stands behind ``--`` is handed on to it. The table "early and
late" at its end says what there is to say: docs/load-testing.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from benchmarks.provenance import commit
from tests.services import Server, provide_postgres, provide_rabbitmq, running
from vestlus.loadtest.steadiness import quarters

#: Between two looks at the servers' files.
EVERY_SECONDS = 5.0


class Folders:
    """How large folders are over time, read by a thread of its own."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.sizes: dict[str, list[int]] = {name: [] for name in folders}
        self._folders = folders
        self._over = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Looks at them until the block ends."""
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            for name, folder in self._folders.items():
                self.sizes[name].append(allocated(folder))


def allocated(folder: Path) -> int:
    """Bytes that the files below a folder take on the disk."""
    found = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                found += (Path(path) / name).lstat().st_blocks * 512
            except OSError:  # gone meanwhile
                continue
    return found


@contextmanager
def load_test_process(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """``vestlus loadtest``, under way."""
    command = [sys.executable, "-m", "vestlus.cli.main", "loadtest", *arguments]
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:  # noqa: S603 - our own
        try:
            yield process
        except BaseException:
            process.terminate()
            raise


def load_test(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs it; its exit status."""
    with load_test_process(arguments, environment) as process:
        return process.wait()


@contextmanager
def servers() -> Iterator[tuple[dict[str, str], dict[str, Server]]]:
    """RabbitMQ and PostgreSQL, and the settings that name them."""
    with running(provide_rabbitmq()) as rabbitmq, running(provide_postgres()) as postgres:
        environment = {
            "VESTLUS_BUS_URL": rabbitmq.fresh_space().url,
            "VESTLUS_DATABASE_URL": postgres.fresh_database(),
        }
        yield environment, {"RabbitMQ": rabbitmq, "PostgreSQL": postgres}


async def tables(url: str) -> list[tuple[str, int, int]]:
    """Name, rows and bytes with indexes of each table that holds something, largest first.

    A partition counts as its table.
    """
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT c.relname AS name,"
            " sum(pg_total_relation_size(coalesce(leaf.relid, c.oid))) AS size"
            " FROM pg_class c LEFT JOIN LATERAL pg_partition_tree(c.oid) leaf ON leaf.isleaf"
            " WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition"
            " AND c.relkind IN ('r', 'p') GROUP BY c.relname"
        )
        found = [
            (
                str(each["name"]),
                int(await connection.fetchval(f'SELECT count(*) FROM "{each["name"]}"')),  # noqa: S608 - a name of the catalogue
                int(each["size"]),
            )
            for each in names
        ]
    finally:
        await connection.close()
    return sorted((each for each in found if each[1]), key=lambda each: -each[2])


def main() -> int:
    """Run it; the exit status is the load test's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--pair", choices=("servers", "embedded"), default="servers")
    parser.add_argument("--rate", default="30")
    parser.add_argument("--duration", default="30m")
    parser.add_argument("--users", default="20000")
    parser.add_argument("--report")
    parser.add_argument("--json", type=Path)
    parser.add_argument("others", nargs="*")
    asked = parser.parse_args()
    arguments = ["--rate", asked.rate, "--duration", asked.duration, "--users", asked.users]
    arguments += ["--report", asked.report] if asked.report else []
    arguments += asked.others
    if asked.pair == "embedded":
        arguments += ["--json", str(asked.json)] if asked.json else []
        return load_test(arguments, {})
    of = commit()
    with servers() as (environment, used), tempfile.TemporaryDirectory() as folder:
        watched = [f"--watch={name}={one.root}" for name, one in used.items() if one.root]
        folders = Folders({name: one.directory for name, one in used.items() if one.directory})
        result = Path(folder) / "result.json"
        with folders.watched():
            status = load_test([*arguments, *watched, "--json", str(result)], environment)
        found = json.loads(result.read_text("utf-8")) if result.exists() else {}
        kept = asyncio.run(tables(environment["VESTLUS_DATABASE_URL"]))
    answered = found["throughput"]["answered"] if found else 0
    if answered:
        print(f"\n{'table':<24}{'rows':>12}{'rows/message':>15}{'bytes/message':>15}")
        for name, rows, size in kept:
            print(f"{name:<24}{rows:>12}{rows / answered:>15.2f}{size / answered:>15.0f}")
    for name, sizes in folders.sizes.items():
        early, late = (each[-1] / 1e6 if each else 0.0 for each in quarters(sizes))
        most = max(sizes, default=0) / 1e6
        print(f"files of {name}, MB: early {early:.0f}, late {late:.0f}, most {most:.0f}")
    if asked.json and found:
        found["commit"] = of
        found["tables"] = [{"name": name, "rows": rows, "bytes": size} for name, rows, size in kept]
        found["server_files"] = {"every_seconds": EVERY_SECONDS, "bytes": folders.sizes}
        asked.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
