"""Looks for known vulnerabilities in what the locks name: ``make audit``, and in ``make check``.

pip-audit asks PyPI's advisory database. Where that cannot be reached nothing is known, and this
says so: pip-audit itself ends as if all were well when the index answers that it knows none of the
packages, as a mirror without the JSON API does.

    audit.py            fails by findings only; a database that is away is said, and no failure
    audit.py --insist   fails also where something could not be looked up

What was found clean today is not asked again until a lock changes, unless --insist is given.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: It holds all of the lock of what runs.
LOCK: Final = Path("requirements/dev.txt")

#: When the lock was last found clean; not in the repository.
STAMP: Final = Path(".venv/.audited")

#: Vulnerabilities that do not concern us, each with the reason. Empty is best.
ACCEPTED: Final[Mapping[str, str]] = {}

#: To find out whether the database is there at all.
_FIRST_SECONDS: Final = 20
_ALL_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Result:
    """What the database says of the packages of a lock."""

    #: A line for each vulnerability.
    vulnerable: tuple[str, ...] = ()
    asked: int = 0
    #: Packages of which it knows nothing.
    unknown: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether it said anything."""
        return self.asked > len(self.unknown)


def judged(report: Mapping[str, Any]) -> Result:
    """What pip-audit's JSON says."""
    packages = report.get("dependencies", [])
    lines = [
        f"{package['name']} {package['version']}: {one['id']}, "
        f"mended in {', '.join(one['fix_versions']) or 'no version yet'}"
        for package in packages
        for one in package.get("vulns", [])
        if not {one["id"], *one.get("aliases", [])} & set(ACCEPTED)
    ]
    unknown = tuple(package["name"] for package in packages if "skip_reason" in package)
    return Result(tuple(lines), len(packages), unknown)


def ask(lock: Path, seconds: float) -> Result:
    """Has pip-audit look a lock up. Nothing asked is nothing reached."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
    command += ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json"]
    try:
        run = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, text=True, timeout=seconds, check=False
        )
        return judged(json.loads(run.stdout))
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return Result()


def first_of(lock: str) -> str:
    """The first package of a lock, with its hashes."""
    lines = iter(lock.splitlines())
    kept = [next(lines)]
    for line in lines:
        if not line.startswith(" "):
            break
        kept.append(line)
    # Up to the last hash: a comment after it says who wants the package.
    return "\n".join(line for line in kept if "#" not in line).rstrip(" \\") + "\n"


def told(result: Result, *, insist: bool) -> tuple[int, list[str]]:
    """The exit status, and what is said."""
    if result.vulnerable:
        return 1, [
            "Packages with known vulnerabilities:",
            *(f"  {line}" for line in result.vulnerable),
            "`make lock ARGS=--upgrade` takes newer versions.",
        ]
    if not result.reached:
        said = "Dependency audit: the database of vulnerabilities could not be reached. NOTHING "
        return int(insist), [said + "WAS AUDITED; run `make audit` where PyPI can be reached."]
    if result.unknown:
        names = ", ".join(result.unknown)
        return int(insist), [f"Dependency audit: nothing is known of {names}."]
    return 0, [f"Dependency audit: {result.asked} packages, none with a known vulnerability."]


def _audited(digest: str) -> Result | None:
    """What was found today of the same lock."""
    if not STAMP.is_file():
        return None
    kept = json.loads(STAMP.read_text())
    return Result(asked=kept["asked"]) if kept["digest"] == digest else None


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    insist = "--insist" in arguments
    today = dt.datetime.now(dt.UTC).date().isoformat()
    digest = hashlib.sha256(LOCK.read_bytes() + today.encode()).hexdigest()
    result = None if insist else _audited(digest)
    if result is None:
        probe = Path(".venv/.audit-probe.txt")
        probe.write_text(first_of(LOCK.read_text()))
        result = ask(probe, _FIRST_SECONDS)
        probe.unlink()
        if result.reached:
            result = ask(LOCK, _ALL_SECONDS)
        if result.reached and not result.vulnerable and not result.unknown:
            STAMP.write_text(json.dumps({"digest": digest, "asked": result.asked}))
    status, lines = told(result, insist=insist)
    for line in lines:
        print(line)  # noqa: T201 - what it is for
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
