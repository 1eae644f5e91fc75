"""The result of a comparison as tables in Markdown, for ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.comparison.contestants import CELERY, FASTAPI, OURS, OURS_EMBEDDED
from benchmarks.comparison.figures import Spread, limits, ratios
from benchmarks.comparison.notes import note

#: What breaks a promise, for each kind of row.
INTAKE_BREACHES = ("lost", "duplicated")
BREACHES = ("lost", "duplicated", "out_of_order", "misdirected", "not_accepted")

INTAKE_ONE, INTAKE_MANY = "intake, 1 event per POST", "intake, 100 events per POST"
INSTANT, SLOW = "answers, instant model", "answers, model of 2 s"

HEADS = {"lost": "lost or not answered in time", "not_accepted": "not taken in"}

#: Latencies of a row. Where the service is kept busy all the time they say nothing.
ACK = (("p50, ms", "p50_ms"), ("p99, ms", "p99_ms"))
OVERHEAD = (
    ("in the model", "in_model"),
    ("overhead p50, ms", "overhead_p50_ms"),
    ("p99, ms", "overhead_p99_ms"),
    ("generator late p99, ms", "late_p99_ms"),
)

#: Of a run in which the measurement itself was the limit.
NO_RESULT = "no result"

#: Between these lines of a page its tables are.
BEGIN, END = "<!-- tables of benchmarks.comparison -->", "<!-- end of the tables -->"

Runs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """What the design asks of a row: a figure of ours, or a ratio of it to somebody's."""

    row: str
    figure: str
    says: str
    least: float | None = None
    most: float | None = None
    beside: str | None = None

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return (self.least is None or value >= self.least) and (
            self.most is None or value < self.most
        )


TARGETS = (
    Target(INTAKE_ONE, "rate", f"≥ 1.5 times {FASTAPI}", least=1.5, beside=FASTAPI),
    Target(INTAKE_MANY, "rate", "≥ 10,000 events/s", least=10_000),
    Target(INSTANT, "rate", f"≥ 3 times {CELERY}", least=3, beside=CELERY),
    Target(INSTANT, "rate", "≥ 120/s", least=120),
    Target(SLOW, "rate", "≥ 120/s", least=120),
    Target(SLOW, "in_model", "> 240 in flight", least=240),
    Target(SLOW, "overhead_p50_ms", "overhead p50 < 150 ms", most=150),
    Target(SLOW, "overhead_p99_ms", "overhead p99 < 1 s", most=1_000),
)


def markdown(*found: Mapping[str, Any]) -> str:
    """All tables of a result, or of several that measured different rows."""
    rows = {name: runs for each in found for name, runs in each["rows"].items()}
    sweeps = {name: tried for each in found for name, tried in each["sweeps"].items()}
    return "\n\n".join(
        (
            "### Targets\n\n" + _targets(rows),
            *(
                f"### {name[0].upper()}{name[1:]}\n\n{_row(name, runs)}"
                for name, runs in rows.items()
            ),
            *(f"### Celery, tried: {name}\n\n{_sweep(tried)}" for name, tried in sweeps.items()),
            *(note(each) for each in found),
        )
    )


def between_marks(page: str, tables: str) -> str:
    """The page with other tables between its marks. Raises ValueError where it has none."""
    head, begun, rest = page.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not (begun and ended):
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{head}{BEGIN}\n\n{tables}\n\n{END}{tail}"


def _targets(rows: Mapping[str, Mapping[str, Runs]]) -> str:
    return _table(
        ("row", "target", "Vestlus", "", "Vestlus, embedded", ""),
        (
            (
                target.row,
                target.says,
                *_judged(target, rows, OURS),
                *_judged(target, rows, OURS_EMBEDDED),
            )
            for target in TARGETS
            if target.row in rows
        ),
    )


def _judged(target: Target, rows: Mapping[str, Mapping[str, Runs]], who: str) -> tuple[str, str]:
    runs = rows[target.row].get(who, ())
    if target.beside is None:
        known = [run[target.figure] for run in _results(runs) if target.figure in run]
    else:
        known = _ratios(runs, rows[target.row].get(target.beside, ()), target.figure)
    if not known:
        return ("", NO_RESULT) if runs and not _results(runs) else ("", "")
    spread = Spread.of(known)
    unit = " times" if target.beside else ""
    return _spread(spread, unit), "met" if target.met(spread.median) else "missed"


def _results(runs: Runs) -> Runs:
    return [run for run in runs if not limits(run)]


def _ratios(ours: Runs, theirs: Runs, figure: str) -> list[float]:
    """Of the rounds in which both have a result."""
    mine, others = _by_round(ours, figure), _by_round(theirs, figure)
    both = sorted(mine.keys() & others.keys())
    return ratios([mine[each] for each in both], [others[each] for each in both])


def _by_round(runs: Runs, figure: str) -> dict[int, float | None]:
    return {
        run.get("round", number): run.get(figure)
        for number, run in enumerate(runs)
        if not limits(run)
    }


def _row(name: str, by_title: Mapping[str, Runs]) -> str:
    whole = any("overhead_p50_ms" in run for runs in by_title.values() for run in runs)
    breaches = BREACHES if whole else INTAKE_BREACHES
    heads = HEADS if whole else {}
    latencies = OVERHEAD if name == SLOW else ACK if not whole else ()
    table = _table(
        (
            *("contestant", "a second", "Vestlus is", *(title for title, _ in latencies)),
            *(heads.get(breach, breach.replace("_", " ")) for breach in breaches),
            *("cores", "MB", "RabbitMQ cores", "PostgreSQL cores", "generator and simulators"),
        ),
        (
            (
                f"{title} ({how})" if (how := runs[0].get("how")) else title,
                _middle(runs, "rate") or NO_RESULT,
                _times(by_title.get(OURS, ()), runs) if title != OURS else "",
                *(_middle(runs, key) for _, key in latencies),
                *(f"{sum(int(run.get(each, 0)) for run in runs):,}" for each in breaches),
                *_costs(runs),
            )
            for title, runs in by_title.items()
            if runs
        ),
    )
    return "\n\n".join((table, *_without_result(by_title)))


def _without_result(by_title: Mapping[str, Runs]) -> Iterator[str]:
    for title, runs in by_title.items():
        if without := [run for run in runs if limits(run)]:
            yield (
                f"{title}: {NO_RESULT} in {len(without)} of {len(runs)} rounds, which are in no "
                f"figure but those of what was lost, doubled or out of order: "
                f"{limits(without[0])[0].partition('. ')[0]}."
            )


def _middle(runs: Runs, figure: str) -> str:
    known = [run[figure] for run in _results(runs) if figure in run]
    return _spread(Spread.of(known)) if known else ""


def _times(ours: Runs, theirs: Runs) -> str:
    found = _ratios(ours, theirs, "rate")
    return _spread(Spread.of(found), " times") if found else ""


def _costs(runs: Runs) -> Iterator[str]:
    def middle(groups: Sequence[str], what: str) -> float:
        return Spread.of(
            [sum(run["costs"].get(name, {}).get(what, 0.0) for name in groups) for run in runs]
        ).median

    yield f"{middle(['contestant'], 'cores'):.2f}"
    yield f"{middle(['contestant'], 'megabytes'):,.0f}"
    yield f"{middle(['RabbitMQ'], 'cores'):.2f}"
    yield f"{middle(['PostgreSQL'], 'cores'):.2f}"
    yield f"{middle(['generator', 'pretend Graph', 'pretend model'], 'cores'):.2f}"


def _sweep(tried: Sequence[Mapping[str, Any]]) -> str:
    return _table(
        ("pool, workers x concurrency", "a second", HEADS["lost"], "duplicated", "taken"),
        (
            (
                str(each["how"]),
                NO_RESULT if limits(each) else f"{each['rate']:,.1f}",
                *(f"{each[breach]:,}" for breach in INTAKE_BREACHES),
                "yes" if each.get("taken") else "",
            )
            for each in tried
        ),
    )


def _spread(spread: Spread, unit: str = "") -> str:
    digits = 0 if spread.median >= 100 else 2 if unit else 1  # noqa: PLR2004 - three figures suffice
    middle, least, most = (
        f"{value:,.{digits}f}" for value in (spread.median, spread.least, spread.most)
    )
    return f"**{middle}{unit}**" if least == most else f"**{middle}{unit}** ({least} – {most})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
