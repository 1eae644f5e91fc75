"""One Ray cluster as KubeRay makes it for a RayService, deploys to it, and ends it.

Its nodes are what its pods would be: ``ray start --block``, started by the shell that KubeRay
starts it by, with the service's settings in their environment. The application is deployed by the
``serveConfigV2`` of the manifest, over the interface that KubeRay uses. It is ended as its pods
are: SIGTERM to the first process of each at the same time, the head's too, and SIGKILL to those
that are there when the manifest's grace period is over.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.service import Process, ServiceError, everybody, family, wait_for
from tests.e2e.switch import Target
from tests.nodes.lan import LOOPBACK, Lan, OneAddress, Place
from tests.nodes.ray_nodes import HEAD, Node, RayNodes
from tests.nodes.versions import ROOT
from tests.services.kept import free_port

MANIFEST = ROOT / "deploy" / "aks" / "base" / "ray.yaml"
RUNNING_SECONDS = 300.0
WORKERS = ("one", "two")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the manifest says of how it is deployed and ended."""

    #: For Serve: what is deployed, and where it listens.
    config: dict[str, Any]
    #: Seconds from SIGTERM to SIGKILL, the shortest of all pods'.
    grace: float


def manifest() -> Deployed:
    """What ``deploy/aks`` says."""
    spec = yaml.safe_load(MANIFEST.read_text("utf-8"))["spec"]
    cluster = spec["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    graces = [one["template"]["spec"]["terminationGracePeriodSeconds"] for one in groups]
    return Deployed(yaml.safe_load(spec["serveConfigV2"]), min(graces))


class RayPods(RayNodes):
    """The pods of one cluster: a head without processors, and workers."""

    def __init__(
        self, folder: Path, lan: Lan, name: str, settings: Mapping[str, str], code: Path | None
    ) -> None:
        """``name`` is the cluster's, for people and for the network that it shares with others;
        ``code`` is another checkout, of which its image would be.
        """
        one_address = isinstance(lan, OneAddress)
        super().__init__(folder, lan, haproxy=not one_address, head_cpus=0)
        self.name = name
        self._settings = dict(settings)
        self.working_folder = code or folder
        if code is not None:
            self._settings["PYTHONPATH"] = str(code)
        deployed = manifest()
        self.grace = deployed.grace
        self._config = deployed.config
        if one_address:
            self._config["http_options"] |= {"host": LOOPBACK, "port": free_port()}
        #: Where each pod's ingress listens.
        self.port = int(self._config["http_options"]["port"])
        self._dashboard_port = free_port()
        self.head_words = (
            *("--include-dashboard=true", "--dashboard-host=0.0.0.0"),
            f"--dashboard-port={self._dashboard_port}",
        )

    def place(self, name: str) -> Place:
        """As :class:`RayNodes` says; clusters of one network have places of their own."""
        return self._lan.place(f"{self.name} {name}")

    @property
    def environment(self) -> dict[str, str]:
        """The settings with it."""
        return super().environment | self._settings

    def started_by(self, command: list[str]) -> list[str]:
        """By a shell, as KubeRay does. What a signal for the pod reaches is up to that shell."""
        return ["/bin/bash", "-c", "--", f"ulimit -n 65536; {shlex.join(command)}"]

    def start(self) -> None:
        """All pods, then the application; it runs, and some take webhooks, when this returns."""
        self.start_head()
        self.add(*WORKERS)
        self._ask(self._config)
        wait_for("the application runs", self._runs, seconds=RUNNING_SECONDS)
        wait_for("a pod is ready", self.ready, seconds=RUNNING_SECONDS)

    def _ask(self, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        head = self.place(HEAD).address
        request = urllib.request.Request(
            f"http://{head}:{self._dashboard_port}/api/serve/applications/",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token.read_text('ascii')}",
                "Content-Type": "application/json",
            },
            method="GET" if body is None else "PUT",
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            return json.loads(answer.read() or b"null")

    def _runs(self) -> bool:
        found: Mapping[str, Any] = self._ask()["applications"]
        for name, one in found.items():
            if one["status"] == "DEPLOY_FAILED":
                raise ServiceError(f"{name}: {one['message']}")
        return bool(found) and all(one["status"] == "RUNNING" for one in found.values())

    def ready(self) -> list[Target]:
        """The workers whose readiness probe would succeed: what a Kubernetes Service leads to."""
        there = {self.place(name).address for name in WORKERS if name in self.nodes}
        return [(one, self.port) for one in sorted(there) if _healthy(f"http://{one}:{self.port}")]

    def end(self) -> list[str]:
        """As Kubernetes ends pods that are deleted together; returns the names of those that were
        there until SIGKILL.
        """
        known = {name: family(node.process.pid) for name, node in self.nodes.items()}
        for name, node in self.nodes.items():
            os.kill(_first_process(node, known[name]), signal.SIGTERM)

        def ended() -> bool:
            return all(node.process.poll() is not None for node in self.nodes.values())

        with suppress(ServiceError):  # whoever is late is killed
            wait_for("all pods have ended", ended, seconds=self.grace)
        late = [name for name, node in self.nodes.items() if node.process.poll() is None]
        for name in [*self.nodes]:
            self.kill(name)
        # What a container's first process leaves behind ends with it.
        for one in (one for found in known.values() for one in found):
            if one in everybody():
                os.kill(one.pid, signal.SIGKILL)
        return late


def _first_process(node: Node, known: list[Process]) -> int:
    """The one with the id 1 where a pod has a process namespace of its own."""
    if not node.place.prefix:
        return node.process.pid
    return next(one.pid for one in known if one.parent == node.process.pid)


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310 - as above
            return int(answer.status) == 200
    except OSError:
        return False
