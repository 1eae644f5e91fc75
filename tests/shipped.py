"""What a shipped deployment opens to the world and keeps of requests, read from its files.

Of Ray, anybody who reaches its ports runs what they like (docs.ray.io, "Security"); HAProxy's
statistics and measures ask for no password; brokers and databases have one. None of these may be
reached from outside the deployment's own network. Each reader knows one kind of file; a file of a
kind that none knows is itself a finding, so that nothing is shipped that nobody looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

#: Ports of control, and of what the service stands on: none is the world's.
CLOSED: Final = {
    6379: "Ray's control store",
    8265: "Ray's dashboard and jobs",
    10001: "Ray's client server",
    52365: "Ray's dashboard agent",
    8080: "Ray's measures",
    44217: "Ray's autoscaler measures",
    44227: "Ray's autoscaler measures",
    8404: "HAProxy's statistics",
    9101: "HAProxy's measures",
    5672: "RabbitMQ",
    15672: "RabbitMQ's management",
    15692: "RabbitMQ's measures",
    5432: "PostgreSQL",
    6432: "PgBouncer",
    9090: "Prometheus",
    9093: "Alertmanager",
    3000: "Grafana",
    4317: "the telemetry collector",
    4318: "the telemetry collector",
}

#: Names by which manifests call such ports.
_CLOSED_NAMES: Final = frozenset(
    {"gcs", "gcs-server", "dashboard", "client", "metrics", "stats", "amqp", "management"}
)

_EVERYWHERE: Final = frozenset({"*", "0.0.0.0/0", "::/0", "internet", "any"})

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})

_RAY_KIND: Final = re.compile(r"^kind:\s*Ray(Service|Cluster)\b", re.MULTILINE)

_ROUTES: Final = frozenset({"Ingress", "HTTPRoute", "TCPRoute", "IngressRoute"})

#: Folders and files that are a deployment's, wherever they will be.
_PLACES: Final = ("deploy/", "examples/")
_NAMES: Final = re.compile(
    r"(.*/)?(Dockerfile[^/]*|Containerfile|(docker-)?compose[^/]*\.ya?ml|cluster[^/]*\.ya?ml)"
)

#: Of those, what opens nothing by itself.
_HARMLESS: Final = re.compile(
    r".*\.(md|txt|png|svg|toml|csv|jpg|jpeg|webp|pdf|py|rules|lock)|.*/(\.gitkeep|\.helmignore)"
)


def is_shipped(name: str) -> bool:
    """Whether a file of the repository belongs to a deployment."""
    return bool(_NAMES.fullmatch(name)) or name.startswith(_PLACES)


def findings(root: Path, names: list[str]) -> list[str]:
    """A line for everything that is opened and must not be."""
    texts = {name: (root / name).read_text("utf-8", "ignore") for name in names if is_shipped(name)}
    guarded = {_folder(name) for name, text in texts.items() if "NetworkPolicy" in text}
    found: list[str] = []
    for name, text in texts.items():
        found += [f"{name}: {what}" for what in _of_file(name, text)]
        if not _RAY_KIND.search(text):
            found += [f"{name}: {what}" for what in _commands(text)]
        # In a pod the operator has to reach the dashboard: a policy keeps all others out.
        elif _folder(name) not in guarded:
            found.append(f"{name}: a Ray cluster without a NetworkPolicy beside it")
    return found


def _folder(name: str) -> tuple[str, ...]:
    """The deployment that a file is of: ``deploy/aks``."""
    return Path(name).parent.parts[:2]


def _of_file(name: str, text: str) -> Iterator[str]:
    last = name.rsplit("/", 1)[-1]
    if re.match(r"Dockerfile|Containerfile", last):
        yield from _dockerfile(text)
    elif "/templates/" in name or last.endswith((".tpl", ".j2")):
        yield from _template(text)
    elif last == "Caddyfile":
        yield from _listening(text)
        yield from _proxy(text)
    elif last.endswith((".yaml", ".yml", ".json")):
        try:
            documents = list(yaml.safe_load_all(text))
        except yaml.YAMLError:
            yield "cannot be read as YAML, so that nobody knows what it opens"
            return
        for document in documents:
            yield from _document(document)
    elif last.endswith((".bicep", ".tf", ".bicepparam", ".tfvars")):
        yield from _infrastructure(text)
    elif last.endswith((".cfg", ".conf", ".service", ".sh", ".env", ".socket")) or "." not in last:
        yield from _listening(text)
    elif not _HARMLESS.fullmatch(f"/{name}"):
        yield "is of a kind that nobody looks into for what it opens"


def _closed(port: object) -> str | None:
    """What listens there, where it is nobody's outside."""
    if isinstance(port, str):
        if port.lower() in _CLOSED_NAMES:
            return port
        if re.fullmatch(r"\d+-\d+", port):
            low, high = map(int, port.split("-"))
            return next((what for one, what in CLOSED.items() if low <= one <= high), None)
        port = int(port) if port.isdigit() else None
    return CLOSED.get(port) if isinstance(port, int) else None


def _commands(text: str) -> Iterator[str]:
    """Words of Ray's own that open it, in whatever file they stand."""
    words = r"dashboard[-_]host['\"]?\s*[=:,\s]\s*['\"]?([\w.:*]+|\[[\w:]+\])"
    for found in re.finditer(words, text, re.IGNORECASE):
        if found[1] not in _LOCAL:
            yield f"Ray's dashboard listens on {found[1]}"
    if re.search(r"RAY_AUTH_MODE['\"]?\s*[=:]\s*['\"]?disabled", text):
        yield "Ray's authentication is turned off"


def _dockerfile(text: str) -> Iterator[str]:
    for line in re.findall(r"^\s*EXPOSE\s+(.*)$", text, re.MULTILINE | re.IGNORECASE):
        for word in line.split():
            if what := _closed(word.split("/")[0]):
                yield f"exposes {word} ({what})"


def _document(document: object) -> Iterator[str]:
    """Kubernetes, compose, a Ray cluster's own file, an Azure template: by what is in it."""
    if not isinstance(document, dict):
        return
    for item in document.get("items", []) if document.get("kind") == "List" else [document]:
        yield from _kubernetes(item)
    services = document.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        yield from _composed(name, service if isinstance(service, dict) else {})
    yield from _rules(document)


def _composed(name: str, service: dict[str, Any]) -> Iterator[str]:
    if service.get("network_mode") == "host":
        yield f"{name} has the host's network, with every port"
    for port in service.get("ports", []):
        if isinstance(port, dict):
            host, inside = str(port.get("host_ip", "")), str(port.get("target", ""))
        else:
            *rest, inside = str(port).split("/")[0].rsplit(":", 1)
            host = rest[0].rsplit(":", 1)[0] if rest and ":" in rest[0] else ""
        if (what := _closed(inside)) and host not in _LOCAL:
            yield f"{name} publishes {port} ({what}) on every address"


def _kubernetes(item: object) -> Iterator[str]:
    if not isinstance(item, dict):
        return
    kind, spec = item.get("kind"), item.get("spec") or {}
    if kind == "Service" and (
        spec.get("type") in {"LoadBalancer", "NodePort"} or spec.get("externalIPs")
    ):
        for port in spec.get("ports", []):
            for word in (port.get("port"), port.get("targetPort"), port.get("name")):
                if what := _closed(word):
                    yield f"the service of type {spec.get('type')} opens {word} ({what})"
    for path, value in _walked(spec):
        if what := _of_pod(path[-1], value):
            yield what
        is_port = path[-1] == "port" or (path[-1] in {"number", "name"} and "port" in path)
        if kind in _ROUTES and is_port and (what := _closed(value)):
            yield f"the {kind} leads to {value} ({what})"
    if kind == "NetworkPolicy":
        yield from _policy(spec)


def _of_pod(key: str, value: object) -> str | None:
    if key == "serviceType" and value in {"LoadBalancer", "NodePort"}:
        return f"the head's service is of type {value}, which opens every port of Ray"
    if key == "hostNetwork" and value is True:
        return "has the host's network, with every port"
    if key == "hostPort" and (what := _closed(value)):
        return f"opens {value} ({what}) on its host"
    return None


def _policy(spec: dict[str, Any]) -> Iterator[str]:
    """A rule without ``from``, or from everywhere, and without ports, or with a closed one."""
    for rule in spec.get("ingress") or []:
        sources = (rule or {}).get("from") or []
        blocks = {(source.get("ipBlock") or {}).get("cidr") for source in sources}
        if sources and not blocks & _EVERYWHERE:
            continue
        ports = [one.get("port") for one in (rule or {}).get("ports") or []]
        if not ports:
            yield "the NetworkPolicy lets everybody in to every port"
        for port in ports:
            if what := _closed(port):
                yield f"the NetworkPolicy lets everybody in to {port} ({what})"


def _rules(document: object) -> Iterator[str]:
    """Rules of an Azure network security group, as JSON or YAML has them."""
    for path, value in _walked(document):
        if path[-1] != "properties" or not isinstance(value, dict):
            continue
        if value.get("access") == "Allow" and value.get("direction") == "Inbound":
            source = str(value.get("sourceAddressPrefix", "*")).lower()
            ports = [value.get("destinationPortRange"), *value.get("destinationPortRanges", [])]
            if source in _EVERYWHERE:
                yield from _opened(ports)


def _opened(ports: list[Any]) -> Iterator[str]:
    for port in filter(None, ports):
        if port == "*" or (what := _closed(str(port))):
            yield f"lets the world in to {port} ({'every port' if port == '*' else what})"


def _walked(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with the keys that lead to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = (*path, str(key))
            yield here, item
            yield from _walked(item, here)
    elif isinstance(value, list):
        for item in value:
            yield from _walked(item, path)


_PORTS_OF_RULE: Final = re.compile(
    r"(?:destinationPortRanges?|destination_port_ranges?)\s*[:=]\s*(\[[^\]]*\]|['\"][^'\"]*)"
)


def _infrastructure(text: str) -> Iterator[str]:
    """Rules in Bicep and Terraform: each block in braces without another in it."""
    for block in re.findall(r"\{[^{}]*\}", text):
        words = dict(re.findall(r"(\w+)\s*[:=]\s*['\"]([^'\"]*)['\"]", block))
        if words.get("access") != "Allow" or words.get("direction") != "Inbound":
            continue
        source = words.get("sourceAddressPrefix") or words.get("source_address_prefix") or "*"
        if source.lower() not in _EVERYWHERE:
            continue
        given = re.findall(_PORTS_OF_RULE, block)
        ports = re.findall(r"[\d-]+|\*", " ".join(given))
        yield from _opened(ports)


def _template(text: str) -> Iterator[str]:
    """A chart's: line by line, since it is no YAML yet."""
    if re.search(r"^\s*type:\s*['\"]?(LoadBalancer|NodePort)", text, re.MULTILINE):
        for word in re.findall(
            r"^\s*-?\s*(?:port|targetPort|nodePort):\s*['\"]?([\w-]+)", text, re.MULTILINE
        ):
            if what := _closed(word):
                yield f"a service that is open to the world has {word} ({what})"
    if re.search(r"^\s*serviceType:\s*['\"]?(LoadBalancer|NodePort)", text, re.MULTILINE):
        yield "the head's service is open to the world, with every port of Ray"
    if re.search(r"^\s*hostNetwork:\s*['\"]?true", text, re.MULTILINE):
        yield "has the host's network, with every port"


def _proxy(text: str) -> Iterator[str]:
    """Caddy logs requests only where it is told to (its documentation, "Caddyfile: log")."""
    if re.search(r"^\s*log(_append|_name)?\b(?!.*\boff\b)", text, re.MULTILINE):
        yield "keeps a log of requests: addresses of the console have ids of conversations"


def _listening(text: str) -> Iterator[str]:
    """Configurations and units: an address of everywhere with a closed port."""
    for address, port in re.findall(r"(0\.0\.0\.0|\*|\[?::\]?):(\d{2,5})\b", text):
        if what := _closed(port):
            yield f"listens on {address}:{port} ({what})"
