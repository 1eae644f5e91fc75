"""Kubernetes objects as they are rendered, and the pods that come of them.

Operators make pods, services and secrets of their own out of what is written here. What is known of
them is from their documentation: KubeRay ("RayService"), the RabbitMQ cluster operator ("Using
Kubernetes RabbitMQ Cluster Kubernetes Operator"), CloudNativePG ("Labels and annotations",
"Connection pooling"; of a pooler's labels its ``pkg/specs/pgbouncer/deployments_test.go``),
External Secrets ("Templating"), AKS's application routing add-on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
Objects = Sequence[Object]


def named(one: Object) -> str:
    """``Service vestlus-http``."""
    return f"{one.get('kind')} {(one.get('metadata') or {}).get('name')}"


def of_kind(objects: Iterable[Object], *kinds: str) -> Iterator[Object]:
    """Those of some kinds."""
    return (one for one in objects if one.get("kind") in kinds)


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses who bears these labels; a plain one, of a Service, too.

    An empty one chooses everybody. Raises KeyError where an operator is none of Kubernetes'.
    """
    expressions = selector.get("matchExpressions") or []
    structured = "matchLabels" in selector or "matchExpressions" in selector
    wanted = (selector.get("matchLabels") or {}) if structured else selector
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _OPERATORS[one["operator"]](labels.get(one["key"]), one.get("values") or [])
        for one in expressions
    )


#: "Resources that support set-based requirements"; who has no such label is not in any list.
_OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, listed: value in listed,
    "NotIn": lambda value, listed: value not in listed,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
}


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods that are alike."""

    owner: str
    #: ``head``, ``worker``, ``broker``, ``database``, ``joining`` it, ``pooler``, ``other``.
    role: str
    labels: Mapping[str, str]
    ports: Mapping[str, int]
    #: How many there are at least.
    least: int
    #: As written here; of pods that an operator makes wholly by itself there is none.
    spec: Mapping[str, Any] | None = None
    #: Whether their owner can be asked how many there should be, which a disruption budget needs
    #: for anything but a least number ("Arbitrary Controllers and Selectors").
    scalable: bool = True
    #: Whether they run until they are told to end, and not until they have done something.
    lasting: bool = True

    def port(self, word: object) -> int | None:
        """The number of a port that is given by number or name, if they have it."""
        found = self.ports.get(word) if isinstance(word, str) else word
        return found if isinstance(found, int) and found in self.ports.values() else None

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        """The containers that are written here."""
        return (self.spec or {}).get("containers") or []

    @property
    def ours(self) -> bool:
        """Whether they run the service's own image."""
        images = [str(one.get("image", "")) for one in self.containers[:1]]
        return self.role in {"head", "worker"} or any(
            re.split(r"[:@]", image.rsplit("/", 1)[-1])[0] == "vestlus" for image in images
        )


#: The agents' port of every Ray node.
_OF_EVERY_RAY_NODE = {"agent": 52365}

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def pods(objects: Objects) -> list[Pods]:
    """All of them."""
    found: list[Pods] = []
    for one in objects:
        spec = one.get("spec") or {}
        name = str((one.get("metadata") or {}).get("name"))
        if one.get("kind") == "RayService":
            found += _of_ray(named(one), spec["rayClusterConfig"])
        elif one.get("kind") == "RabbitmqCluster":
            labels = {
                "app.kubernetes.io/name": name,
                "app.kubernetes.io/component": "rabbitmq",
                "app.kubernetes.io/part-of": "rabbitmq",
            }
            ports = {**_of_broker(spec), "epmd": 4369, "cluster": 25672}
            found.append(Pods(named(one), "broker", labels, ports, spec.get("replicas", 1)))
        elif one.get("kind") == "Cluster":
            found += _of_database(named(one), name, spec.get("instances", 1))
        elif one.get("kind") == "Pooler":
            ports = {"pgbouncer": 5432, "metrics": 9127}
            labels = {"cnpg.io/cluster": spec["cluster"]["name"], "cnpg.io/podRole": "pooler"}
            labels["cnpg.io/poolerName"] = name
            found.append(Pods(named(one), "pooler", labels, ports, spec.get("instances", 1)))
        elif one.get("kind") in _WORKLOADS:
            found.append(_of_workload(one))
    return found


def _of_database(owner: str, name: str, instances: int) -> Iterator[Pods]:
    """The instances, and the Jobs by which each comes to be: these have no role of a pod
    (``CreatePrimaryJob`` in CloudNativePG's ``jobs.go``).
    """
    ports = {"postgresql": 5432, "metrics": 9187, "status": 8000}
    labels = {"cnpg.io/cluster": name, "cnpg.io/podRole": "instance"}
    yield Pods(owner, "database", labels, ports, instances)
    labels = {"cnpg.io/cluster": name, "cnpg.io/jobRole": "join"}
    yield Pods(f"{owner}, its Jobs", "joining", labels, {}, 0, lasting=False)


def _of_ray(owner: str, cluster: Mapping[str, Any]) -> Iterator[Pods]:
    groups = [(cluster["headGroupSpec"], "head", 1)]
    groups += [
        (group, group["groupName"], group.get("minReplicas", 0))
        for group in cluster.get("workerGroupSpecs") or []
    ]
    for at, (group, name, least) in enumerate(groups):
        template = group["template"]
        labels = {**template.get("metadata", {}).get("labels", {}), "ray.io/group": name}
        yield Pods(
            f"{owner}, {name}",
            "worker" if at else "head",
            labels,
            {**_listed(template["spec"]), **_OF_EVERY_RAY_NODE},
            least,
            template["spec"],
            scalable=False,
        )


def _of_workload(one: Object) -> Pods:
    spec = one["spec"]
    if one["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec["template"]
    # The volumes of its claims are among its pods'.
    claimed = [
        {"name": claim["metadata"]["name"]} for claim in spec.get("volumeClaimTemplates", [])
    ]
    volumes = [*(template["spec"].get("volumes") or []), *claimed]
    return Pods(
        named(one),
        "other",
        (template.get("metadata") or {}).get("labels") or {},
        _listed(template["spec"]),
        spec.get("replicas", 1),
        {**template["spec"], "volumes": volumes},
        lasting="Job" not in one["kind"],
    )


def _listed(spec: Mapping[str, Any]) -> dict[str, int]:
    """The ports of containers; who has no name has its number for one."""
    listed = [port for one in spec["containers"] for port in one.get("ports") or []]
    return {port.get("name", str(port["containerPort"])): port["containerPort"] for port in listed}


def _of_broker(spec: Mapping[str, Any]) -> dict[str, int]:
    """The ports by which a RabbitMQ is used: those of TLS where it has a certificate."""
    tls = spec.get("tls") or {}
    secure = {"amqps": 5671, "prometheus-tls": 15691} if tls.get("secretName") else {}
    plain = {"amqp": 5672, "management": 15672, "prometheus": 15692}
    return {**secure, **({} if secure and tls.get("disableNonTLSListeners") else plain)}


def services(objects: Objects) -> dict[str, set[int]]:
    """Services by name, with the ports on which they are reached."""
    found: dict[str, set[int]] = {}
    for one in objects:
        name = str((one.get("metadata") or {}).get("name"))
        if one.get("kind") == "Service":
            found[name] = {port["port"] for port in one["spec"]["ports"]}
        elif one.get("kind") == "RabbitmqCluster":
            found[name] = set(_of_broker(one["spec"]).values())
        elif one.get("kind") == "Cluster":
            found |= {f"{name}-{role}": {5432} for role in ("rw", "ro", "r")}
        elif one.get("kind") == "Pooler":
            found[name] = {5432}
    return found


def behind(objects: Objects, service: str) -> list[Pods]:
    """The pods to which a service leads."""
    for one in of_kind(objects, "Service"):
        selector = one["spec"].get("selector")
        if one["metadata"]["name"] == service and selector:
            return [some for some in pods(objects) if matches(selector, some.labels)]
    made = {f"{kind} {service}" for kind in ("RabbitmqCluster", "Pooler")}
    made.add(f"Cluster {service.rpartition('-')[0]}")
    return [some for some in pods(objects) if some.owner in made]


def secrets(objects: Objects) -> dict[str, set[str]]:
    """Secrets by name, with their keys."""
    found: dict[str, set[str]] = {}
    for one in objects:
        name = str((one.get("metadata") or {}).get("name"))
        spec = one.get("spec") or {}
        if one.get("kind") == "ExternalSecret":
            target = spec.get("target") or {}
            made = (target.get("template") or {}).get("data")
            keys = set(made) if made else {data["secretKey"] for data in spec.get("data") or []}
            found[target.get("name", name)] = keys
        elif one.get("kind") == "RabbitmqCluster":
            found[f"{name}-default-user"] = {"username", "password", "host", "port"}
        elif one.get("kind") == "Cluster":
            found[f"{name}-app"] = {"username", "password", "host", "port", "dbname", "uri"}
            found[f"{name}-ca"] = {"ca.crt", "ca.key"}
        elif one.get("kind") == "Secret":
            found[name] = {*(one.get("data") or {}), *(one.get("stringData") or {})}
        elif one.get("kind") == "Ingress" and (one["metadata"].get("annotations") or {}).get(
            "kubernetes.azure.com/tls-cert-keyvault-uri"
        ):
            found[f"keyvault-{name}"] = {"tls.crt", "tls.key"}
    return found


def config_maps(objects: Objects) -> dict[str, Mapping[str, str]]:
    """Their contents by name."""
    return {
        str(one["metadata"]["name"]): one.get("data") or {} for one in of_kind(objects, "ConfigMap")
    }
