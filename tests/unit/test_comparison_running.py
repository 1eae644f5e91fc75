"""What a comparison runs: the sweep, the plan, the estimate, the wait for a quiet machine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from benchmarks.comparison import running
from benchmarks.comparison.__main__ import options
from benchmarks.comparison.contestants import (
    CELERY,
    FASTAPI,
    OURS,
    OURS_EMBEDDED,
    RAY_ACTORS,
    CeleryWay,
    Contestant,
)
from benchmarks.comparison.figures import best_of_each
from benchmarks.comparison.following import Times
from benchmarks.comparison.ground import Ground
from benchmarks.comparison.pipeline import Row
from benchmarks.comparison.quiet import Machine, Surrounded, parse_stat, wait_for_quiet
from benchmarks.comparison.running import Run, compare
from benchmarks.comparison.schedule import Progress
from benchmarks.comparison.sweeping import INSTANT_SWEEP, SLOW_SWEEP, told
from benchmarks.comparison.tables import INSTANT, INTAKE_ONE, SLOW, markdown
from benchmarks.provenance import commit
from tests.services import PostgresServer, RabbitMQServer
from vestlus.loadtest.options import LoadTestError
from vestlus.loadtest.parts import Process

COSTS = {"contestant": {"cores": 1.0, "megabytes": 500.0}}


class Faked:
    """Stands where contestants would be started; remembers who was visited."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.visits: list[tuple[str, str, tuple[str, ...], Times]] = []
        self.rates: dict[str, float] = {}
        self.lost: dict[str, int] = {}
        self.late: dict[str, float] = {}
        self.breaks: set[str] = set()
        monkeypatch.setattr(running, "pipeline", self.pipeline)
        monkeypatch.setattr(running, "intake", self.intake)
        monkeypatch.setattr(running, "circumstances", self.circumstances)
        monkeypatch.setattr(running, "say", lambda _: None)

    async def circumstances(self, _: object) -> dict[str, Any]:
        return {
            "cores_usable": 2,
            "processor": "a processor",
            "memory_bytes": 8_000_000_000,
            "system": "Linux",
            "load_before": [9.0, 9.0, 9.0],
            "RabbitMQ": "RabbitMQ 4.1",
            "PostgreSQL": "PostgreSQL 17",
        }

    def pipeline(
        self, _: object, each: Contestant, rows: tuple[Row, ...], times: Times, *, echoes: bool
    ) -> dict[str, Any]:
        assert echoes
        self.visits.append((each.title, each.how, tuple(row.name for row in rows), times))
        if each.how in self.breaks:
            raise LoadTestError("it has ended by itself:\nand why")
        figures = {
            "rate": self.rates.get(each.how, 100.0),
            "lost": self.lost.get(each.how, 0),
            **dict.fromkeys(("duplicated", "out_of_order", "misdirected", "not_accepted"), 0),
            "in_model": 200,
            "overhead_p50_ms": 90.0,
            "overhead_p99_ms": 900.0,
            "late_p99_ms": self.late.get(each.how, 5.0),
            "costs": COSTS,
            "others": {"cores": 0.25, "stolen": 0.0},
        }
        return {row.name: dict(figures) for row in rows}

    def intake(
        self, _: object, each: Contestant, per_posts: tuple[int, ...], times: Times, __: int
    ) -> dict[int, Any]:
        self.visits.append((each.title, each.how, ("intake",), times))
        latencies = {"p50_ms": 10.0, "p99_ms": 20.0}
        figures = {"rate": 1_000.0, **latencies, "lost": 0, "duplicated": 0, "costs": COSTS}
        return {number: dict(figures) for number in per_posts}

    def compare(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        nowhere = Ground(
            RabbitMQServer.__new__(RabbitMQServer), PostgresServer.__new__(PostgresServer)
        )
        compare(nowhere, options(list(arguments)), [0.1, 0.2, 0.3], found)
        return found


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Faked:
    return Faked(monkeypatch)


def test_the_defaults_bring_every_table_of_the_page_and_every_contestant(faked: Faked) -> None:
    found = faked.compare()
    assert {title for title, *_ in faked.visits} == {
        *(OURS, OURS_EMBEDDED, FASTAPI, CELERY, RAY_ACTORS)
    }
    assert {title: len(runs) for title, runs in found["rows"][INSTANT].items()} == {
        OURS: 2,
        OURS_EMBEDDED: 2,
        CELERY: 2,
        RAY_ACTORS: 1,
    }
    assert {title: len(runs) for title, runs in found["rows"][INTAKE_ONE].items()} == {
        OURS: 3,
        FASTAPI: 3,
    }
    text = markdown(found)
    assert f"Rounds of {SLOW}: 2 ({RAY_ACTORS} 1)." in text
    assert f"### Celery, tried: {SLOW}" in text
    # Without a result of its own in the second round, it is beside ours of the first.
    (line,) = [
        each
        for each in text.partition("### Answers, instant")[2].partition("###")[0].splitlines()
        if RAY_ACTORS in each
    ]
    assert "**1.00 times**" in line


def test_everything_ends_within_forty_minutes_and_as_many_visits_as_were_announced(
    faked: Faked,
) -> None:
    expected = Run(options([]), {}).expected()
    assert sum(expected) < 40 * 60
    faked.compare()
    assert len(faked.visits) == len(expected)


def test_what_a_tried_way_lost_is_in_the_table_of_what_was_tried(faked: Faked) -> None:
    faked.rates, faked.lost = {"threads, 2 x 8": 120.0}, {"threads, 2 x 8": 7}
    text = markdown(faked.compare("--only", "pipeline"))
    assert "| threads, 2 x 8 | 120.0 | 7 | 0 | yes |" in text
    assert "| threads, 2 x 32 | 100.0 | 0 | 0 |  |" in text


def test_the_best_pool_is_tried_once_more_with_two_web_processes_and_the_better_taken(
    faked: Faked,
) -> None:
    two = "gevent, 2 x 50, uvicorn workers: 2"
    faked.rates = {"gevent, 2 x 50": 120.0, two: 130.0}
    found = faked.compare("--only", "pipeline")
    tried = [how for title, how, rows, _ in faked.visits if title == CELERY and rows == (INSTANT,)]
    assert tried == [*(way.contestant().how for way in INSTANT_SWEEP), two, two, two]
    assert {run["how"] for run in found["rows"][INSTANT][CELERY]} == {two}


def test_every_pool_is_tried_for_both_kinds_of_model() -> None:
    for sweep in (INSTANT_SWEEP, SLOW_SWEEP):
        assert {way.pool for way in sweep} == {"prefork", "threads", "gevent"}


def test_a_way_whose_generator_was_late_is_not_taken(faked: Faked) -> None:
    faked.rates, faked.late = {"gevent, 1 x 50": 900.0}, {"gevent, 1 x 50": 500.0}
    found = faked.compare("--only", "pipeline")
    assert "gevent, 1 x 50" not in {run["how"] for run in found["rows"][INSTANT][CELERY]}
    assert "| gevent, 1 x 50 | no result |" in markdown(found)


def test_a_contestant_that_breaks_stops_nobody_else_and_is_named(faked: Faked) -> None:
    faked.breaks = {"24 users"}
    found = faked.compare("--only", "pipeline")
    assert RAY_ACTORS not in found["rows"][INSTANT]
    assert {OURS, CELERY} <= found["rows"][SLOW].keys()
    assert "**Broken: answers, round 1: Ray, an actor per user (24 users): it has" in markdown(
        found
    )


def test_a_way_that_is_told_is_not_swept(faked: Faked) -> None:
    found = faked.compare("--only", "pipeline", "--celery", "threads,2,8,2")
    assert INSTANT not in found["sweeps"]
    assert found["rows"][INSTANT][CELERY][0]["how"] == "threads, 2 x 8, uvicorn workers: 2"
    assert told("gevent,1,50") == CeleryWay("gevent", 1, 50)
    with pytest.raises(ValueError, match="must read"):
        told("gevent,1")


def test_a_result_says_its_commit_the_load_before_and_what_others_used(faked: Faked) -> None:
    found = faked.compare("--only", "pipeline", "--rounds", "1")
    text = markdown(found)
    assert f"commit {found['commit']}. " in text
    assert "load before the start 0.1, 0.2, 0.3;" in text
    assert "kernel's own work kept 0.25 cores busy" in text


def test_a_commit_with_changed_files_says_so_and_without_a_checkout_it_is_unknown(
    tmp_path: Path,
) -> None:
    assert commit(tmp_path) == "unknown"

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True)  # noqa: S607 - our own

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "first")
    clean = commit(tmp_path)
    assert len(clean) == 12
    (tmp_path / "result.json").write_text("{}")
    assert commit(tmp_path) == clean
    (tmp_path / "a").write_text("2")
    assert commit(tmp_path) == f"{clean} with changes"


def test_of_several_ways_of_one_the_one_with_the_best_median_is_kept() -> None:
    one, other = [{"rate": 1.0}, {"rate": 9.0}], [{"rate": 6.0}, {"rate": 7.0}]
    assert best_of_each({"A [1]": one, "A [2]": other, "B [1]": one}) == {"A": other, "B": one}


class Watch:
    """A clock that goes on when somebody waits, and loads that come one after the other."""

    def __init__(self, *loads: float) -> None:
        self.now, self.loads, self.said = 0.0, list(loads), list[str]()

    def load(self) -> tuple[float, float, float]:
        one = self.loads.pop(0) if len(self.loads) > 1 else self.loads[0]
        return one, 2.0, 3.0

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, seconds: float) -> list[float]:
        return wait_for_quiet(
            seconds, self.said.append, load=self.load, clock=lambda: self.now, pause=self.pause
        )


def test_a_quiet_machine_is_not_waited_for() -> None:
    watch = Watch(0.7)
    assert watch.wait(180) == [0.7, 2.0, 3.0]
    assert watch.now == 0
    assert watch.said == ["load 0.70, 2.00, 3.00"]


def test_a_busy_machine_is_waited_for_until_it_is_quiet() -> None:
    watch = Watch(2.0, 1.0, 0.5)
    assert watch.wait(180)[0] == 0.5
    assert watch.now == 10
    assert watch.said[-1] == "load 0.50 after 10 s: quiet"


def test_a_machine_that_stays_busy_is_waited_for_as_long_as_is_told_and_called_so() -> None:
    watch = Watch(2.0)
    assert watch.wait(60)[0] == 2.0
    assert watch.now == 60
    assert "NOT quiet" in watch.said[-1]
    without = Watch(2.0)
    assert without.wait(0)[0] == 2.0
    assert without.now == 0


def test_the_machine_s_first_line_tells_what_worked_and_what_the_host_took() -> None:
    text = "cpu  100 20 30 4000 500 6 4 70 50 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n"
    assert parse_stat(text, 10) == Machine(busy=16.0, stolen=7.0)
    with pytest.raises(ValueError, match="first line"):
        parse_stat("intr 1 2", 10)


def test_what_others_used_is_what_the_machine_did_without_ours() -> None:
    machine = iter([Machine(100.0, 5.0), Machine(103.0, 5.5)])
    ours = iter([[Process(7, 1, 10.0, 0, "x")], [Process(7, 1, 11.5, 0, "x")]])
    own = iter([1.0, 1.5])
    parts = Surrounded(
        {"x": 7}, read=lambda: next(ours), machine=lambda: next(machine), own=lambda: next(own)
    )
    parts.look(0.0)
    assert parts.others() is None
    parts.look(2.0)
    # Three of the machine's seconds in two: one and a half were ours, half a second looked.
    others = parts.others()
    assert others is not None
    assert others == pytest.approx({"cores": 0.5, "stolen": 0.25})


@examples(st.lists(st.floats(1, 500), min_size=1, max_size=20), st.floats(0.1, 10))
def test_what_is_left_goes_by_how_fast_it_went_so_far(expected: list[float], pace: float) -> None:
    now, said = [0.0], list[str]()
    progress = Progress(expected, said.append, lambda: now[0])
    assert progress.remaining == pytest.approx(sum(expected))
    for number, seconds in enumerate(expected):
        progress.begin("x")
        now[0] += seconds * pace
        assert progress.remaining == pytest.approx(
            sum(expected[number + 1 :]) * now[0] / sum(expected[: number + 1])
        )
        assert said[-1].startswith(f"[{number + 1} of {len(expected)}, about ")
