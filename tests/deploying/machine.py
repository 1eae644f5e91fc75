"""The units of a single machine, what they read, its firewall and its proxy."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.deploying.findings import Finding
from tests.deploying.safety import PUBLIC
from tests.deploying.scraped import check_scraped
from tests.deploying.units import check_supplies
from tests.shipped import CLOSED


def check_machine(root: Path) -> Iterator[Finding]:
    """The units of a single machine, what they read, its firewall, its proxy."""
    folder = root / "deploy/vm"
    yield from check_supplies(root)
    units = sorted(folder.glob("*.service"))
    for unit in units:
        yield from _unit(root, unit)
    yield from _firewall((folder / "nftables.conf").read_text("utf-8"))
    yield from _proxy((folder / "Caddyfile").read_text("utf-8"))
    yield from check_scraped(root)


def _firewall(text: str) -> Iterator[Finding]:
    where = "deploy/vm/nftables.conf"
    if "hook input" not in text or "policy drop" not in text:
        yield Finding("public", where, "lets in what it does not name")
    allowed = [
        port for line in re.findall(r"tcp dport (.*?) accept", text) for port in _ports(line)
    ]
    for port in sorted(set(allowed) - {22, 80, 443}):
        yield Finding("public", where, f"{port} is open ({CLOSED.get(port, 'nobody knows what')})")


def _ports(words: str) -> Iterator[int]:
    for low, high in re.findall(r"(\d+)(?:-(\d+))?", words):
        yield from range(int(low), int(high or low) + 1)


def _unit(root: Path, unit: Path) -> Iterator[Finding]:
    where = str(unit.relative_to(root))
    text = unit.read_text("utf-8")
    if unit.name.startswith("vestlus-firewall"):
        wanted = ["ExecStart=/usr/sbin/nft -f /etc/vestlus/nftables.conf"]
    else:
        # Without mixed, Ray's processes are told to end before what is under way is done.
        wanted = ["User=vestlus", "NoNewPrivileges=yes", "KillMode=mixed", "Restart=always"]
        wanted += ["CapabilityBoundingSet="]
    for line in wanted:
        if not re.search(rf"^{re.escape(line)}", text, re.MULTILINE):
            yield Finding("unit", where, f"lacks {line}")
    for name in re.findall(r"/(scripts/\w+\.py)", text):
        if not (root / name).exists():
            yield Finding("unit", where, f"there is no {name}")
    yield from _verified(where, unit)


def _verified(where: str, unit: Path) -> Iterator[Finding]:
    """By systemd's own tool, where it is installed; the deployed machine's programs are not."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    done = subprocess.run(
        [program, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    for line in done.stderr.splitlines():
        if unit.name in line and not re.search(r"is not executable|Unit .* not found", line):
            yield Finding("unit", where, line.split(": ", 1)[-1])


def _proxy(text: str) -> Iterator[Finding]:
    where = "deploy/vm/Caddyfile"
    public = text.split("console.", 1)[0]
    paths = re.search(r"@public path (.*)", public)
    for path in paths[1].split() if paths else ():
        if path.removesuffix("/*") not in PUBLIC:
            yield Finding("public", where, f"{path} is open to anybody")
    if "max_size" not in public:
        yield Finding("body", where, "has no limit of bodies")
    if not re.search(r"handle \{\s*respond 404", public):
        yield Finding("public", where, "what is not named is not refused")
