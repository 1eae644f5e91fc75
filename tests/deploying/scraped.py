"""Whether Prometheus, on another machine, gets to what it is told to ask, past the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from tests.deploying.caddyfile import Conditions, handed_on, parsed
from tests.deploying.findings import Finding

_PROMETHEUS: Final = "deploy/monitoring/prometheus.yml"
_PROXY: Final = "deploy/vm/Caddyfile"


def check_scraped(root: Path) -> Iterator[Finding]:
    """A finding where the two files do not fit each other."""
    (job,) = yaml.safe_load((root / _PROMETHEUS).read_text("utf-8"))["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    host, _, port = target.rpartition(":")
    # The firewall of the machine lets in no other port of the proxy's for it.
    if (job.get("scheme"), port) != ("https", "443"):
        yield Finding("scrape", _PROMETHEUS, f"Caddy answers by HTTPS on 443, not at {target}")
    try:
        sites = [node for node in parsed((root / _PROXY).read_text("utf-8")) if host in node.words]
    except ValueError:
        # Told by who looks at the proxy by itself.
        return
    if len(sites) != 1:
        yield Finding("scrape", _PROXY, f"has no site {host}, which Prometheus asks")
        return
    own = any(node.words == ["tls", "internal"] for node in sites[0].block)
    if own and not (job.get("tls_config") or {}).get("ca_file"):
        yield Finding("scrape", _PROMETHEUS, f"does not know who signed for {host}")
    chains = list(handed_on(sites[0]))
    if not chains:
        yield Finding("scrape", _PROXY, f"{host}: leads nowhere")
    for chain in chains:
        if not _for_one(chain, job["metrics_path"]):
            what = f"{host}: is not for {job['metrics_path']} and one address"
            yield Finding("scrape", _PROXY, what)


def _for_one(chain: tuple[Conditions, ...], path: str) -> bool:
    """Whether these matchers together let one path through, from some address only."""
    asked = [(kind, list(words)) for conditions in chain for kind, words in conditions]
    return ("path", [path]) in asked and any(kind == "remote_ip" for kind, _ in asked)
