"""The load's users against a small service, with pretend Graph and pretend model apart."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.load_support import SmallService, small_service
from tests.integration.simulator_harness import FIRST, SECOND, SECRET, TOKEN
from vestlus.loadtest.recording import Recording
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.simulator.load.plan import Plan, read_faults
from vestlus.simulator.load.run import Load
from vestlus.simulator.load.warming import NotAnsweredError


@dataclass
class Stage:
    service: SmallService
    plan: Plan
    lines: list[dict[str, Any]] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> dict[str, Any]:
        """Runs the load; its last line."""
        await Load(self.plan, self.lines.append, self.stop).run()
        return self.lines[-1]

    @property
    def seconds(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == "second"]


@asynccontextmanager
async def stage(tmp_path: Path, **changes: Any) -> AsyncIterator[Stage]:  # noqa: ANN401 - of a plan
    async with small_service() as service:
        config = SimulatorConfig(
            data=tmp_path / "graph.sqlite",
            webhook_url=f"{service.url}/webhook",
            app_secret=SECRET,
            access_token=TOKEN,
            account_ids=(FIRST, SECOND),
            only="graph",
            run="1",
        )
        alone = SimulatorConfig(
            data=tmp_path / "model.sqlite",
            webhook_url="",
            app_secret="",
            access_token="",
            account_ids=(),
            only="model",
        )
        async with Simulator(config) as graph, Simulator(alone) as model:
            service.graph, service.model = graph.url, model.url
            usual = {
                "run": "9123",
                "webhook_url": f"{service.url}/webhook",
                "graph_url": graph.url,
                "model_url": model.url,
                "app_secret": SECRET,
                "accounts": (FIRST, SECOND),
                "users": 12,
                "rate": 40.0,
                "seconds": 1.0,
                "drain": 10.0,
            }
            yield Stage(service, Plan(**{**usual, **changes}))


async def test_a_load_is_answered_measured_and_found_whole(tmp_path: Path) -> None:
    async with stage(tmp_path, pictures=0.5, model_latency=0.05) as load:
        ended = await load.run()

        verdict = ended["verdict"]
        written = verdict["messages"]
        assert verdict["ok"]
        assert verdict["answered"] == written > 20
        assert ended["in_flight"] == 0
        recording = Recording(0.0)
        for line in load.seconds:
            recording.add(line)
        counts = {kind: each.count for kind, each in recording.histograms.items()}
        assert counts["answer"] == counts["ack"] == counts["late"] == written
        assert counts["model"] > 0
        assert recording.histograms["model"].percentile(1) >= 50_000
        # Two accounts' first messages are answered before the load, and are no part of it.
        assert load.service.echoes >= written
        assert 0 < load.service.pictures < written


async def test_several_messages_come_in_one_webhook(tmp_path: Path) -> None:
    async with stage(tmp_path, per_post=5) as load:
        ended = await load.run()

        assert ended["verdict"]["answered"] == ended["verdict"]["messages"]
        assert load.service.posts[5] == ended["verdict"]["messages"] // 5


async def test_what_is_not_taken_in_is_posted_again_and_the_wait_counts(tmp_path: Path) -> None:
    async with stage(tmp_path, rate=5.0, users=5, seed=3) as load:
        first = asyncio.create_task(load.run())
        while not load.lines:
            await asyncio.sleep(0.01)
        load.service.refuse = [503, 503]
        ended = await first

        assert ended["verdict"]["ok"]
        statuses = load.seconds[-1]["statuses"]
        assert statuses["503"] == 2
        # The second attempt comes after 0.2 s.
        assert max(us for line in load.seconds for us in line["ack_us"]) > 190_000


async def test_lost_and_doubled_answers_are_found(tmp_path: Path) -> None:
    async with stage(tmp_path, drain=0.5) as load:
        load.service.swallow, load.service.times = "-2", 2
        ended = await load.run()

        verdict = ended["verdict"]
        assert not verdict["ok"]
        assert verdict["lost"] > 0
        assert verdict["duplicated"] > 0
        assert verdict["lost"] + verdict["answered"] == verdict["messages"]
        assert ended["in_flight"] == verdict["lost"]
        assert len(ended["examples"]["duplicated"]) <= 20


async def test_faults_come_and_go_at_their_times(tmp_path: Path) -> None:
    faults = read_faults(
        [
            {"at": 0, "seconds": 0.6, "on": "model", "kind": "server_error", "probability": 1},
            {"at": 0, "on": "graph", "kind": "apply", "next": 1},
            {"at": 0.1, "seconds": 0.3, "on": "webhooks", "duplicate_probability": 1},
        ]
    )
    async with stage(tmp_path, faults=faults) as load:
        ended = await load.run()

        assert ended["verdict"]["answered"] == ended["verdict"]["messages"]
        assert ended["model_faults_fired"] == {"server_error": load.service.failed}
        assert load.service.failed > 0
        assert ended["graph_faults_fired"] == {"apply": 1}


async def test_a_load_that_is_stopped_tells_what_there_was(tmp_path: Path) -> None:
    async with stage(tmp_path, seconds=600.0) as load:
        running = asyncio.create_task(load.run())
        while not load.seconds:
            await asyncio.sleep(0.01)
        load.stop.set()
        ended = await running

        assert ended["stopped"]
        assert ended["at_end"]["seconds"] < 60
        assert ended["verdict"]["messages"] == sum(line["due"] for line in load.seconds)


async def test_a_service_that_takes_nothing_is_told_of_before_the_load(tmp_path: Path) -> None:
    async with stage(tmp_path, patience=0.3) as load:
        load.service.refuse = [401] * 100
        with pytest.raises(NotAnsweredError, match="401 is another app secret"):
            await load.run()
        assert not load.lines


async def test_a_service_that_asks_another_model_is_told_of(tmp_path: Path) -> None:
    async with stage(tmp_path, patience=0.3) as load:
        load.service.swallow = "-1"
        with pytest.raises(NotAnsweredError, match="model was asked 0 times"):
            await load.run()


def test_the_process_names_every_wrong_fault_before_anything_starts() -> None:
    plan = {
        "accounts": [FIRST],
        "faults": [
            {"on": "graph", "kind": "drop", "probability": 0.1},
            {"on": "graph", "kind": "dorp", "probability": 0.1},
            {"on": "modle", "kind": "hang", "next": 1},
        ],
    }
    done = subprocess.run(
        [sys.executable, "-m", "vestlus.simulator.load"],
        input=json.dumps(plan) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = json.loads(done.stdout)
    assert done.returncode == 2
    assert said["kind"] == "refused"
    assert said["problem"].splitlines()[0].startswith("fault 2: kind must be one of apply, drop")
    assert said["problem"].splitlines()[1] == "fault 3: on must be one of graph, model, webhooks"
