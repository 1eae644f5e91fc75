"""Whether there are as many pods of a role as its pool needs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, named, of_kind

_REPLICAS = "VESTLUS_WEBHOOK_REPLICAS"


def check(objects: Objects) -> Iterator[Finding]:
    """A webhook pod has one replica at most: one more would wait, and KubeRay with it, and a pod
    without one is never ready.
    """
    wished = [
        one["data"][_REPLICAS]
        for one in of_kind(objects, "ConfigMap")
        if _REPLICAS in (one.get("data") or {})
    ]
    for one in of_kind(objects, "RayService"):
        for group in one["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
            if group["groupName"] != "webhook":
                continue
            bounds = {str(group[name]) for name in ("minReplicas", "replicas", "maxReplicas")}
            if bounds != set(wished):
                what = f"{', '.join(wished)} replicas for {', '.join(sorted(bounds))} webhook pods"
                yield Finding("cluster", named(one), what)
