"""No shipped deployment opens to the world what is nobody's outside; a broken copy is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.scripts_loaded import ROOT
from tests.shipped import CLOSED, findings, is_shipped
from vestlus.cli import launch


def test_nothing_that_is_shipped_opens_control_bus_or_store_to_the_world() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert findings(ROOT, names) == []


def test_ports_of_ray_and_haproxy_are_among_those_that_stay_closed() -> None:
    assert {6379, 8265, 10001, 8404, 9101} <= set(CLOSED)


@pytest.mark.parametrize(
    "name",
    ["Dockerfile", "cluster.yaml", "deploy/aks/service.yaml", "docker-compose.yml", "deploy/x"],
)
def test_files_of_deployments_are_known_by_their_names(name: str) -> None:
    assert is_shipped(name)


EVERYWHERE = "0.0.0.0"  # noqa: S104 - what must be found


def test_a_ray_of_our_own_has_no_dashboard_and_is_reached_from_this_machine_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, object] = {}
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=given.update))

    launch._start_ray(local=True)

    assert given["address"] == "local"
    assert given["include_dashboard"] is False
    assert given["_node_ip_address"] == "127.0.0.1"


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: head}
spec:
  type: TYPE
  ports:
    - {name: serve, port: 8000}
    - {name: more, port: PORT}
"""

POLICY = """
kind: NetworkPolicy
spec:
  ingress:
    - from: [{podSelector: {}}]
    - from: FROM
      ports: [{port: PORT}]
"""

RULE = """
resource nsg 'x' = {
  properties: {
    access: 'Allow'
    direction: 'Inbound'
    sourceAddressPrefix: 'SOURCE'
    destinationPortRange: 'PORT'
  }
}
"""

COMPOSE = "services: {vestlus: {image: x, ports: ['8000:8000', 'PORT']}}\n"

ROUTE = """
kind: Ingress
spec:
  rules:
    - http: {paths: [{path: /, backend: {service: {name: head, port: {number: PORT}}}}]}
"""

#: Kind of file, what is right in it, and what breaks it.
BROKEN = [
    ("Dockerfile", "FROM x\nEXPOSE 8000\n", ("8000", "8000 8265")),
    ("Dockerfile", "CMD ray start --dashboard-host=127.0.0.1\n", ("127.0.0.1", EVERYWHERE)),
    ("cluster.yaml", "start: [ray start --dashboard-host 127.0.0.1]\n", ("127.0.0.1", EVERYWHERE)),
    (
        "deploy/a.yaml",
        "kind: RayCluster\na: {dashboard-host: 0.0.0.0}\n---\nkind: NetworkPolicy\n",
        ("RayCluster", "Pod"),
    ),
    ("deploy/a.yaml", SERVICE, ("TYPE|PORT", "ClusterIP|8265", "LoadBalancer|8265")),
    ("deploy/a.yaml", SERVICE, ("TYPE|PORT", "LoadBalancer|443", "NodePort|10001")),
    ("deploy/a.yaml", POLICY, ("FROM|PORT", "[{podSelector: {}}]|6379", "[]|6379")),
    (
        "deploy/a.yaml",
        POLICY,
        ("FROM|PORT", "[{ipBlock: {cidr: 0.0.0.0/0}}]|8000", "[{ipBlock: {cidr: 0.0.0.0/0}}]|8404"),
    ),
    ("deploy/a.yaml", ROUTE, ("PORT", "8000", "9101")),
    ("deploy/a.yaml", "kind: Pod\nspec: {hostNetwork: false}\n", ("false", "true")),
    (
        "deploy/a.yaml",
        "kind: RayService\nspec: {serviceType: ClusterIP}\n---\nkind: NetworkPolicy\n",
        ("ClusterIP", "LoadBalancer"),
    ),
    ("deploy/a.yaml", "kind: RayService\n---\nkind: NetworkPolicy\n", ("NetworkPolicy", "Service")),
    ("deploy/a.bicep", RULE, ("SOURCE|PORT", "VirtualNetwork|8265", "*|8265")),
    ("deploy/a.bicep", RULE, ("SOURCE|PORT", "*|443", "Internet|8000-9000")),
    ("deploy/a.bicep", RULE, ("SOURCE|PORT", "*|443", "*|*")),
    ("docker-compose.yml", COMPOSE, ("PORT", "127.0.0.1:8265:8265", "8265:8265")),
    ("docker-compose.yml", COMPOSE, ("PORT", "8001:8000", "0.0.0.0:15672:15672")),
    ("deploy/haproxy.cfg", "bind 127.0.0.1:8404\n", ("127.0.0.1", "*")),
    (
        "deploy/chart/templates/a.yaml",
        "type: ClusterIP\nports:\n  - port: 8265\n{{ end }}\n",
        ("ClusterIP", "LoadBalancer"),
    ),
    ("deploy/env.yaml", "env: [{RAY_AUTH_MODE: token}]\n", ("token", "disabled")),
    ("deploy/a.yaml", "a: 1\n", ("a: 1", "a: {")),
    ("deploy/vm/Caddyfile", "a.example {\n\t# log\n}\n", ("# log", "log {\n\t}")),
    ("deploy/a.md", "words\n", (".md", ".unheard")),
]


@pytest.mark.parametrize(("name", "text", "change"), BROKEN)
def test_a_good_file_passes_and_its_broken_copy_is_found(
    tmp_path: Path, name: str, text: str, change: tuple[str, ...]
) -> None:
    places, *words = change
    good, bad = words if len(words) == 2 else (places, words[0])

    def found(values: str) -> list[str]:
        written, named = text, name
        for place, value in zip(places.split("|"), values.split("|"), strict=True):
            written, named = written.replace(place, value), named.replace(place, value)
        file = tmp_path / named
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written)
        return findings(tmp_path, [named])

    assert found(good) == []
    assert found(bad) != []
