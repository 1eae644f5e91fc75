"""Whether Prometheus, on another machine, gets to what it is told to ask, past the proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

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
    text = (root / _PROXY).read_text("utf-8")
    site = re.search(rf"^{re.escape(host)} \{{\n(.*?)^\}}", text, re.MULTILINE | re.DOTALL)
    if site is None:
        yield Finding("scrape", _PROXY, f"has no site {host}, which Prometheus asks")
        return
    if "tls internal" in site[1] and not (job.get("tls_config") or {}).get("ca_file"):
        yield Finding("scrape", _PROMETHEUS, f"does not know who signed for {host}")
    matcher = re.search(r"@(\w+) \{\n(.*?)\n\t\}", site[1], re.DOTALL)
    asked = dict(re.findall(r"^\t\t(\w+) (.*)$", matcher[2], re.MULTILINE)) if matcher else {}
    if asked.get("path") != job["metrics_path"] or "remote_ip" not in asked:
        yield Finding("scrape", _PROXY, f"{host}: is not for {job['metrics_path']} and one address")
    elif f"handle @{matcher[1] if matcher else ''} {{\n\t\treverse_proxy " not in site[1]:
        yield Finding("scrape", _PROXY, f"{host}: leads nowhere")
