"""What a RayService gives Serve and Ray: our application, on a port that others reach, and room for
as many actors as the settings ask for.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pydantic
import yaml
from ray.serve.schema import ServeDeploySchema

from serve_app import APP_NAME
from tests.deploying.findings import Finding
from tests.deploying.objects import Object, Objects, Pods, named, of_kind, pods
from tests.deploying.supplied import settings_of
from vestlus.scaling.size import PoolSize
from vestlus.settings import Settings

#: A node says by them for which actors it is: ``actors/roles.py``.
ROLES: Final = frozenset({"vestlus_webhook", "vestlus_conversation", "vestlus_publisher"})


def check(objects: Objects) -> Iterator[Finding]:
    """All of that."""
    for one in of_kind(objects, "RayService"):
        groups = one["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        yield from _serve(one, groups)
        yield from _groups(named(one), groups)
        yield from _autoscaler(one, groups)
        for some in pods(objects):
            settings = settings_of(some, objects) if some.role == "worker" else None
            if settings is not None:
                yield from _room(some, settings, groups)


def _serve(one: Object, groups: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What Serve is told, by its own schema, and that it is our application on our port."""
    try:
        words, config = _told(one["spec"]["serveConfigV2"])
    except (yaml.YAMLError, pydantic.ValidationError) as error:
        yield Finding("serve", named(one), str(error)[:300])
        return
    for word in sorted(words - set(ServeDeploySchema.model_fields)):
        yield Finding("serve", named(one), f"Serve does not know {word}")
    told = {app.name: app for app in config.applications}
    if set(told) != {APP_NAME} or told[APP_NAME].import_path != "serve_app:app":
        yield Finding("serve", named(one), f"is not the application {APP_NAME}, serve_app:app")
    elif told[APP_NAME].route_prefix != "/":
        yield Finding("serve", named(one), "is not asked for paths from / on")
    if config.http_options.host not in {"0.0.0.0", "::"}:  # noqa: S104 - what is looked for
        yield Finding("serve", named(one), f"others do not reach {config.http_options.host}")
    if str(config.proxy_location.value) != "EveryNode":
        what = f"has no proxy on each node with a replica: {config.proxy_location.value}"
        yield Finding("serve", named(one), what)
    ports = {
        port["containerPort"]
        for some in groups
        for container in some["template"]["spec"]["containers"]
        for port in container.get("ports") or []
        if port["name"] == "serve"
    }
    if ports != {config.http_options.port}:
        yield Finding("port", named(one), f"Serve listens on {config.http_options.port}")


@functools.lru_cache(maxsize=16)
def _told(text: str) -> tuple[set[str], ServeDeploySchema]:
    """Its words, and what they mean; kept. Raises YAMLError and ValidationError."""
    given = yaml.safe_load(text)
    return set(given), ServeDeploySchema.model_validate(given)


def _offered(group: Mapping[str, Any]) -> dict[str, float]:
    """The resources that a group's pods offer. Raises ValueError."""
    # KubeRay hands it on as a word of a shell.
    words = str(group["rayStartParams"].get("resources", "'{}'"))[1:-1].replace('\\"', '"')
    offered: dict[str, float] = json.loads(words)
    return offered


def _groups(where: str, groups: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    offered: set[str] = set()
    for group in groups:
        least, now, most = group["minReplicas"], group["replicas"], group["maxReplicas"]
        if not least <= now <= most:
            yield Finding("cluster", where, f"{group['groupName']}: {least} ≤ {now} ≤ {most} fails")
        try:
            offered |= set(_offered(group))
        except ValueError:
            yield Finding("cluster", where, f"{group['groupName']}: resources is no JSON")
    for role in sorted(ROLES - offered):
        yield Finding("cluster", where, f"no group offers {role}: its actors would wait")


def _autoscaler(one: Object, groups: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    resized = any(group["minReplicas"] != group["maxReplicas"] for group in groups)
    if resized and one["spec"]["rayClusterConfig"].get("enableInTreeAutoscaling") is not True:
        yield Finding("cluster", named(one), "nobody adds pods: enableInTreeAutoscaling")


def _room(one: Pods, settings: Settings, groups: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Whether there are pods for all the actors that this pod's settings speak of."""
    if not settings.node_roles:
        what = "actors would not go to the pods of their role: VESTLUS_NODE_ROLES"
        yield Finding("cluster", one.owner, what)
    wanted: tuple[tuple[str, PoolSize], ...] = (
        ("conversation", settings.conversation_actors),
        ("publisher", settings.publisher_actors),
    )
    yield from _webhooks(one, settings, [group for group in groups if _offers(group, "webhook")])
    for role, size in wanted:
        room = sum(
            group["maxReplicas"] * math.floor(_cpus(group) / settings.actor_cpus)
            for group in groups
            if _offers(group, role)
        )
        most = size.least if size.most is None else size.most
        if most > room:
            what = f"there is room for {room} {role} actors, and the settings want {size}"
            yield Finding("cluster", one.owner, what)


def _webhooks(
    one: Pods, settings: Settings, groups: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """A webhook pod has one replica at most: one more would wait, and KubeRay with it, and a pod
    without one is never ready.
    """
    bounds = {
        sum(group[name] for group in groups) for name in ("minReplicas", "replicas", "maxReplicas")
    }
    size = settings.webhook_replicas
    if bounds != {size.least} or size.auto:
        told = " to ".join(map(str, sorted({min(bounds), max(bounds)})))
        yield Finding("cluster", one.owner, f"{size} replicas for {told} webhook pods")


def _offers(group: Mapping[str, Any], role: str) -> bool:
    try:
        return _offered(group).get(f"vestlus_{role}", 0) >= 1
    except ValueError:
        return False


def _cpus(group: Mapping[str, Any]) -> float:
    """As KubeRay has it: what Ray is told, or else the container's."""
    if "num-cpus" in group["rayStartParams"]:
        return float(group["rayStartParams"]["num-cpus"])
    resources = group["template"]["spec"]["containers"][0].get("resources") or {}
    cpu = str({**(resources.get("requests") or {}), **(resources.get("limits") or {})}["cpu"])
    return math.ceil(float(cpu[:-1]) / 1000) if cpu.endswith("m") else float(cpu)
