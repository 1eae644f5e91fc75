"""A comparison from its first visit to its last; what is finished is kept, also if one breaks."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from benchmarks.comparison import contestants as who
from benchmarks.comparison.contestants import CeleryWay, Contestant
from benchmarks.comparison.figures import best_of_each, in_turn
from benchmarks.comparison.following import Times
from benchmarks.comparison.ground import PACKAGES, Ground, circumstances, say
from benchmarks.comparison.intake import intake
from benchmarks.comparison.pipeline import Row, pipeline
from benchmarks.comparison.schedule import Progress, Rounds, answers_visit, intake_visit
from benchmarks.comparison.sweeping import INSTANT_SWEEP, SHARE, SLOW_SWEEP, best, told, tries
from benchmarks.comparison.tables import INSTANT, INTAKE_MANY, INTAKE_ONE, SLOW
from benchmarks.provenance import commit
from vestlus.loadtest.options import LoadTestError

FORMAT, VERSION = "vestlus-comparison", 1
PER_POST = {1: INTAKE_ONE, 100: INTAKE_MANY}
#: Options that are no part of a result.
FILES = frozenset({"json", "read", "into"})

Found = dict[str, Any]


@dataclass(slots=True)
class Run:
    """What is asked for, and what was found so far."""

    asked: argparse.Namespace
    found: Found
    times: Times = field(init=False)
    rounds: Rounds = field(init=False)

    def __post_init__(self) -> None:
        """Reads the options."""
        asked = self.asked
        self.times = Times(settle=asked.settle, seconds=asked.seconds, drain=asked.drain)
        self.rounds = Rounds(
            asked.rounds or asked.intake_rounds,
            asked.rounds or asked.answer_rounds,
            asked.rounds or asked.actor_rounds,
        )

    @property
    def ways(self) -> list[Contestant]:
        """Who takes webhooks in."""
        if self.asked.only == "pipeline":
            return []
        every = [
            one(number) for one in (who.vestlus_intake, who.fastapi_intake) for number in (1, 2)
        ]
        return self.wanted(every)

    @property
    def celery(self) -> list[tuple[Row, Sequence[CeleryWay]]]:
        """What Celery is tried with, row by row."""
        if self.asked.only == "intake" or who.CELERY in self.asked.without:
            return []
        instant, slow = self.asked.celery, self.asked.celery_slow
        return [
            (self.instant, INSTANT_SWEEP if instant is None else (told(instant),)),
            (self.slow, SLOW_SWEEP if slow is None else (told(slow),)),
        ]

    @property
    def whole(self) -> list[tuple[Contestant, tuple[Row, ...], int]]:
        """Who answers besides Celery, in which rows of one visit, in how many rounds."""
        if self.asked.only == "intake":
            return []
        # At the others' rate each of so few users would write faster than a model of 2 s answers.
        # Each row has new users, so it has a Ray of its own: the last one's actors would be there.
        few = replace(self.slow, in_flight=self.asked.actors, rate=0.0)
        ours = self.wanted([who.vestlus(), who.vestlus(embedded=True)])
        ray = self.wanted([who.ray_actors(self.asked.actors)])
        return [
            *((each, (self.instant, self.slow), self.rounds.answers) for each in ours),
            *((each, (row,), self.rounds.actors) for each in ray for row in (self.instant, few)),
        ]

    @property
    def instant(self) -> Row:
        """A model that answers at once."""
        return Row(name=INSTANT, model_seconds=0.0, in_flight=self.asked.in_flight)

    @property
    def slow(self) -> Row:
        """A model of 2 s."""
        return Row(name=SLOW, model_seconds=2.0, rate=self.asked.rate)

    def wanted(self, every: list[Contestant]) -> list[Contestant]:
        """Without those that are left out."""
        return [each for each in every if each.title not in self.asked.without]

    def expected(self) -> list[float]:
        """Seconds of each visit, in about their order."""
        sweep = replace(self.times, seconds=self.times.seconds * SHARE)
        return [
            *(
                intake_visit(each.title, len(PER_POST), self.times)
                for _, each in in_turn(self.ways, self.rounds.intake)
            ),
            *(
                answers_visit(who.CELERY, 1, sweep)
                for _, ways in self.celery
                for _ in range(tries(ways))
            ),
            *(
                answers_visit(each.title, len(rows), self.times)
                for each, rows, rounds in self.whole
                for _ in range(rounds)
            ),
            *(answers_visit(who.CELERY, 1, self.times) for _ in self.celery * self.rounds.answers),
        ]


def compare(on: Ground, asked: argparse.Namespace, load_before: list[float], found: Found) -> None:
    """Run everything that is asked for; it is in ``found`` as soon as there is any."""
    run = Run(asked, found)
    found |= {
        "format": FORMAT,
        "version": VERSION,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        # By now our own servers have worked: what others did was read before.
        "machine": asyncio.run(circumstances(on)) | {"load_before": load_before},
        "packages": list(PACKAGES),
        "asked": {name: value for name, value in vars(asked).items() if name not in FILES},
        "sweeps": {},
        "rows": {},
        "broken": [],
    }
    progress = Progress(run.expected(), say)
    _intake(on, run, progress)
    _answers(on, run, progress)
    found["took_seconds"] = progress.elapsed
    say(f"took {progress.elapsed / 60:.0f} min")


def attempted(
    progress: Progress, found: Found, what: str, measure: Callable[[], Found]
) -> Found | None:
    """What was measured; None where it broke, which is noted and stops nobody else."""
    progress.begin(what)
    try:
        return measure()
    except LoadTestError as error:
        say(f"  BROKEN: {error}")
        found["broken"].append(f"{what}: {str(error).partition(chr(10))[0]}")
        return None


def _intake(on: Ground, run: Run, progress: Progress) -> None:
    runs: dict[str, dict[str, list[Found]]] = {name: {} for name in PER_POST.values()}
    for number, each in in_turn(run.ways, run.rounds.intake):

        def measure(each: Contestant = each) -> Found:
            found = intake(on, each, tuple(PER_POST), run.times, run.asked.connections)
            return {PER_POST[per_post]: figures for per_post, figures in found.items()}

        what = f"intake, round {number + 1}: {each.title} ({each.how})"
        for name, figures in (attempted(progress, run.found, what, measure) or {}).items():
            key = f"{each.title} [{each.how}]"
            runs[name].setdefault(key, []).append(_noted(number, name, each, figures))
            run.found["rows"][name] = best_of_each(runs[name])


def _answers(on: Ground, run: Run, progress: Progress) -> None:
    def trial(each: Contestant, row: Row, times: Times) -> Found | None:
        what = f"{row.name}: trying {each.title} ({each.how})"
        found = attempted(
            progress, run.found, what, lambda: _visit(on, run, each, (row,), times)[row.name]
        )
        if found is not None:
            say(f"  {found['rate']:.1f}/s{_broken(found)}")
        return found

    compared = [
        *run.whole,
        *(
            (best(row, ways, run.times, trial, run.found["sweeps"]), (row,), run.rounds.answers)
            for row, ways in run.celery
        ),
    ]
    for number, (each, rows, rounds) in in_turn(
        compared, max((rounds for _, _, rounds in compared), default=0)
    ):
        if number >= rounds:
            continue

        def measure(each: Contestant = each, rows: tuple[Row, ...] = rows) -> Found:
            return _visit(on, run, each, rows, run.times)

        how = f" ({each.how})" if each.how else ""
        what = f"answers, round {number + 1}: {each.title}{how}"
        for name, figures in (attempted(progress, run.found, what, measure) or {}).items():
            runs = run.found["rows"].setdefault(name, {})
            runs.setdefault(each.title, []).append(_noted(number, name, each, figures))


def _visit(on: Ground, run: Run, each: Contestant, rows: tuple[Row, ...], times: Times) -> Found:
    echoes = each.title.startswith(who.OURS) or not run.asked.no_echoes_for_peers
    return pipeline(on, each, rows, times, echoes=echoes)


def _noted(number: int, name: str, each: Contestant, figures: Found) -> Found:
    say(f"  {name}: {figures['rate']:.1f}/s{_broken(figures)}")
    return figures | {"how": each.how, "round": number}


def _broken(figures: Found) -> str:
    broken = {
        breach: figures[breach]
        for breach in ("lost", "duplicated", "out_of_order", "misdirected", "not_accepted")
        if figures.get(breach)
    }
    return f", {broken}" if broken else ""
