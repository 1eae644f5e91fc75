"""How much room the pods ask for, on how many nodes there is so much, and which disks they have.

Sums, and no packing: where a few pods are as large as a node it may take one more. Of what AKS and
the operators ask for nothing is written here; what is set aside for it is assumed.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.sizing import options, results, wanted
from benchmarks.sizing_costs import measured, span
from benchmarks.sizing_plan import disk, plan
from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, named

_PAGE: Final = "docs/operations.md"

_SUFFIXES: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@dataclass(frozen=True, slots=True)
class Room:
    """Processors and GiB of memory."""

    cpus: float = 0.0
    gib: float = 0.0

    def __add__(self, other: Room) -> Room:
        return Room(self.cpus + other.cpus, self.gib + other.gib)

    def __mul__(self, times: int) -> Room:
        return Room(self.cpus * times, self.gib * times)

    def __str__(self) -> str:
        return f"{self.cpus:.1f} CPUs, {self.gib:.1f} GiB"

    def nodes(self) -> int:
        """How many it takes, what is not ours included."""
        cpus, gib = self.cpus + _OTHERS.cpus, self.gib + _OTHERS.gib
        return math.ceil(max(cpus / _NODE.cpus, gib / _NODE.gib))


#: What pods find on a node of 4 processors and 16 GiB for 110 pods at most. AKS reserves 140 m, and
#: 20 MB a pod and 50 MB, beside 100 MiB ("Node resource reservations"). 0.5 and 0.6 GiB are assumed
#: for what AKS runs on each.
_NODE: Final = Room(4 - 0.14 - 0.5, 16 - 2.25e9 / 2**30 - 0.1 - 0.6)

#: Assumed for two ingress controllers of two pods, DNS, and the operators; Prometheus apart.
_OTHERS: Final = Room(3.0, 4.0)

#: What KubeRay asks for to clear Redis up after a Ray cluster.
_CLEARING: Final = Room(0.2, 0.25)


def quantity(word: object) -> float:
    """A quantity of Kubernetes as a number: processors, or bytes."""
    text = str(word)
    if text.endswith("m"):
        return float(text[:-1]) / 1000
    for suffix, factor in _SUFFIXES.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)


def _asked(resources: Mapping[str, Any]) -> Room:
    requests = resources["requests"]
    return Room(quantity(requests["cpu"]), quantity(requests["memory"]) / 2**30)


def _of_pod(spec: Mapping[str, Any]) -> Room:
    return sum((_asked(one["resources"]) for one in spec["containers"]), Room())


def _of_ray(cluster: Mapping[str, Any], bound: str) -> Room:
    asked = _of_pod(cluster["headGroupSpec"]["template"]["spec"])
    if cluster.get("enableInTreeAutoscaling"):
        asked += _asked(cluster["autoscalerOptions"]["resources"])
    for group in cluster["workerGroupSpecs"]:
        asked += _of_pod(group["template"]["spec"]) * group[bound]
    return asked


def _of(one: Object, bound: str) -> Room:
    spec = one.get("spec") or {}
    match one["kind"]:
        case "RayService":
            return _of_ray(spec["rayClusterConfig"], bound)
        case "RabbitmqCluster":
            return _asked(spec["resources"]) * int(spec["replicas"])
        case "Cluster":
            return _asked(spec["resources"]) * int(spec["instances"])
        case "Pooler":
            return _of_pod(spec["template"]["spec"]) * int(spec["instances"])
        case "StatefulSet":
            return _of_pod(spec["template"]["spec"]) * int(spec["replicas"])
        case _:
            return Room()


def row(objects: Objects, overlay: str) -> str:
    """What the page says of an overlay: the pods' sum with as few as there may be, with as many,
    and while KubeRay has a second Ray cluster beside the first; from how many nodes, on which
    one may be lost, to how many there must be room; and the disks.
    """
    least = sum((_of(one, "minReplicas") for one in objects), Room())
    most = sum((_of(one, "maxReplicas") for one in objects), Room())
    ray = [one for one in objects if one["kind"] == "RayService"]
    second = sum((_of(one, "minReplicas") for one in ray), _CLEARING)
    upgrade = least + second
    few = least.nodes() + 1
    many = max(few, most.nodes(), upgrade.nodes())
    nodes = str(few) if few == many else f"{few} to {many}"
    return f"| `{overlay}` | {least} | {most} | {upgrade} | {nodes} | {_disks(objects)} |"


def _disks(objects: Objects) -> str:
    """The disks of all pods, the largest first."""
    found = Counter(size for one in objects for size in _disks_of(one))
    each = [f"{count} of {size:g}" for size, count in sorted(found.items(), reverse=True)]
    return f"{', '.join(each)} GiB"


def _disks_of(one: Object) -> list[float]:
    """Sizes in GiB, of each pod's."""
    spec = one.get("spec") or {}
    match one["kind"]:
        case "RabbitmqCluster":
            sizes, pods = [spec["persistence"]["storage"]], spec["replicas"]
        case "Cluster":
            kept = [spec["storage"], spec.get("walStorage")]
            sizes, pods = [disk["size"] for disk in kept if disk], spec["instances"]
        case "StatefulSet":
            claims = [claim["spec"] for claim in spec.get("volumeClaimTemplates") or []]
            sizes = [claim["resources"]["requests"]["storage"] for claim in claims]
            pods = spec["replicas"]
        case _:
            return []
    return [quantity(size) / 2**30 for size in sizes] * int(pods)


@functools.cache
def _disk_for(messages_a_day: int) -> int:
    """GB that PostgreSQL's data want at this rate, as ``python -m benchmarks.sizing`` has it."""
    asked = wanted(options(["--messages-a-day", str(messages_a_day)]))
    _, most = span([measured(one) for one in results()])
    return disk(plan(most, asked, 1.0))


def _kept(page: str, objects: Objects, overlay: str) -> Iterator[Finding]:
    """Whether PostgreSQL's disk holds what the rate that the page promises leaves at rest."""
    promised = re.search(rf"^\| ([\d,]+) \|.*overlay `{re.escape(overlay)}`", page, re.MULTILINE)
    if promised is None:
        yield Finding("room", _PAGE, f"does not say what {overlay} carries")
        return
    least = _disk_for(int(promised[1].replace(",", "")))
    for one in objects:
        if one["kind"] == "Cluster" and quantity(one["spec"]["storage"]["size"]) < least * 2**30:
            what = f"{promised[1]} messages a day want a disk of {least} GiB"
            yield Finding("room", f"{overlay}: {named(one)}", what)


def told(root: Path) -> frozenset[str]:
    """The overlays whose sums the page says; somebody's own are not among them."""
    page = (root / _PAGE).read_text("utf-8")
    return frozenset(re.findall(r"^\| `([^`]+)` \| [\d.]+ CPUs", page, re.MULTILINE))


def check(root: Path, objects: Objects, overlay: str) -> Iterator[Finding]:
    """Whether the page says so, where it says anything of this overlay, and whether what it says
    the overlay carries finds room on the disks.
    """
    if overlay not in told(root):
        return
    page = (root / _PAGE).read_text("utf-8")
    if (right := row(objects, overlay)) not in page:
        yield Finding("room", _PAGE, f"does not say: {right}")
    yield from _kept(page, objects, overlay)
