"""The load's users against a small service, with pretend Graph and pretend model apart."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.e2e.service import everybody, family, wait_for
from tests.integration.simulator_harness import FIRST, SECOND, SECRET, TOKEN
from tests.services import AmqpSpace
from tests.services.kept import free_port
from vestlus.loadtest.machine import bus_version
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.recording import Recording
from vestlus.loadtest.verdict import STATUS, Outcome
from vestlus.simulator import Simulator, SimulatorConfig
from vestlus.simulator.load.plan import Plan, read_faults
from vestlus.simulator.load.run import Load
from vestlus.simulator.load.warming import NotAnsweredError


@dataclass
class SmallService:
    """Answers each message by itself, a user's in order: one call of the model, one of Graph."""

    http: aiohttp.ClientSession
    url: str = ""
    graph: str = ""
    model: str = ""
    token: str = TOKEN
    #: Statuses for the next webhooks, in place of 200; nothing of them is taken in.
    refuse: list[int] = field(default_factory=list)
    #: Messages whose marker ends so are never answered.
    swallow: str = "nothing ends so"
    #: How often an answer is sent.
    times: int = 1
    #: How often the model did not answer. It is asked again until it does.
    failed: int = 0
    echoes: int = 0
    pictures: int = 0
    posts: Counter[int] = field(default_factory=Counter)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def ready(self, _request: web.Request) -> web.Response:
        return web.Response()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        if self.refuse:
            return web.Response(status=self.refuse.pop(0))
        events = [event for entry in body["entry"] for event in entry["messaging"]]
        if not events[0]["message"].get("is_echo"):
            self.posts[len(events)] += 1
        for event in events:
            task = asyncio.create_task(self._answer(event))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return web.Response()

    async def _answer(self, event: dict[str, Any]) -> None:
        message = event["message"]
        if message.get("is_echo"):
            self.echoes += 1
            return
        self.pictures += "attachments" in message
        if message["text"].split()[0].endswith(self.swallow):
            return
        async with self.turns[event["sender"]["id"]]:
            await self._turn(event)

    async def _turn(self, event: dict[str, Any]) -> None:
        message = event["message"]
        prompt = {"model": "m", "instructions": "We open at 8.", "input": message["text"]}
        said = await self._post(f"{self.model}/openai/v1/responses", prompt)
        while said.get("error"):
            self.failed += 1
            await asyncio.sleep(0.05)
            said = await self._post(f"{self.model}/openai/v1/responses", prompt)
        text = said["output"][0]["content"][0]["text"]
        for _ in range(self.times):
            answer = {"recipient": {"id": event["sender"]["id"]}, "message": {"text": text}}
            account = event["recipient"]["id"]
            await self._post(f"{self.graph}/graph/v25.0/{account}/messages", answer)

    async def _post(self, url: str, body: object) -> Any:  # noqa: ANN401 - JSON
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.post(url, json=body, headers=headers) as response:
            return await response.json()


@asynccontextmanager
async def small_service() -> AsyncIterator[SmallService]:
    async with aiohttp.ClientSession() as http:
        service = SmallService(http)
        app = web.Application()
        app.add_routes([web.post("/webhook", service.take), web.get("/readyz", service.ready)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield service
        finally:
            for task in service.tasks:
                task.cancel()
            await asyncio.gather(*service.tasks, return_exceptions=True)
            await runner.cleanup()


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
