"""Whether the policies let pods go where their settings lead outside the namespace: what they do
not let through is cut off without a word.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from tests.deploying.ends import OTHERS, end
from tests.deploying.findings import Finding
from tests.deploying.objects import Objects, Pods, pods
from tests.deploying.policies import NAME, End, bits, sent, witnesses
from tests.deploying.supplied import environment, settings_of
from vestlus.settings import Settings

#: Where a scheme's address without a port leads; aiosmtplib's own for the two of mail.
_PORTS: Final = {"http": 80, "https": 443, "smtp": 25, "smtps": 465}

_TRACES: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_TELEMETRY: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


def check(objects: Objects) -> Iterator[Finding]:
    """A finding for each address to whose port no policy lets a pod of the service go."""
    for one in pods(objects):
        settings = settings_of(one, objects) if one.ours else None
        # What cannot be read is told by who looks at settings.
        if settings is None:
            continue
        for name, address in _addresses(settings, environment(one, objects)):
            parts = urlsplit(address)
            port = parts.port or _PORTS[parts.scheme]
            if not let_out(one, objects, parts.hostname or "", port):
                yield Finding("network", one.owner, f"{name}: no policy lets it out to port {port}")


def let_out(one: Pods, objects: Objects, host: str, port: int) -> bool:
    """Whether the policies of a pod let it go to that port of a host outside the namespace: of the
    address itself, of some pods of the namespace that its name speaks of, or, where only DNS knows
    who it is, of some address.
    """
    return any(bits(port) & sent(objects, end(one), other) for other in _possible(host, objects))


def _possible(host: str, objects: Objects) -> Iterator[End]:
    try:
        yield End(host, address=str(ipaddress.ip_address(host)))
    except ValueError:
        _, _, rest = host.partition(".")
        space, _, suffix = rest.partition(".")
        inside = suffix.split(".")[0] == "svc"
        if inside:
            yield End(f"pods of {space}", space={NAME: space})
        else:
            yield OTHERS["world"]
        for other in witnesses(objects, "egress"):
            if other.space.get(NAME) == space if inside else other.address is not None:
                yield other


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
