"""``vestlus loadtest`` against a small service: its report, its end, and the broker it names."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.service import everybody, family, wait_for
from tests.integration.load_support import SmallService, small_service
from tests.integration.simulator_harness import FIRST, SECOND, SECRET
from tests.services import AmqpSpace
from tests.services.kept import free_port
from vestlus.loadtest.machine import bus_version
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.verdict import STATUS, Outcome


@asynccontextmanager
async def command(
    service: SmallService, tmp_path: Path, *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """``vestlus loadtest`` against a small service; killed where a test leaves it running."""
    config = tmp_path / "own.toml"
    config.write_text(
        "".join(
            f'[[accounts]]\nid = "{one}"\naccess_token = "a-token"\n' for one in (FIRST, SECOND)
        ),
        "utf-8",
    )
    graph, model = free_port(), free_port()
    service.token = "a-token"
    service.graph, service.model = f"http://127.0.0.1:{graph}", f"http://127.0.0.1:{model}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vestlus.cli.main", "loadtest", "--target", service.url),
        *("--users", "10", "--rate", "20", "--accounts", "2", "--model-latency", "fixed:100ms"),
        *("--graph-port", str(graph), "--model-port", str(model)),
        *("--report", str(tmp_path / "report"), *arguments),
        env=os.environ
        | {
            "VESTLUS_CONFIG": str(config),
            "VESTLUS_APP_SECRETS": SECRET,
            "VESTLUS_BURST_WAIT_SECONDS": "0",
            # What a killed one leaves goes with the test's own files.
            "TMPDIR": str(tmp_path),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def heard(process: asyncio.subprocess.Process, words: bytes) -> None:
    """Reads what the command says until it has said so."""
    assert process.stdout is not None
    while words not in (said := await process.stdout.readline()):
        assert said, "it has ended"


async def test_the_command_drives_a_deployment_and_leaves_a_report(tmp_path: Path) -> None:
    async with small_service() as service, command(service, tmp_path, "--duration", "2s") as run:
        said, wrong = await run.communicate()

    text = said.decode()
    assert f"VESTLUS_GRAPH_URL={service.graph}/graph/v25.0" in text, wrong.decode()
    found = json.loads((tmp_path / "report" / "loadtest.json").read_text("utf-8"))
    assert found["promises"]["answered"] == found["throughput"]["due"] > 20
    assert found["promises"]["ok"]
    assert {part["name"] for part in found["parts"]} == {
        *("generator", "pretend Graph", "pretend model"),
    }
    assert all(part["memory_bytes_most"] > 0 for part in found["parts"])
    # A busy machine may make it no result; it is a whole one all the same.
    assert STATUS[Outcome(found["verdict"]["outcome"])] == run.returncode
    assert (tmp_path / "report" / "loadtest.html").stat().st_size > 5000


async def test_ctrl_c_ends_the_command_with_what_there_was_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with small_service() as service, command(service, tmp_path, "--duration", "1h") as run:
        # A line of progress: it is under way.
        await heard(run, b"answered")
        children = family(run.pid)
        run.send_signal(signal.SIGINT)
        said, _ = await run.communicate()

    assert run.returncode == 130
    assert "INTERRUPTED" in said.decode()
    found = json.loads((tmp_path / "report" / "loadtest.json").read_text("utf-8"))
    assert found["verdict"]["outcome"] == "interrupted"
    assert found["throughput"]["due"] > 0
    assert len(children) == 4
    living = {one.pid: one.arguments for one in everybody()}
    assert not [one for one in children if living.get(one.pid) == one.arguments]


async def test_a_killed_command_takes_its_processes_with_it(tmp_path: Path) -> None:
    async with small_service() as service, command(service, tmp_path, "--duration", "1h") as run:
        await heard(run, b"first messages")
        children = family(run.pid)
        run.kill()
        await run.wait()

    def left() -> list[str]:
        living = {one.pid: one.arguments for one in everybody()}
        return [one.arguments for one in children if living.get(one.pid) == one.arguments]

    assert len(children) == 4
    await asyncio.to_thread(wait_for, "nothing is left", lambda: not left(), seconds=30)


async def test_the_broker_s_version_is_recorded(amqp_space: AmqpSpace) -> None:
    assert re.fullmatch(r"RabbitMQ \d+\.\d+\.\d+.*", await bus_version(amqp_space.url))
    assert (await bus_version(None)).startswith("embedded (SQLite 3.")


async def test_a_broker_that_is_not_there_is_told_without_its_password() -> None:
    port = free_port()
    with pytest.raises(LoadTestError, match="RabbitMQ cannot be reached") as caught:
        await bus_version(f"amqp://user:hush@127.0.0.1:{port}/")
    assert "hush" not in str(caught.value)
