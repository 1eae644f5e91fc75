"""A Ray cluster of machines whose head comes back: what starts it, and the others' patience."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.deploying.findings import Finding

_FILE: Final = "cluster.yaml"

#: The head's units, as they are called there, and the files in deploy/vm that they are.
_UNITS: Final = {"vestlus-ray": "vestlus-ray.service", "vestlus": "vestlus-on-ray.service"}

#: After so many seconds without the head the other nodes end themselves, if nothing else is said.
_RAYS_PATIENCE: Final = 60

#: By default in /tmp/haproxy-serve, where any user of the machine may have been first
#: (ray/serve/_private/constants.py).
_HAPROXYS: Final = (
    "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC",
    "RAY_SERVE_HAPROXY_SOCKET_PATH",
    "RAY_SERVE_HAPROXY_SERVER_STATE_BASE",
    "RAY_SERVE_HAPROXY_SERVER_STATE_FILE",
)


def check_starts(root: Path, prepared: Mapping[str, Any]) -> Iterator[Finding]:
    """How the machines of ``cluster.yaml`` start Ray, now and when they boot."""
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        commands = prepared[name]
        for start in [one for one in commands if "ray start" in one]:
            yield from _patience(name, start)
            yield from _haproxys(name, start, commands)
    yield from _comes_back(root, prepared)


def _patience(name: str, start: str) -> Iterator[Finding]:
    told = re.search(r"\sRAY_gcs_rpc_server_reconnect_timeout_s=(\d+)\b", start)
    if told is None or int(told[1]) <= _RAYS_PATIENCE:
        yield Finding("head", _FILE, f"{name}: does not wait for a head that is away")


def _haproxys(name: str, start: str, commands: Sequence[str]) -> Iterator[Finding]:
    if not re.search(r"\sRAY_SERVE_HAPROXY_NBTHREAD=\d", start):
        yield Finding("ingress", _FILE, f"{name}: HAProxy has threads by a number of Ray's")
    for variable in _HAPROXYS:
        told = re.search(rf"\s{variable}=(\S+?);?(\s|$)", start)
        folder = re.match(r"\$HOME/\w+", told[1]) if told else None
        if folder is None:
            yield Finding("ingress", _FILE, f"{name}: {variable} is not in a folder of the user's")
        elif f"chmod 700 {folder[0].replace('$HOME', '~')}" not in _text(commands):
            yield Finding("ingress", _FILE, f"{name}: others may enter {folder[0]}")


def _text(commands: Sequence[str]) -> str:
    """All of them as one text."""
    return "\n".join(commands)


def _comes_back(root: Path, prepared: Mapping[str, Any]) -> Iterator[Finding]:
    setup = _text(prepared["head_setup_commands"])
    start = _text(prepared["head_start_ray_commands"])
    enabled = {
        unit for words in re.findall(r"systemctl enable (.*)", setup) for unit in words.split()
    }
    for unit, file in _UNITS.items():
        if (
            unit not in enabled
            or f"deploy/vm/{file} /etc/systemd/system/{unit}.service" not in setup
        ):
            yield Finding("head", _FILE, f"{unit} is not there when the head boots")
        if not re.search(rf"systemctl restart (--no-block )?{unit}$", start, re.MULTILINE):
            yield Finding("head", _FILE, f"{unit} is not started")
    text = (root / "deploy/vm/vestlus-ray.service").read_text("utf-8")
    kept = re.search(r"> ~/([\w.-]+)$", start, re.MULTILINE)
    if kept is None or f"\nExecStart=/bin/bash /home/vestlus/{kept[1]}\n" not in text:
        yield Finding("head", _FILE, "what the head's unit starts is not what is written down")
    service = (root / "deploy/vm/vestlus-on-ray.service").read_text("utf-8")
    if not re.search(r"^After=.*\bvestlus-ray\.service", service, re.MULTILINE):
        yield Finding("head", _FILE, "Ray would end before the service is taken off it")
    # systemd.unit: with these it is stopped before a Ray that died is started again.
    for key in re.findall(r"^(Requires|BindsTo|PartOf)=.*\bvestlus-ray\b", service, re.MULTILINE):
        yield Finding("head", _FILE, f"{key}= takes the service off where Ray's head has died")
    head = next((one for one in prepared["head_start_ray_commands"] if "ray start" in one), "")
    if "--block" not in head:
        yield Finding("head", _FILE, "without --block systemd holds Ray for ended")
    if not re.search(r"\sRAY_gcs_storage=rocksdb\s+RAY_gcs_storage_path=\$HOME/", head):
        yield Finding("head", _FILE, "what the head knows is lost with its process")
