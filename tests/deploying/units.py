"""What the units of the service are given: files of settings, beside what they say themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.deploying.findings import Finding
from tests.deploying.supplied import OF_A_MACHINE, problems


@dataclass(frozen=True, slots=True)
class Supply:
    """A unit of the service, its file of settings, what that must say, and who makes its files."""

    unit: str
    settings: str
    host: str
    besides: Mapping[str, str]
    #: The file in which VESTLUS_CONFIG's path is made, and the words that make it.
    maker: str
    makes: str


SUPPLIES: Final = (
    Supply(
        unit="vestlus.service",
        settings="settings.env",
        host="127.0.0.1",
        besides={},
        maker="deploy/vm/install.sh",
        makes=r"install -m 644 deploy/vm/vestlus\.toml {path}\n",
    ),
    Supply(
        unit="vestlus-on-ray.service",
        settings="cluster-settings.env",
        host="0.0.0.0",  # noqa: S104 - the load balancer is on another machine
        # Without them actors are anywhere, and pictures on the machine that took them in.
        besides={
            "VESTLUS_ACTOR_CPUS": r"1",
            "VESTLUS_NODE_ROLES": r"true",
            "VESTLUS_MEDIA_URL": r"https://.+",
        },
        maker="cluster.yaml",
        makes=r"\n  {path}: \./deploy/vm/vestlus\.toml\n",
    ),
)


def check_supplies(root: Path) -> Iterator[Finding]:
    """Of each unit of the service."""
    toml = (root / "deploy/vm/vestlus.toml").read_text("utf-8")
    for one in SUPPLIES:
        where = f"deploy/vm/{one.settings}"
        given = assignments((root / where).read_text("utf-8"))
        del given["KEY_VAULT_URL"]
        given = {name: OF_A_MACHINE.get(name, value) for name, value in given.items() if value}
        yield from problems(where, given, {"vestlus.toml": toml})
        yield from _said(one, where, given)
        yield from _made(root, one, where, given)
        unit = (root / "deploy/vm" / one.unit).read_text("utf-8")
        yield from _shadowed(one, unit, given)
        yield from _run(root, one, unit)


def assignments(text: str) -> dict[str, str]:
    """The lines ``NAME=value`` of a file of settings."""
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z]", line))


def _said(one: Supply, where: str, given: Mapping[str, str]) -> Iterator[Finding]:
    host = given.get("VESTLUS_HTTP_HOST")
    if host != one.host:
        rule = "public" if one.host == "127.0.0.1" else "settings"
        yield Finding(
            rule, where, f"VESTLUS_HTTP_HOST is {host}, and the proxy comes to {one.host}"
        )
    for name, wanted in one.besides.items():
        if not re.fullmatch(wanted, given.get(name, "")):
            yield Finding("settings", where, f"{name} is not {wanted}")


def _made(root: Path, one: Supply, where: str, given: Mapping[str, str]) -> Iterator[Finding]:
    path = given.get("VESTLUS_CONFIG", "")
    maker = (root / one.maker).read_text("utf-8")
    if not path or not re.search(one.makes.format(path=re.escape(path)), maker):
        yield Finding("settings", where, f"VESTLUS_CONFIG: {one.maker} does not make {path}")


def _shadowed(one: Supply, unit: str, given: Mapping[str, str]) -> Iterator[Finding]:
    """systemd.exec: settings of EnvironmentFile= have precedence over those of Environment=."""
    where = f"deploy/vm/{one.unit}"
    for line in re.findall(r"^Environment=(.*)$", unit, re.MULTILINE):
        for name in re.findall(r"(\w+)=", line):
            if name in given:
                yield Finding("unit", where, f"{name} is said in vain: {one.settings} says it too")


def _run(root: Path, one: Supply, unit: str) -> Iterator[Finding]:
    """That ``vestlus-run`` runs what the unit runs, with the same settings, and is put there."""
    where = "deploy/vm/vestlus-run"
    text = (root / where).read_text("utf-8")
    started = re.search(r"^ExecStart=(\S+)/\.venv/bin/vestlus ", unit, re.MULTILINE)
    read = re.search(r"/scripts/read_settings\.py (\S+) ", unit)
    for name, found in (("code", started), ("settings", read)):
        if not found or not re.search(rf"^ +{name}={re.escape(found[1])}$", text, re.MULTILINE):
            yield Finding("unit", where, f"has other {name} than {one.unit}")
    if f"{where} /usr/local/sbin/vestlus-run\n" not in (root / one.maker).read_text("utf-8"):
        yield Finding("unit", where, f"{one.maker} does not put it there")
