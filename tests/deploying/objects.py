"""Kubernetes objects as they are rendered, and the pods that come of them.

Operators make pods, services and secrets of their own out of what is written here. What is known of
them is from their documentation: KubeRay ("RayService"), the RabbitMQ cluster operator ("Using
Kubernetes RabbitMQ Cluster Kubernetes Operator"), CloudNativePG ("Labels and annotations",
"Connection pooling"), External Secrets ("Templating"), AKS's application routing add-on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """Whether a selector, with matchLabels or plain, chooses who bears these labels."""
    wanted = selector.get("matchLabels", selector) or {}
    return all(labels.get(name) == value for name, value in wanted.items())


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods that are alike."""

    owner: str
    labels: Mapping[str, str]
    ports: Mapping[str, int]
    #: How many there are at least.
    least: int
    #: As written here; of pods that an operator makes wholly by itself there is none.
    spec: Mapping[str, Any] | None = None
    #: Whether their owner can be asked how many there should be, which a disruption budget needs
    #: for anything but a least number ("Arbitrary Controllers and Selectors").
    scalable: bool = True

    def port(self, word: object) -> int | None:
        """The number of a port that is given by number or name, if they have it."""
        found = self.ports.get(word) if isinstance(word, str) else word
        return found if isinstance(found, int) and found in self.ports.values() else None

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        """The containers that are written here."""
        return (self.spec or {}).get("containers") or []


#: The agents' port of every Ray node, and Serve's, which every node with a proxy has.
_OF_EVERY_RAY_NODE = {"agent": 52365}


def pods(objects: Objects) -> list[Pods]:
    """All of them."""
    found: list[Pods] = []
    for one in objects:
        spec = one.get("spec") or {}
        name = str((one.get("metadata") or {}).get("name"))
        if one.get("kind") == "RayService":
            found += _of_ray(named(one), spec["rayClusterConfig"])
        elif one.get("kind") == "StatefulSet":
            found.append(_of_set(named(one), spec))
        elif one.get("kind") == "RabbitmqCluster":
            labels = {
                "app.kubernetes.io/name": name,
                "app.kubernetes.io/component": "rabbitmq",
                "app.kubernetes.io/part-of": "rabbitmq",
            }
            ports = {"amqps": 5671, "prometheus-tls": 15691, "epmd": 4369, "cluster": 25672}
            found.append(Pods(named(one), labels, ports, spec.get("replicas", 1)))
        elif one.get("kind") == "Cluster":
            ports = {"postgresql": 5432, "metrics": 9187, "status": 8000}
            found.append(Pods(named(one), {"cnpg.io/cluster": name}, ports, spec["instances"]))
        elif one.get("kind") == "Pooler":
            ports = {"pgbouncer": 5432, "metrics": 9127}
            labels = {"cnpg.io/poolerName": name}
            found.append(Pods(named(one), labels, ports, spec.get("instances", 1)))
    return found


def _of_set(owner: str, given: Mapping[str, Any]) -> Pods:
    """Its pods; the volumes of its claims are among theirs."""
    template = given["template"]
    claimed = [{"name": one["metadata"]["name"]} for one in given.get("volumeClaimTemplates") or []]
    spec = {**template["spec"], "volumes": [*(template["spec"].get("volumes") or []), *claimed]}
    listed = [port for one in spec["containers"] for port in one.get("ports") or []]
    ports = {port["name"]: port["containerPort"] for port in listed}
    return Pods(owner, template["metadata"]["labels"], ports, given.get("replicas", 1), spec)


def _of_ray(owner: str, cluster: Mapping[str, Any]) -> Iterator[Pods]:
    groups = [(cluster["headGroupSpec"], "head", 1)]
    groups += [
        (group, group["groupName"], group.get("minReplicas", 0))
        for group in cluster.get("workerGroupSpecs") or []
    ]
    for group, name, least in groups:
        template = group["template"]
        spec = template["spec"]
        listed = [port for one in spec["containers"] for port in one.get("ports") or []]
        ports = {port["name"]: port["containerPort"] for port in listed}
        labels = {**template.get("metadata", {}).get("labels", {}), "ray.io/group": name}
        yield Pods(
            f"{owner}, {name}", labels, {**ports, **_OF_EVERY_RAY_NODE}, least, spec, scalable=False
        )


def services(objects: Objects) -> dict[str, set[int]]:
    """Services by name, with the ports on which they are reached."""
    found: dict[str, set[int]] = {}
    for one in objects:
        name = str((one.get("metadata") or {}).get("name"))
        if one.get("kind") == "Service":
            found[name] = {port["port"] for port in one["spec"]["ports"]}
        elif one.get("kind") == "RabbitmqCluster":
            plain = not (one["spec"].get("tls") or {}).get("disableNonTLSListeners")
            found[name] = {5671, 15671, *({5672, 15672} if plain else ())}
        elif one.get("kind") == "Cluster":
            found |= {f"{name}-{role}": {5432} for role in ("rw", "ro", "r")}
        elif one.get("kind") == "Pooler":
            found[name] = {5432}
    return found


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
