"""The units of a single machine, what they read, its firewall and its proxy."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.deploying import caddyfile, firewall, started
from tests.deploying.findings import Finding
from tests.deploying.scraped import check_scraped
from tests.deploying.units import check_supplies


def check_machine(root: Path) -> Iterator[Finding]:
    """The units of a single machine, what they read, its firewall, its proxy."""
    folder = root / "deploy/vm"
    yield from check_supplies(root)
    units = sorted(folder.glob("*.service"))
    for unit in units:
        yield from _unit(root, unit)
    if not re.search(
        r"^install .* deploy/vm/nftables-service\.conf "
        r"/etc/systemd/system/nftables\.service\.d/vestlus\.conf$",
        (root / "deploy/vm/install.sh").read_text("utf-8"),
        re.MULTILINE,
    ):
        yield Finding("unit", "deploy/vm/install.sh", "nftables.service takes our rules away")
    again = "=/usr/sbin/nft -f /etc/vestlus/nftables.conf"
    drop_in = (root / "deploy/vm/nftables-service.conf").read_text("utf-8").splitlines()
    for when in ("ExecStartPost", "ExecReload", "ExecStopPost"):
        if when + again not in drop_in:
            yield Finding("unit", "deploy/vm/nftables-service.conf", f"lacks {when}{again}")
    yield from started.check(root)
    yield from firewall.check(root)
    yield from caddyfile.check(root)
    yield from check_scraped(root)


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
    for line in _told(program, unit.name, unit.read_text("utf-8")):
        if unit.name in line and not re.search(r"is not executable|Unit .* not found", line):
            yield Finding("unit", where, line.split(": ", 1)[-1])


@functools.cache
def _told(program: str, name: str, text: str) -> tuple[str, ...]:
    """What it says of a unit, once for each text of it."""
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder, name)
        unit.write_text(text, "utf-8")
        words = [program, "verify", str(unit)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    return tuple(done.stderr.splitlines())
