"""Sizes are worked out of what one message costs, and nothing else."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sizing import ROOT, between_marks, options, results, wanted
from benchmarks.sizing_costs import kept, measured
from benchmarks.sizing_plan import (
    STORE_CONNECTIONS,
    Wanted,
    partitions,
    processes,
    stored_bytes,
)
from benchmarks.sizing_report import report
from vestlus.store import postgres

RESULT: dict[str, Any] = {
    "throughput": {"answered": 1_000},
    "parts": [
        {"name": "generator", "cpu_seconds": 5.0},
        {"name": "service: conversations (ConversationActor)", "cpu_seconds": 4.0},
        {"name": "service: publishers (PublisherActor)", "cpu_seconds": 2.0},
        {"name": "service: webhook (Serve replicas)", "cpu_seconds": 1.0},
        {"name": "PostgreSQL", "cpu_seconds": 3.0},
        {"name": "service: Ray", "cpu_seconds": 9.0, "cores_mean": 0.1},
    ],
    "tables": [
        {"name": "inbox_event", "rows": 2_000, "bytes": 2_000_000},
        {"name": "ledger", "rows": 1_000, "bytes": 500_000},
        {"name": "history", "rows": 2_000, "bytes": 1_000_000},
    ],
}
WANTED = Wanted(
    messages_a_day=8_640_000,
    peak=3,
    model_seconds=2,
    busy=0.5,
    messages_days=90,
    events_days=14,
    sends_days=30,
)


def said(*found: dict[str, Any], wanted: Wanted | None = None) -> str:
    return "\n".join(report(found, wanted or WANTED))


def test_a_rate_is_turned_into_processes_cores_and_bytes() -> None:
    text = said(RESULT)
    # 300 a second at 4 ms each keep 1.2 cores busy: three half-busy event loops.
    assert "| ConversationActors, 50% busy at the peak | 3 (`auto:2-8`) |" in text
    assert "| PublisherActors, 50% busy at the peak | 2 (`auto:2-4`) |" in text
    # 1 ms each is one replica; one more, so that one may be lost.
    assert "| webhook replicas, 1 of which may be lost | 2 |" in text
    # Rounded up: 1.8, and 4.2 with Ray's own.
    assert "| PostgreSQL: cores, and as many for its standby | 2 |" in text
    assert "| cores for the service, ingress and Ray's own included, rounded up | 5 |" in text
    # Ray's own costs do not grow with messages.
    assert "| service: Ray, whoever writes | 0.100 cores |" in text
    assert "| answers in the model, at 2 s each | 600 |" in text
    # 43.2 million.
    assert "| rows a day, rounded up | 44 million |" in text
    assert "| headroom: what comes before those cores are full | 2.00 times the peak, 600 " in text


def test_connections_are_those_of_the_processes_that_were_planned() -> None:
    text = said(RESULT)
    # Three and two actors, two replicas, the registry and the SchedulerActor.
    assert "| processes with connections, at the peak | 9 |" in text
    assert "| their connections to PostgreSQL, at most | 72 |" in text
    assert "| their connections to RabbitMQ | 18 |" in text


def test_runs_that_do_not_agree_give_a_range_and_what_one_lacks_comes_from_the_other() -> None:
    parts = [
        {"name": "service: conversations (ConversationActor)", "cpu_seconds": 8.0},
        {"name": "RabbitMQ", "cpu_seconds": 3.0},
    ]
    text = said(RESULT, {"throughput": {"answered": 1_000}, "parts": parts, "run": "the other"})
    assert "| service: conversations (ConversationActor) | 4.00 to 8.00 |" in text
    assert "| ConversationActors, 50% busy at the peak | 3 to 5 " in text
    # 1.8 cores on one node: a third of it where copies cost nothing.
    assert "every queue copied to all; cores of each | 1 to 2 |" in text
    assert "- the other" in text


def test_a_run_without_words_of_its_own_is_told_by_its_circumstances() -> None:
    found = RESULT | {
        "asked": {"rate": 60.0},
        "machine": {"bus": "RabbitMQ 4.1", "load_before": [0.1, 0.2, 0.3]},
        "commit": "abc with changes",
        "verdict": {"outcome": "passed"},
    }
    assert (
        "- 1,000 messages, 60 a second due, RabbitMQ 4.1, load before [0.1, 0.2, 0.3], "
        "commit abc with changes, verdict: passed"
    ) in said(kept(found))


def test_of_a_result_is_kept_what_sizes_rest_on() -> None:
    whole = RESULT | {"series": [1, 2, 3], "run": "a run"}
    assert "series" not in kept(whole)
    assert said(kept(whole)) == said(whole)


def test_the_page_shows_exactly_what_is_printed() -> None:
    page = (ROOT / "docs/scaling.md").read_text("utf-8")
    text = "\n".join(report(results(), wanted(options([]))))
    assert between_marks(page, text) == page
    with pytest.raises(ValueError, match="lacks"):
        between_marks("no marks", text)


def test_the_overlay_for_that_rate_has_the_pools_that_are_printed() -> None:
    settings = (ROOT / "deploy/aks/overlays/production/settings.yaml").read_text("utf-8")
    page = (ROOT / "docs/scaling.md").read_text("utf-8")
    for name, row in (
        ("VESTLUS_CONVERSATION_ACTORS: (.+)", r"\| ConversationActors, .*`(.+)`\) \|"),
        ("VESTLUS_PUBLISHER_ACTORS: (.+)", r"\| PublisherActors, .*`(.+)`\) \|"),
        ('VESTLUS_WEBHOOK_REPLICAS: "(.+)"', r"\| webhook replicas, .* \| (.+) \|"),
    ):
        has, printed = re.search(name, settings), re.search(row, page)
        assert has is not None
        assert printed is not None
        assert has[1] == printed[1]


def test_connections_of_a_process_are_those_that_the_store_has() -> None:
    assert STORE_CONNECTIONS == postgres._CONNECTIONS


def test_each_table_counts_for_its_own_days() -> None:
    a_day, at_rest = stored_bytes(measured(RESULT), WANTED)
    assert a_day == pytest.approx(8_640_000 * 3_500)
    assert at_rest == pytest.approx(8_640_000 * (2_000 * 14 + 500 * 30 + 1_000 * 90))


def test_a_run_without_answers_says_nothing() -> None:
    with pytest.raises(ValueError, match="nothing was answered"):
        measured(RESULT | {"throughput": {"answered": 0}})


@given(st.floats(0.01, 50), st.integers(1, 3), st.none() | st.integers(3, 9))
def test_there_are_enough_processes_unless_more_would_be_of_no_use(
    milliseconds: float, least: int, most: int | None
) -> None:
    number = processes(milliseconds, WANTED, least, most)
    assert number >= least
    if most is None:
        assert number * WANTED.busy * 1000 >= WANTED.peak_rate * milliseconds * (1 - 1e-6)
    else:
        assert number <= most


@given(st.integers(1, 200))
def test_there_are_two_partitions_for_each_actor_within_what_is_sensible(actors: int) -> None:
    number = partitions(actors)
    assert 16 <= number <= 64
    assert number.bit_count() == 1
    assert number >= min(2 * actors, 64)
