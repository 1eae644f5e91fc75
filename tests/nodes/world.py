"""The service on a Ray cluster of several nodes, with RabbitMQ, PostgreSQL and the simulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.conftest import QUICK
from tests.e2e.resizing import ACCOUNTS, OPTIONS
from tests.e2e.service import ServiceError, family, running_simulator, wait_for
from tests.e2e.switch import Switch
from tests.nodes.lan import Lan, OneAddress
from tests.nodes.ray_nodes import HEAD, RayNodes
from tests.services import provide_postgres, provide_rabbitmq, running
from tests.services.kept import free_port

Say = Callable[[str], None]

#: Ray Serve starts slowly on a busy machine of two processors.
READY_SECONDS = 300.0
STOP_SECONDS = 150.0

#: How many of each there are.
CONVERSATION_ACTORS = 3
PUBLISHER_ACTORS = 2
REPLICAS = 2


@dataclass(slots=True)
class World:
    """Everything that runs."""

    folder: Path
    lan: Lan
    nodes: RayNodes
    balancer: Switch
    simulator: str
    settings: Mapping[str, str]
    say: Say
    serves: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where each node's ingress listens."""
        return int(self.settings["VESTLUS_HTTP_PORT"])

    @property
    def log(self) -> Path:
        """What ``vestlus serve`` printed, all of them."""
        return self.folder / "serve.log"

    def direct(self) -> None:
        """Webhooks go to every node that there is, as a load balancer finds them."""
        addresses = {node.place.address for node in self.nodes.nodes.values()}
        self.balancer.targets = tuple((one, self.port) for one in sorted(addresses))

    def serve(self) -> None:
        """``vestlus serve`` on the head's host, on the running cluster; ready when it returns."""
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [*self.nodes.beside_head(), sys.executable, "-m", "vestlus.cli.main", "serve"],
                env=self.nodes.environment
                | {"RAY_ADDRESS": self.nodes.address}
                | dict(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.serves.append(process)

        def ready() -> bool:
            said = self.log.read_bytes()[before:]
            if process.poll() is not None:
                raise ServiceError(f"serve ended: {said[-4000:].decode(errors='replace')}")
            return b"Vestlus is ready at" in said

        wait_for("serve is ready", ready, seconds=READY_SECONDS)

    def abandon_serve(self) -> None:
        """It ran on the head's host, which is gone."""
        process = self.serves.pop()
        for one in family(process.pid):
            os.kill(one.pid, signal.SIGKILL)
        process.wait()

    def scale(self, **sizes: int) -> None:
        """``vestlus scale``, as a person would; ``conversation=4`` and so on."""
        words = [word for pool, size in sizes.items() for word in (OPTIONS[pool], str(size))]
        subprocess.run(
            [sys.executable, "-m", "vestlus.cli.main", "scale", *words],
            env=self.nodes.environment | dict(self.settings),
            check=True,
            capture_output=True,
        )

    def stop_serve(self) -> int:
        """Ctrl-C; returns its exit status."""
        process = self.serves.pop()
        for one in family(process.pid):
            if "vestlus.cli.main serve" in one.arguments and "nsenter" not in one.arguments:
                os.kill(one.pid, signal.SIGINT)
        return process.wait(STOP_SECONDS)

    def complete(self) -> bool:
        """Whether every actor and replica has a process."""
        wanted = {
            "ConversationRegistry": 1,
            "SchedulerActor": 1,
            "ConversationActor": CONVERSATION_ACTORS,
            "PublisherActor": PUBLISHER_ACTORS,
            "ServeReplica": REPLICAS,
        }
        return all(sum(self.nodes.spread(one).values()) == n for one, n in wanted.items())


def settings_for(lan: Lan, folder: Path, port: int) -> dict[str, str]:
    """What a service on these nodes is started with, beside :func:`servers`' part."""
    config = folder / "vestlus.toml"
    tables = [
        f'[[accounts]]\nid = "{one}"\naccess_token = "the-access-token"\n' for one in ACCOUNTS
    ]
    config.write_text("".join(tables), "utf-8")
    one_address = isinstance(lan, OneAddress)
    return {
        **QUICK,
        "VESTLUS_HTTP_HOST": "127.0.0.1" if one_address else "0.0.0.0",  # noqa: S104 - in a namespace
        "VESTLUS_HTTP_PORT": str(port),
        # HAProxy listens on fixed ports too, and nodes of one address would share them.
        "VESTLUS_INGRESS": "default" if one_address else "haproxy",
        "VESTLUS_LOG_LEVEL": "INFO",
        "VESTLUS_CONFIG": str(config),
        "VESTLUS_DATA_DIR": str(folder / "data"),
        "VESTLUS_CONVERSATION_ACTORS": str(CONVERSATION_ACTORS),
        "VESTLUS_PUBLISHER_ACTORS": str(PUBLISHER_ACTORS),
        "VESTLUS_WEBHOOK_REPLICAS": str(REPLICAS),
    }


@contextmanager
def servers(folder: Path, lan: Lan, webhook_port: int, say: Say) -> Iterator[dict[str, str]]:
    """Simulator, broker and database, with the settings that reach them from any node.

    ``VESTLUS_SIMULATOR`` beside these is the simulator's address on this machine.
    """
    with ExitStack() as stack:
        rabbitmq = stack.enter_context(running(provide_rabbitmq(say)))
        postgres = stack.enter_context(running(provide_postgres(say)))
        simulator, given = stack.enter_context(
            running_simulator(folder, webhook_port, accounts=ACCOUNTS, seed=11)
        )
        urls = given | {
            "VESTLUS_BUS_URL": rabbitmq.fresh_space().url,
            "VESTLUS_DATABASE_URL": postgres.fresh_database(),
        }
        for name, url in urls.items():
            if lan.gateway not in url and (port := _port_of(url)):
                cable = stack.enter_context(Switch(lan.gateway))
                cable.target = port
                urls[name] = url.replace(f"127.0.0.1:{port}", f"{lan.gateway}:{cable.port}")
        yield urls | {"simulator": simulator}


def _port_of(url: str) -> int | None:
    return urlsplit(url).port if "://" in url else None


@contextmanager
def world(folder: Path, lan: Lan, say: Say, *, head_cpus: int) -> Iterator[World]:
    """Servers, and a cluster of no node yet. Leaving ends everything."""
    port = free_port()
    with (
        Switch() as balancer,
        servers(folder, lan, balancer.port, say) as given,
        RayNodes(
            folder / "r", lan, haproxy=not isinstance(lan, OneAddress), head_cpus=head_cpus
        ) as nodes,
    ):
        simulator = given.pop("simulator")
        settings = given | settings_for(lan, folder, port)
        made = World(folder, lan, nodes, balancer, simulator, settings, say)
        try:
            yield made
        finally:
            while made.serves:
                made.abandon_serve()


__all__ = ["HEAD", "World", "servers", "settings_for", "world"]
