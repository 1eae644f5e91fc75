"""Whether the policies let pods go where their settings lead outside the namespace: what they do
not let through is cut off without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, matches, of_kind, pods
from tests.deploying.supplied import environment, files_of, loaded
from vestlus.errors import SettingsError
from vestlus.settings import Mode, Settings

#: Where a scheme's address without a port leads; aiosmtplib's own for the two of mail.
_PORTS: Final = {"http": 80, "https": 443, "smtp": 25, "smtps": 465}

_TRACES: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_TELEMETRY: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each address to whose port no policy lets a pod of the service go."""
    for one in pods(objects):
        if not one.containers or one.labels.get("app.kubernetes.io/part-of") != "vestlus":
            continue
        environ = environment(one, objects)
        try:
            settings = loaded(environ, files_of(one, objects, environ), Mode.SERVE)
        except SettingsError:  # told by who looks at settings
            continue
        for name, address in _addresses(settings, environ):
            port = _port(address)
            if not _let_out(objects, one, port):
                yield Finding("network", one.owner, f"{name}: no policy lets it out to port {port}")


def _addresses(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    given: dict[str, str | None] = {
        "VESTLUS_SMTP_URL": settings.smtp_url,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "VESTLUS_GRAPH_URL": settings.graph_url,
        "VESTLUS_MEDIA_URL": settings.media_url,
        _TRACES: environ.get(_TRACES) or environ.get(_TELEMETRY),
    }
    for account in settings.accounts:
        given[f"notify_url of {account.id}"] = account.notify_url
    for name, address in given.items():
        # A folder is nowhere outside.
        if address and urlsplit(address).scheme in _PORTS:
            yield name, address


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or _PORTS[parts.scheme]


def _let_out(objects: Objects, one: Pods, port: int) -> bool:
    """Whether a policy lets the pods go to that port of anything but pods of the namespace."""
    return any(
        _leads_outside(rule, port)
        for policy in of_kind(objects, "NetworkPolicy")
        if matches(policy["spec"]["podSelector"], one.labels)
        for rule in policy["spec"].get("egress") or []
    )


def _leads_outside(rule: Mapping[str, Any], port: int) -> bool:
    listed = [one.get("port") for one in rule.get("ports") or []]
    peers = rule.get("to") or [{"ipBlock": {}}]
    return (not listed or port in listed) and any(
        "ipBlock" in peer or "namespaceSelector" in peer for peer in peers
    )
