"""The systemd units: what they start, with which settings, and behind which firewall."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.deploying.findings import Finding
from tests.deploying.rays_names import unknown
from tests.deploying.supplied import OF_A_MACHINE, problems

_FIREWALL: Final = "vestlus-firewall.service"

#: Beside settings of ours and of Ray's.
_COMMON: Final = frozenset({"HOME", "PATH", "LANG", "LC_ALL", "TZ", "PYTHONUNBUFFERED"})

#: In the place of what comes from the file of settings.
_REST: Final = {**OF_A_MACHINE, "VESTLUS_CONFIG": "/etc/vestlus/vestlus.toml"}


class Unit:
    """A unit's lines."""

    def __init__(self, text: str) -> None:
        joined = re.sub(r"\\\n\s*", " ", text)
        self._lines = re.findall(r"^(\w+)=(.*)$", joined, re.MULTILINE)

    def all(self, key: str) -> list[str]:
        """What follows a key, each time that it is there; an empty one forgets those before."""
        found: list[str] = []
        for name, value in self._lines:
            if name == key:
                found = [*found, value.strip()] if value.strip() else []
        return found

    def words(self, *keys: str) -> list[str]:
        """The same as single words."""
        return [word for key in keys for value in self.all(key) for word in shlex.split(value)]

    @property
    def environment(self) -> dict[str, str]:
        """What it sets itself."""
        return dict(word.split("=", 1) for word in self.words("Environment") if "=" in word)

    @property
    def command(self) -> list[str]:
        """The words of what it starts, its prefixes apart."""
        return [word.lstrip("@-:+!") for word in self.words("ExecStart")]


def check(root: Path) -> Iterator[Finding]:
    """A finding for each that starts something else, or otherwise, than it should."""
    toml = (root / "deploy/vm/vestlus.toml").read_text("utf-8")
    for file in sorted((root / "deploy/vm").glob("*.service")):
        where = str(file.relative_to(root))
        unit = Unit(file.read_text("utf-8"))
        yield from unknown(where, unit.environment)
        for name in unit.environment:
            if not name.startswith(("VESTLUS_", "RAY_", "OTEL_")) and name not in _COMMON:
                yield Finding("unit", where, f"nobody reads {name}")
        if Path((unit.command or [""])[0]).name == "vestlus":
            ours = {name: at for name, at in unit.environment.items() if name[:4] != "RAY_"}
            yield from problems(where, {**_REST, **ours}, {"vestlus.toml": toml})
            yield from _service(where, unit)
        elif not unit.command:
            yield Finding("unit", where, "starts nothing")


def _service(where: str, unit: Unit) -> Iterator[Finding]:
    if unit.command[1:] != ["serve"]:
        told = " ".join(unit.command[1:]) or "nothing"
        yield Finding("unit", where, f"calls vestlus for {told}, and not to serve")
    written = _written(unit.all("ExecStartPre"))
    read = [file.lstrip("-") for file in unit.all("EnvironmentFile")]
    if not read or (written and written not in read):
        yield Finding("unit", where, "does not read its settings: EnvironmentFile")
    # Where it starts Ray itself, this opens ports on every address.
    if "RAY_ADDRESS" not in unit.environment:
        for keys in (("Requires", "BindsTo"), ("After",)):
            if _FIREWALL not in unit.words(*keys):
                yield Finding("unit", where, f"starts without the firewall: {' or '.join(keys)}")


def _written(before: Sequence[str]) -> str | None:
    """The file into which settings are read: the last word of what reads them."""
    for command in before:
        words = shlex.split(command)
        if any(word.endswith("/scripts/read_settings.py") for word in words):
            return words[-1]
    return None
