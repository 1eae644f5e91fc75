"""Sizes are worked out of what one message costs, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sizing import Wanted, measured, processes, report, stored_bytes

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


def test_a_rate_is_turned_into_processes_cores_and_bytes() -> None:
    said = "\n".join(report(RESULT, WANTED))

    # 300 a second at 4 ms each keep 1.2 cores busy: three half-busy event loops.
    assert "| ConversationActors, at 50% busy | 3 |" in said
    assert "| PublisherActors, at 50% busy | 2 |" in said
    # One could be lost: never fewer than two.
    assert "| webhook replicas, at 50% busy | 2 |" in said
    assert "| cores for PostgreSQL | 1.8 |" in said
    assert "| cores in all, servers included, without Ray's own | 6 |" in said
    # Ray's own costs do not grow with messages.
    assert "| service: Ray, whoever writes | 0.10 cores |" in said
    assert "| answers in the model, at 2 s each | 600 |" in said
    assert "| rows a day | 43 million |" in said


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
