"""Whether it outlives the loss of a machine: enough of each, on several machines, copied, kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, Pods, matches, named, of_kind, pods

#: Quorums, of RabbitMQ's queues and of a primary with its standbys, outlive one of three.
_QUORUM: Final = 3

_PLACES: Final = frozenset({"kubernetes.io/hostname", "topology.kubernetes.io/zone"})


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each kind of pods that would not."""
    found = pods(objects)
    yield from _budgets(objects, found)
    for some in found:
        if some.spec is not None and some.lasting and some.least > 1 and not _spread(some.spec):
            yield Finding("spread", some.owner, "all of them may be on one machine")
    for one in of_kind(objects, "RabbitmqCluster"):
        yield from _broker(one)
    for one in of_kind(objects, "Cluster"):
        yield from _database(one, objects)
    for one in of_kind(objects, "RayService"):
        yield from _head(one)


def _budgets(objects: Objects, found: list[Pods]) -> Iterator[Finding]:
    kept_up: set[str] = set()
    for one in of_kind(objects, "PodDisruptionBudget"):
        spec = one["spec"]
        chosen = [some for some in found if matches(spec["selector"], some.labels)]
        kept_up |= {some.owner for some in chosen}
        least = sum(some.least for some in chosen)
        kept, lost = spec.get("minAvailable"), spec.get("maxUnavailable")
        if chosen and not all(some.scalable for some in chosen) and not isinstance(kept, int):
            yield Finding("budget", named(one), "pods of KubeRay need a number in minAvailable")
        elif (isinstance(kept, int) and kept >= least) or lost in (0, "0%") or kept == "100%":
            yield Finding("budget", named(one), "no node with such a pod can ever be drained")
    for one in of_kind(objects, "Cluster"):
        if one["spec"].get("enablePDB", True):
            kept_up.add(named(one))
    for some in found:
        if some.least > 1 and some.lasting and some.role != "head" and some.owner not in kept_up:
            yield Finding("budget", some.owner, "draining nodes may end all of them at once")


def _spread(spec: Mapping[str, Any]) -> bool:
    constraints = spec.get("topologySpreadConstraints") or []
    apart = _apart((spec.get("affinity") or {}).get("podAntiAffinity") or {})
    return bool(_PLACES & {*(one.get("topologyKey") for one in constraints), *apart})


def _apart(anti: Mapping[str, Any], *, required: bool = False) -> set[str]:
    """The kinds of places that pods do not share, or would rather not."""
    terms = list(anti.get("requiredDuringSchedulingIgnoredDuringExecution") or [])
    if not required:
        wishes = anti.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        terms += [one["podAffinityTerm"] for one in wishes]
    return {str(one.get("topologyKey")) for one in terms}


def _broker(one: Object) -> Iterator[Finding]:
    spec = one["spec"]
    if spec.get("replicas", 1) < _QUORUM or spec.get("replicas", 1) % 2 == 0:
        what = "its queues do not outlive one machine: three nodes, or five"
        yield Finding("lasting", named(one), what)
    apart = _apart((spec.get("affinity") or {}).get("podAntiAffinity") or {}, required=True)
    if not _PLACES & apart:
        yield Finding("spread", named(one), "two of them may be on one machine")
    if str((spec.get("persistence") or {}).get("storage", "")) in {"0", "0Gi"}:
        yield Finding("lasting", named(one), "keeps nothing when all its pods are gone")
    tls = spec.get("tls") or {}
    if not tls.get("secretName") or tls.get("disableNonTLSListeners") is not True:
        yield Finding("tls", named(one), "is reached without TLS")


def _database(one: Object, objects: Objects) -> Iterator[Finding]:
    spec = one["spec"]
    if spec.get("instances", 1) < _QUORUM:
        what = "has no standby to which a commit is copied when one machine is lost"
        yield Finding("lasting", named(one), what)
    copied = (spec.get("postgresql") or {}).get("synchronous") or {}
    if not (spec.get("minSyncReplicas") or copied.get("number")):
        yield Finding("lasting", named(one), "a commit counts before it is on a second machine")
    affinity = spec.get("affinity") or {}
    apart = affinity.get("podAntiAffinityType") == "required"
    if not apart or not affinity.get("enablePodAntiAffinity", True):
        yield Finding("spread", named(one), "two of them may be on one machine")
    archiving = [plugin for plugin in spec.get("plugins") or [] if plugin.get("isWALArchiver")]
    if not archiving and not (spec.get("backup") or {}).get("barmanObjectStore"):
        yield Finding("backup", named(one), "its log is kept nowhere else")
    backed_up = {
        backup["spec"]["cluster"]["name"]
        for backup in of_kind(objects, "ScheduledBackup")
        if not backup["spec"].get("suspend")
    }
    if one["metadata"]["name"] not in backed_up:
        yield Finding("backup", named(one), "is never backed up: no ScheduledBackup")


def _head(one: Object) -> Iterator[Finding]:
    """What Ray's head knows is in a Redis; that it reaches it, ``flows`` looks at."""
    options = one["spec"]["rayClusterConfig"].get("gcsFaultToleranceOptions") or {}
    if options.get("backend") == "rocksdb":
        yield Finding("ray", named(one), "is refused by KubeRay but for an alpha feature gate")
    elif not options.get("redisAddress"):
        yield Finding("ray", named(one), "the head's death would end the cluster")
    elif urlsplit(options["redisAddress"]).scheme != "rediss":
        yield Finding("ray", named(one), "the settings that Ray keeps are not encrypted")
    if not (options.get("redisPassword") or {}).get("valueFrom"):
        yield Finding("secret", named(one), "nothing makes the password of Redis")
