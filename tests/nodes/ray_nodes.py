"""A Ray cluster of several nodes, each started by ``ray start`` as on hosts of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from tests.e2e.service import Process, ServiceError, everybody, family, wait_for
from tests.nodes.lan import Lan, OneAddress, Place
from tests.services.kept import free_port

HEAD = "head"
START_SECONDS = 300.0
#: How often ``ray start`` is tried, which ends by itself where its raylet does not come up in time.
STARTS = 3
GONE_SECONDS = 60.0
#: As far as Ray knows; all nodes share the machine's.
_CPUS = 2
_RAY = Path(sys.executable).with_name("ray")
#: Above what a head takes to come back, so that nobody gives it up; 60 s are Ray's default.
_HEAD_AWAY_SECONDS = 300


@dataclass(slots=True)
class Node:
    """One node and its processes."""

    name: str
    place: Place
    log: Path
    run: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = self.run()

    def processes(self, mark: str = "") -> list[Process]:
        """Its live processes whose command line has ``mark``."""
        return [one for one in family(self.process.pid) if mark in one.arguments]

    @property
    def ray_id(self) -> str:
        """Ray's id of it, from the command line of its raylet."""
        for one in self.processes("--node_id="):
            return one.arguments.partition("--node_id=")[2].split()[0]
        raise ServiceError(f"no raylet on {self.name}\n{self.tail()}")

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text("utf-8", errors="replace")[-3000:]


class RayNodes:
    """The nodes of one cluster, whose head keeps what it knows in RocksDB. Leaving ends all."""

    #: What else ``ray start --head`` is told.
    head_words: tuple[str, ...] = ("--include-dashboard=false",)
    #: What its environment has beside that.
    head_settings: Mapping[str, str] = MappingProxyType({})
    #: Where it is started; what is found there goes before what is installed, in every worker.
    working_folder: Path | None = None

    def __init__(self, folder: Path, lan: Lan, *, haproxy: bool, head_cpus: int) -> None:
        """``haproxy`` says what listens on each node; a head without processors gets no actors."""
        self._haproxy = haproxy
        self._folder = folder
        self._lan = lan
        self._head_cpus = head_cpus
        self._port = free_port()
        self._client_port = free_port()
        self._nodes: dict[str, Node] = {}
        self._token = folder / "ray-token"
        folder.mkdir(parents=True, exist_ok=True)
        self._token.write_text(os.urandom(32).hex(), "ascii")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in [*self._nodes]:
            self.kill(name)

    def place(self, name: str) -> Place:
        """Where the node of that name runs."""
        return self._lan.place(name)

    @property
    def address(self) -> str:
        """What ``RAY_ADDRESS`` names."""
        return f"{self.place(HEAD).address}:{self._port}"

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The live ones, by name."""
        return self._nodes

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the cluster has: the same token, and patience with the head."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VESTLUS_", "OPENAI_", "RAY_"))
        }
        return environment | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "RAY_worker_niceness": "0",
            "RAY_gcs_rpc_server_reconnect_timeout_s": str(_HEAD_AWAY_SECONDS),
            "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
            # A node that is not there after 30 s gives up: the machine has many processes to start.
            "RAY_raylet_start_wait_time_s": "90",
        }

    def start_head(self) -> Node:
        """The head, for the first time or again with what it knew; ready when this returns."""
        kept = {
            "RAY_gcs_storage": "rocksdb",
            "RAY_gcs_storage_path": str(self._folder / "gcs"),
        }
        client = f"--ray-client-server-port={self._client_port}"
        words = ("--head", f"--port={self._port}", client, *self.head_words)
        node = self._start(HEAD, words, {**kept, **self.head_settings})
        self._wait(node)
        return node

    def add(self, *names: str) -> None:
        """More nodes, started side by side; they have joined when this returns."""
        for node in [self._start(name, (f"--address={self.address}",), {}) for name in names]:
            self._wait(node)

    def _start(self, name: str, words: tuple[str, ...], besides: Mapping[str, str]) -> Node:
        place = self.place(name)
        # What a socket's path may hold is little: Ray's own folders are deep.
        short = self._folder / name
        command = [
            *(str(_RAY), "start", "--block", *words),
            f"--node-ip-address={place.address}",
            f"--temp-dir={short}",
            f"--num-cpus={self._head_cpus if name == HEAD else _CPUS}",
            f"--object-store-memory={80 * 1024 * 1024}",
            *("--disable-usage-stats", "--min-worker-port=0", "--max-worker-port=0"),
            "--dashboard-agent-listen-port=0",
        ]
        log = self._folder / f"{name}.log"

        def run() -> subprocess.Popen[bytes]:
            for one in everybody():
                if f"{short}/" in one.arguments:  # of a ``ray start`` that has ended
                    _kill(one.pid)
            with log.open("wb") as output:
                return subprocess.Popen(
                    [*place.prefix, *self.started_by(command)],
                    env=self.environment | self._ingress(short) | dict(besides),
                    cwd=self.working_folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

        self._nodes[name] = Node(name, place, log, run)
        return self._nodes[name]

    def started_by(self, command: list[str]) -> list[str]:
        """The command by which ``ray start`` is started on its host."""
        return command

    def _ingress(self, folder: Path) -> dict[str, str]:
        """Serve's ingress flags, which are the nodes' and not the application's."""
        if not self._haproxy:
            return {}
        folder.mkdir(exist_ok=True)
        return {
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_SERVE_LOG_TO_STDERR": "1",
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "haproxy.cfg"),
            "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "admin.sock"),
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "server-state"),
            "RAY_SERVE_HAPROXY_NBTHREAD": "1",
            "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
        }

    @staticmethod
    def _wait(node: Node) -> None:
        """Until the node is there. One that ends is started again, as systemd or the kubelet do."""
        starts = 1

        def started() -> bool:
            nonlocal starts
            if node.process.poll() is not None:
                if starts == STARTS:
                    raise ServiceError(f"{node.name} ended\n{node.tail()}")
                starts += 1
                node.process = node.run()
            return "Ray runtime started" in node.tail()

        wait_for(f"{node.name} has started", started, seconds=START_SECONDS)

    def kill(self, name: str, *, unplugged: bool = False) -> None:
        """``kill -9`` of every process of a node at once; its cable pulled before, if wanted."""
        node = self._nodes.pop(name)
        if unplugged:
            self._lan.unplug(node.place)
        kill_family(node.process.pid, name)
        node.process.wait()

    def drain(self, name: str, deadline_seconds: int) -> None:
        """Tells Ray that the node will be taken away: ``ray drain-node``."""
        subprocess.run(
            [
                *self.beside_head(),
                *(str(_RAY), "drain-node", f"--address={self.address}"),
                f"--node-id={self._nodes[name].ray_id}",
                "--reason=DRAIN_NODE_REASON_PREEMPTION",
                "--reason-message=drained by a test",
                f"--deadline-remaining-seconds={deadline_seconds}",
            ],
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def beside_head(self) -> tuple[str, ...]:
        """What stands before a command that is to run on the head's host."""
        if isinstance(self._lan, OneAddress):
            return ()
        inside = self._nodes[HEAD].processes("--node_id=")[0].pid
        return ("nsenter", f"--target={inside}", "--net", "--pid", "--mount", "--")

    def spread(self, mark: str) -> dict[str, int]:
        """How many processes of a name, such as ``ray::ConversationActor``, each node has."""
        return dict(Counter({name: len(one.processes(mark)) for name, one in self._nodes.items()}))


def kill_family(pid: int, name: str) -> int:
    """``kill -9`` of a process and all its descendants; returns how many there were."""
    known: dict[int, str] = {}

    def gone() -> bool:
        known.update({one.pid: one.arguments for one in family(pid)})
        live = {one.pid: one.arguments for one in everybody()}
        left = [one for one in known if live.get(one) == known[one]]
        for one in left:
            _kill(one)
        return not left

    wait_for(f"{name} is gone", gone, seconds=GONE_SECONDS)
    return len(known)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
