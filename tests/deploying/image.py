"""The image and compose: the Dockerfile from the lock, nobody root, this machine only."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploying.findings import Finding
from tests.deploying.rays_names import unknown
from tests.deploying.safety import image_problem, project_version
from tests.deploying.supplied import OPERATORS, problems
from tests.scripts_loaded import script
from vestlus.settings import Mode

_TOML = '[[accounts]]\nid = "17841400000000001"\n'


def check_image(root: Path) -> Iterator[Finding]:
    """The Dockerfile: from the lock, nobody root, no secret and no file but what is copied."""
    rehearsal = script("rehearse_image")
    try:
        stages = rehearsal.stages((root / "Dockerfile").read_text("utf-8"))
    except rehearsal.NotRehearsedError as error:
        yield Finding("image", "Dockerfile", str(error))
        return
    for stage in stages:
        if problem := image_problem(stage.base, project_version(root)):
            yield Finding("image", "Dockerfile", problem)
    yield from _about(dict(stages[-1].steps))
    yield from _starts(root, dict(stages[-1].steps))
    yield from _copied(stages)
    for stage in stages:
        for word, rest in stage.steps:
            if word == "ENV":
                yield from unknown("Dockerfile", rehearsal.variables(rest, {}))
    yield from _installed(stages)
    yield from _context(stages, (root / ".dockerignore").read_text("utf-8").splitlines())


def _installed(stages: list[Any]) -> Iterator[Finding]:
    """Packages from the lock, and what others call in the image."""
    for command in re.findall(r"pip install\s.*?(?=&&|$)", _commands(stages)):
        if "--require-hashes" not in command and "--no-index" not in command:
            yield Finding("lock", "Dockerfile", f"not from the lock: {command[:60]}")
    installed = re.findall(r"apt-get install (.*?)&&", _commands(stages[-1:]))
    for tool in ("bash", "wget", "ca-certificates"):
        if tool not in " ".join(installed).split():
            yield Finding("image", "Dockerfile", f"KubeRay or TLS needs {tool}")


def _about(last: Mapping[str, str]) -> Iterator[Finding]:
    """What the image says of itself."""
    uid = last.get("USER", "0").partition(":")[0]
    if not uid.isdigit() or uid == "0":
        yield Finding("root", "Dockerfile", "the user is root, or has no number")
    if not re.search(r"/healthz\b", last.get("HEALTHCHECK", "")):
        yield Finding("probe", "Dockerfile", "no health check, or for what nobody answers")


def _starts(root: Path, last: Mapping[str, str]) -> Iterator[Finding]:
    """The image is called with a command of ours, and serves by default."""
    table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    try:
        entry, command = (json.loads(last.get(word, "[]")) for word in ("ENTRYPOINT", "CMD"))
    except ValueError:
        yield Finding("image", "Dockerfile", "starts a shell before what it starts")
        return
    if len(entry) != 1 or entry[0] not in table["project"]["scripts"]:
        yield Finding("image", "Dockerfile", f"{entry} is no command of ours")
    if command != ["serve"]:
        yield Finding("image", "Dockerfile", f"{command} is not to serve")


def _copied(stages: list[Any]) -> Iterator[Finding]:
    """What is taken from another stage was made there, and is found where it is put."""
    by_name = {stage.name: stage for stage in stages}
    for stage in stages:
        path = " ".join(rest for word, rest in stage.steps if word == "ENV")
        for rest in (rest for word, rest in stage.steps if word == "COPY"):
            if not rest.startswith("--from="):
                continue
            origin, *sources, target = rest.removeprefix("--from=").split()
            made = _commands([by_name[origin]]) if origin in by_name else ""
            for source in sources:
                if f"-m venv {source} " not in made:
                    yield Finding("image", "Dockerfile", f"{origin} makes no {source}")
                # An environment of Python's names its own place in its programs.
                elif target.rstrip("/") != source or f"{source}/bin:" not in path:
                    yield Finding("image", "Dockerfile", f"{source} is not found at {target}")


def _context(stages: list[Any], ignored: list[str]) -> Iterator[Finding]:
    """What gets into the build: what is copied, and nothing else."""
    if "*" not in ignored:
        yield Finding("image", ".dockerignore", "lets everything into the build, secrets too")
    copies = [rest for stage in stages for word, rest in stage.steps if word == "COPY"]
    for rest in copies:
        for source in rest.split()[:-1]:
            if not rest.startswith("--from") and f"!{source}" not in ignored:
                yield Finding("image", ".dockerignore", f"keeps {source} out of the build")


def _commands(stages: list[Any]) -> str:
    return " && ".join(rest for one in stages for word, rest in one.steps if word == "RUN") + " &&"


def check_compose(root: Path) -> Iterator[Finding]:
    """compose.yaml: this machine only, versions named, settings that the service knows."""
    composed = yaml.safe_load((root / "compose.yaml").read_text("utf-8"))
    services = composed["services"]
    for name, service in services.items():
        where = f"compose.yaml, {name}"
        if problem := image_problem(service["image"], project_version(root)):
            yield Finding("image", where, problem)
        for port in service.get("ports") or []:
            if not str(port).startswith("127.0.0.1:"):
                yield Finding("public", where, f"{port} is open to other machines")
        for other, how in (service.get("depends_on") or {}).items():
            if other not in services:
                yield Finding("selector", where, f"there is no service {other}")
            elif how.get("condition") == "service_healthy" and "healthcheck" not in services[other]:
                yield Finding("probe", where, f"waits for {other}, which has no health check")
        yield from _volumes(root, where, service, composed.get("volumes") or {})
        command = service.get("command") or [""]
        if command[0] in {"demo", "serve"}:
            yield from _composed(where, service, Mode(command[0]))


def _volumes(
    root: Path, where: str, service: Mapping[str, Any], volumes: Mapping[str, Any]
) -> Iterator[Finding]:
    for volume in service.get("volumes") or []:
        source = str(volume).split(":")[0]
        if not source.startswith("."):
            if source not in volumes:
                yield Finding("volume", where, f"there is no volume {source}")
        # vestlus.toml is the operator's.
        elif source != "./vestlus.toml" and not (root / source).exists():
            yield Finding("volume", where, f"there is no file {source}")


def _composed(where: str, service: Mapping[str, Any], mode: Mode) -> Iterator[Finding]:
    if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"]:
        yield Finding("root", where, "has more rights than it needs")
    for file in service.get("env_file") or []:
        if not (isinstance(file, dict) and file.get("required") is False):
            yield Finding("settings", where, f"{file} is wanted by Compose for the others too")
    given = {name: str(value) for name, value in service["environment"].items()}
    given = {name: "" if value.startswith("${") else value for name, value in given.items()}
    files = {Path(given["VESTLUS_CONFIG"]).name: _TOML} if "VESTLUS_CONFIG" in given else {}
    yield from problems(where, {**(OPERATORS if mode is Mode.SERVE else {}), **given}, files, mode)
    for name, value in given.items():
        host = re.search(r"@([\w-]+):\d+", value)
        if host and host[1] not in service["depends_on"]:
            yield Finding("selector", where, f"{name}: does not wait for {host[1]}")
