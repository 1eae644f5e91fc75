"""What rehearsed upgrades found, for people."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.metadata import version

from benchmarks.provenance import commit
from tests.nodes.under_traffic import Judged


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done; seconds."""

    name: str
    took: float
    #: The longest that anybody waited for an answer meanwhile and after.
    longest_wait: float
    #: Processes of the machine that ran or wanted to, at its end.
    load: float
    told: str = ""


@dataclass(slots=True)
class Rehearsal(Judged):
    """What happened."""

    platform: str
    #: The machine's load before anything was started.
    load: float
    #: The old version, the new one, and what was done.
    upgrades: list[tuple[str, str, list[Step]]] = field(default_factory=list)


def as_markdown(rehearsal: Rehearsal) -> str:
    """A page with a table for each upgrade."""
    head = [
        "# Upgrades, rehearsed",
        "",
        (
            f"Ray {version('ray')}: Ray clusters on one RabbitMQ and one PostgreSQL, as a "
            "RayService upgrades: each a head and two workers, `ray start --block` by the shell "
            "that KubeRay uses, the application deployed by the `serveConfigV2` of `deploy/aks`. "
            "The old cluster ends as its pods do: SIGTERM to all at once, head included, and "
            "SIGKILL after their grace period. How it ends is the old version's doing. Thirty "
            "users write all the time, 24 who never wrote before ask as each step begins and when "
            "it is done, the model takes 0.5 to 2 s, and the simulator's checker judges. Written "
            f"by `make rehearse-upgrade`, commit {commit()}."
        ),
        "",
        (
            f"{os.cpu_count()} processors for all of it, servers, Instagram and model included, "
            f"with a load of {rehearsal.load:.1f} before it began; {rehearsal.platform}. Where "
            "the load is far above the processors, as below, everything takes longer than on "
            "machines of its own."
        ),
        "",
        rehearsal.told(),
        "",
    ]
    return "\n".join([*head, *(line for one in rehearsal.upgrades for line in _upgrade(*one))])


def _upgrade(old: str, new: str, steps: list[Step]) -> list[str]:
    rows = [
        f"| {one.name} | {one.took:.1f} | {one.longest_wait:.1f} | {one.load:.1f} | {one.told} |"
        for one in steps
    ]
    return [
        f"## From {old} to {new}",
        "",
        "| step | took, s | longest wait of an answer during it and after, s | load | |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
