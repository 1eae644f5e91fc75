"""Under what circumstances a result was made, in words, for below its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.comparison.figures import Spread


def note(found: Mapping[str, Any]) -> str:
    """When, what, of which commit, on which machine, beside what else, how often."""
    facts = found["machine"]
    versions = ", ".join(
        f"{name} {facts[name]}"
        for name in ("python", "ray", "openai", *found["packages"])
        if name in facts
    )
    load = ", ".join(str(each) for each in facts["load_before"])
    return (
        f"{found['started_at']}, {' and '.join(found['rows'])}: "
        f"commit {found.get('commit', 'not recorded')}. "
        f"{facts['cores_usable']} cores, {facts['processor']}, "
        f"{facts['memory_bytes'] / 1e9:.0f} GB, {facts['system']}; load before the start {load}"
        f"{_others(found)}. "
        f"{' '.join(_rounds(found))} Measured for {found['asked']['seconds']:g} s each; "
        f"median (least – most).{_took(found)} "
        f"{facts['RabbitMQ']}, {facts['PostgreSQL']}, {versions}."
    )


def _runs(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for by_title in found["rows"].values():
        for runs in by_title.values():
            yield from runs


def _others(found: Mapping[str, Any]) -> str:
    known = [run["others"] for run in _runs(found) if run.get("others")]
    if not known:
        return ""
    cores, stolen = (
        Spread.of([float(each[what]) for each in known]) for what in ("cores", "stolen")
    )
    return (
        f"; while it was measured other programs and the kernel's own work kept {cores.median:.2f} "
        f"cores busy ({cores.least:.2f} – {cores.most:.2f}), and the host took {stolen.median:.2f} "
        f"({stolen.least:.2f} – {stolen.most:.2f})"
    )


def _rounds(found: Mapping[str, Any]) -> Iterator[str]:
    """How many, row by row, and who had fewer."""
    for name, by_title in found["rows"].items():
        numbers = {title: len(runs) for title, runs in by_title.items()}
        most = max(numbers.values(), default=0)
        fewer = ", ".join(f"{title} {had}" for title, had in numbers.items() if had < most)
        yield f"Rounds of {name}: {most}{f' ({fewer})' if fewer else ''}."


def _took(found: Mapping[str, Any]) -> str:
    seconds = found.get("took_seconds")
    took = "" if seconds is None else f" All of it took {seconds / 60:.0f} min."
    broken = "".join(f" **Broken: {each}.**" for each in found.get("broken", ()))
    return took + broken
