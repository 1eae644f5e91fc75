"""Runs the Dockerfile's steps where there is no engine: in clean roots that debootstrap makes.

    rehearse_image.py /var/tmp/rehearsal        makes the image's root there, and tries it out

Needs root, debootstrap, util-linux, a Debian mirror that apt reaches, and pip's way to packages.
Those settings of this machine are lent to the steps and taken away: they are in no layer and in no
file of the repository. What is tried: the command, `doctor` and, with ``--demo``, the whole demo,
as the image's user, without network privileges, on a root that cannot be written to.

Nothing else of an engine is imitated: no layers, no cache, no resource limits.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

#: Where files of this machine are put while a step runs.
_LENT: Final = "run/lent"

#: Instructions that only say something about the image.
_ABOUT: Final = frozenset({"LABEL", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"})

_MIB: Final = 1024 * 1024

#: The only places where the image writes.
_WRITABLE: Final = ("tmp", "dev/shm", "var/lib/vestlus")


class NotRehearsedError(Exception):
    """The Dockerfile has what this program does not know, or a step failed."""


@dataclass
class Stage:
    """One ``FROM`` and what follows it: pairs of an instruction and its words."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def stages(text: str, given: Mapping[str, str] | None = None) -> list[Stage]:
    """Reads a Dockerfile. ``given`` are build arguments. Raises NotRehearsedError."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    lines = [line for line in text.splitlines() if not re.match(r"\s*(#|$)", line)]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        instruction, rest = word.upper(), rest.strip()
        if instruction == "ARG" and not found:
            name, _, default = rest.partition("=")
            arguments[name] = (given or {}).get(name, default)
        elif instruction == "FROM":
            base, _, name = re.sub(r"\s+AS\s+", "\0", rest, flags=re.IGNORECASE).partition("\0")
            found.append(Stage(_filled(base, arguments), name or str(len(found))))
        elif found and instruction in {"RUN", "COPY", "ENV", "WORKDIR", "USER", *_ABOUT}:
            found[-1].steps.append((instruction, rest))
        else:
            raise NotRehearsedError(f"{instruction} is not known here: {line}")
    return found


def _filled(text: str, values: Mapping[str, str]) -> str:
    """With its variables, as Dockerfiles have them: $NAME and ${NAME}."""
    return re.sub(r"\$\{?(\w+)\}?", lambda one: values.get(one[1], ""), text)


def variables(rest: str, before: Mapping[str, str]) -> dict[str, str]:
    """Those that ENV sets."""
    pairs = (word.partition("=") for word in shlex.split(rest))
    return {name: _filled(value, before) for name, _, value in pairs}


class Root:
    """A stage's file system, and where in it the next step is."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.folder = "/"
        self.user = "0:0"

    def run(self, command: list[str], extra: Mapping[str, str] | None = None) -> None:
        """As the stage's user, with its variables only. Raises NotRehearsedError."""
        env = {**self.env, **(extra or {})}
        words = ["chroot", f"--userspec={self.user}", str(self.place), "/bin/sh", "-c"]
        inside = f"cd {shlex.quote(self.folder)} && exec {shlex.join(command)}"
        done = subprocess.run([*words, inside], env=env, check=False)  # noqa: S603 - the Dockerfile's
        if done.returncode:
            raise NotRehearsedError(f"exit status {done.returncode}: {shlex.join(command)}")

    def copy(self, rest: str, context: Path, others: Mapping[str, Root]) -> None:
        """COPY: files into a folder, a folder's contents into a folder, a file to a name."""
        words = shlex.split(rest)
        start = re.fullmatch(r"--from=(\w+)", words[0])
        origin = others[start[1]].place if start else context
        *sources, target = words[1:] if start else words
        into = self.place / str(Path(self.folder) / target).lstrip("/")
        for source in sources:
            found = origin / source.lstrip("/")
            if found.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(
                    found,
                    into,
                    symlinks=True,
                    dirs_exist_ok=True,
                    ignore=None if start else ignored,
                )
            else:
                place = into / found.name if target.endswith("/") else into
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, place)


def _do(words: list[str]) -> None:
    subprocess.run(words, check=True)  # noqa: S603 - mount and debootstrap


def made(folder: Path, context: Path) -> tuple[Root, dict[str, str]]:
    """Makes every stage; the last one, and what it says of itself."""
    roots: dict[str, Root] = {}
    about: dict[str, str] = {}
    for stage in stages((context / "Dockerfile").read_text("utf-8")):
        suite = re.fullmatch(r"debian:(\w+)-slim(@.*)?", stage.base)
        if suite is None:
            raise NotRehearsedError(f"{stage.base}: only Debian's slim images can be made anew")
        base = folder / f"base-{suite[1]}"
        if not base.is_dir():
            mirror = os.environ.get("DEBIAN_MIRROR", "")
            _do(["debootstrap", "--variant=minbase", suite[1], str(base), *filter(None, [mirror])])
        root = roots[stage.name] = Root(folder / f"stage-{stage.name}")
        _do(["cp", "--archive", str(base), str(root.place)])
        lent = _lend(root)
        about = {}
        for instruction, rest in stage.steps:
            print(f"{stage.name}: {instruction} {rest[:90]}", flush=True)  # noqa: T201
            if instruction == "RUN":
                root.run(["/bin/sh", "-c", rest], lent)
            elif instruction == "COPY":
                root.copy(rest, context, roots)
            elif instruction == "ENV":
                root.env |= variables(rest, root.env)
            elif instruction == "WORKDIR":
                root.folder = rest
                (root.place / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif instruction == "USER":
                root.user = rest
            else:
                about[instruction] = rest
        _take_back(root)
    return root, about


def _lend(root: Root) -> dict[str, str]:
    """What a step needs of this machine: devices, names, certificates, pip's settings."""
    for name in ("proc", "dev"):
        _do(["mount", "--rbind", f"/{name}", str(root.place / name)])
    shutil.copy("/etc/resolv.conf", root.place / "etc/resolv.conf")
    lent = {
        name: value
        for name, value in os.environ.items()
        if re.match(r"PIP_|(https?|no)_proxy$", name, re.IGNORECASE)
    }
    files = [*lent.items(), *(("PIP_CONFIG_FILE", one) for one in ("/etc/pip.conf",))]
    (root.place / _LENT).mkdir(parents=True)
    for name, value in files:
        if not Path(value).is_absolute() or not Path(value).exists():
            continue
        place = root.place / _LENT / name
        (shutil.copytree if Path(value).is_dir() else shutil.copy)(value, place)
        lent[name] = f"/{_LENT}/{name}"
    return lent


def _take_back(root: Root) -> None:
    for name in ("dev", "proc"):
        _do(["umount", "--recursive", "--lazy", str(root.place / name)])
    shutil.rmtree(root.place / _LENT)
    (root.place / "etc/resolv.conf").write_text("")


def tried(root: Root, about: Mapping[str, str], *, demo: bool) -> None:
    """Runs the image's command on a root that is read-only. Raises NotRehearsedError."""
    _do(["mount", "--bind", str(root.place), str(root.place)])
    _do(["mount", "-o", "remount,bind,ro", str(root.place)])
    for name, source in (("proc", "/proc"), ("dev", "/dev")):
        _do(["mount", "--rbind", source, str(root.place / name)])
    uid, _, gid = root.user.partition(":")
    for name in _WRITABLE:
        owned = f"mode=1777,uid={uid},gid={gid}"
        _do(["mount", "-t", "tmpfs", "-o", owned, "tmpfs", str(root.place / name)])
    entry = json.loads(about["ENTRYPOINT"])
    root.run(["/bin/sh", "-c", "! touch /opt/written 2>/dev/null && ! touch /etc/written"])
    root.run([*entry, "--help"])
    root.run(["/bin/bash", "-lc", "command -v ray vestlus wget && ray --version"])
    # Without settings it says what is missing, and ends with a status of its own.
    root.run(["/bin/sh", "-c", f"{shlex.join([*entry, 'doctor'])}; test $? -le 78"])
    if demo:
        health = about["HEALTHCHECK"].partition("CMD ")[2]
        ready = (
            f"for n in $(seq 120); do sleep 2; {health} && break; done; {health} && echo healthy"
        )
        whole = (
            f"{shlex.join([*entry, 'demo'])} & {ready}; found=$?; kill -TERM $!; wait; exit $found"
        )
        root.run(["/bin/sh", "-c", whole], {"VESTLUS_HTTP_PORT": "18000"})


def size_mib(place: Path) -> int:
    """What the files of a root take, without what is mounted there."""
    words = ["du", "--summarize", "--one-file-system", "--block-size=1", str(place)]
    told = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    return int(told.stdout.split()[0]) // _MIB


def main() -> None:
    """The command."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("folder", type=Path, help="an empty or new folder with some gigabytes")
    asked.add_argument("--demo", action="store_true", help="start the whole demo in it too")
    given: Any = asked.parse_args()
    if os.environ.get("REHEARSING") != "1":
        # All mounts are this process's own, and are gone with it.
        own = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvpe("unshare", own, {**os.environ, "REHEARSING": "1"})  # noqa: S606, S607
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    root, about = made(folder, Path(__file__).resolve().parent.parent)
    print(f"The image's root takes {size_mib(root.place)} MiB.", flush=True)  # noqa: T201
    tried(root, about, demo=given.demo)
    print("Rehearsed.")  # noqa: T201


if __name__ == "__main__":
    main()
