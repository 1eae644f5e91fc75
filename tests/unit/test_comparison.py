"""The parts of `benchmarks.comparison` that need no machine: turns, figures, tables, webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from benchmarks.comparison.contestants import CELERY, FASTAPI, OURS, OURS_EMBEDDED
from benchmarks.comparison.figures import Spread, in_turn, ratios
from benchmarks.comparison.hammer import HammerPlan, mid, payload
from benchmarks.comparison.tables import (
    BEGIN,
    END,
    INSTANT,
    INTAKE_MANY,
    INTAKE_ONE,
    SLOW,
    TARGETS,
    Target,
    between_marks,
    markdown,
)
from benchmarks.peers.given import Said, is_signed, said_in
from vestlus.instagram.parsing import parse_webhook


def test_contestants_take_turns_in_every_round() -> None:
    assert list(in_turn("ABC", 2)) == [
        *((0, "A"), (0, "B"), (0, "C")),
        *((1, "A"), (1, "B"), (1, "C")),
    ]


def test_a_spread_is_the_median_the_least_and_the_most() -> None:
    assert Spread.of([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)


def test_of_nothing_there_is_no_spread() -> None:
    with pytest.raises(ValueError, match="no median"):
        Spread.of([])


@examples(st.lists(st.floats(0.1, 1e6), min_size=1))
def test_a_median_lies_between_the_least_and_the_most(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.least <= spread.median <= spread.most


def test_ratios_are_made_round_by_round() -> None:
    # The machine was half as fast in the second round, for both.
    assert ratios([300.0, 150.0], [100.0, 50.0]) == [3.0, 3.0]


def test_a_round_that_lacks_one_side_or_in_which_theirs_did_nothing_gives_no_ratio() -> None:
    assert ratios([300.0, None, 200.0], [0.0, 100.0, 100.0]) == [2.0]


def test_ratios_of_unequal_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_a_target_is_met_from_its_least_on_and_below_its_most() -> None:
    least, most = Target(SLOW, "x", "", least=120), Target(SLOW, "x", "", most=150)
    assert [least.met(value) for value in (119.9, 120)] == [False, True]
    assert [most.met(value) for value in (149.9, 150)] == [True, False]


def test_the_tables_show_medians_ratios_and_whether_targets_are_met() -> None:
    text = markdown(result())
    assert "| intake, 1 event per POST | ≥ 1.5 times FastAPI + aio-pika | **2.00 times** " in text
    assert "(1.90 – 2.10) | met |  |  |" in text
    assert "| answers, instant model | ≥ 3 times Celery | **2.00 times** | missed |" in text
    assert "**4.00 times** | met |" in text
    assert "| Celery (gevent, 2 x 50) | **50.0** | **2.00 times** |" in text
    assert "| gevent, 2 x 50 | 50.0 | 0 | 0 | yes |" in text


def test_tables_are_put_between_the_marks_of_a_page_and_nowhere_else() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = between_marks(page, "new")
    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert between_marks(once, "new") == once
    with pytest.raises(ValueError, match="lacks"):
        between_marks("no marks", "new")


def test_results_of_different_rows_make_one_set_of_tables() -> None:
    both, one, other = result(), result(), result()
    for name in (INTAKE_ONE, INTAKE_MANY):
        del other["rows"][name]
    one["rows"] = {name: both["rows"][name] for name in (INTAKE_ONE, INTAKE_MANY)}
    one["sweeps"] = {}
    (machine,) = [line for line in markdown(one).splitlines() if line.startswith("2026")]
    assert machine in markdown(one, other)
    tables = [block for block in markdown(one, other).split("\n\n") if "|" in block]
    assert tables == [block for block in markdown(both).split("\n\n") if "|" in block]


def test_a_row_that_was_not_run_has_no_target_and_no_table() -> None:
    text = markdown(result() | {"rows": {}})
    assert not any(target.row in text.partition("Celery, tried")[0] for target in TARGETS)


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    tables = [block for block in markdown(result()).split("\n\n") if block.startswith("|")]
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    # Targets, four rows, a sweep.
    assert len(tables) == 6


def test_what_was_lost_or_doubled_in_any_round_is_in_the_table() -> None:
    found = result()
    found["rows"][INTAKE_MANY][OURS][0]["lost"] = 3
    (line,) = [
        each for each in markdown(found).splitlines() if each.startswith("| Vestlus | **12,")
    ]
    assert "| 3 | 0 |" in line


def test_a_round_whose_generator_was_late_is_no_result_and_counts_in_no_figure() -> None:
    found = result()
    found["rows"][SLOW][OURS] = [answers(101), answers(120) | {"late_p99_ms": 140.0, "lost": 2}]
    text = markdown(found)
    (line,) = [each for each in text.splitlines() if each.startswith("| Vestlus | **101**")]
    # What was lost was lost, whoever was late.
    assert "| 2 |" in line
    assert "Vestlus: no result in 1 of 2 rounds" in text
    assert "by 140 ms at the 99th percentile, over 100 ms." in text


def test_a_row_without_any_result_has_no_figures_and_meets_no_target() -> None:
    found = result()
    found["rows"][SLOW][OURS] = [answers(130) | {"late_p99_ms": 100.1}] * 2
    text = markdown(found)
    assert "| Vestlus | no result |" in text
    assert "| answers, model of 2 s | ≥ 120/s |  | no result |" in text
    assert "**130**" not in text


def test_a_ratio_is_of_the_rounds_in_which_both_have_a_result() -> None:
    found = result()
    found["rows"][INSTANT][OURS] = [
        answers(100) | {"round": 0},
        answers(400) | {"round": 1, "late_p99_ms": 500.0},
    ]
    found["rows"][INSTANT][CELERY] = [answers(50) | {"round": 0}, answers(50) | {"round": 1}]
    assert "| Celery | **50.0** | **2.00 times** |" in markdown(found)


def test_a_generator_that_kept_its_core_busy_is_no_result_either() -> None:
    found = result()
    busy = {"costs": COSTS | {"generator": {"cores": 0.96, "megabytes": 1.0}}}
    found["rows"][INTAKE_MANY][OURS] = [intake(12_000) | busy] * 2
    assert "the generator kept 0.96 of a core busy" in markdown(found)


def test_how_late_the_generator_was_is_shown_where_it_had_a_schedule() -> None:
    found = result()
    found["rows"][SLOW][OURS] = [answers(120) | {"late_p99_ms": 42.5}] * 2
    (head,) = [each for each in markdown(found).splitlines() if "generator late p99" in each]
    assert "**42.5**" in markdown(found)
    assert head.count("late") == 1


def test_the_generator_s_webhooks_are_as_meta_writes_them() -> None:
    plan = HammerPlan(
        run="91",
        url="http://127.0.0.1/webhook",
        app_secret="s",
        accounts=["1784140001", "1784140002"],
        per_post=3,
        connections=1,
        settle=0,
        seconds=1,
    )
    raw = payload(plan, 3, 1_790_000_000_000)
    events = list(parse_webhook(raw))
    assert [event.mid for event in events] == [mid("91", number) for number in (3, 4, 5)]
    assert {event.account for event in events} == {"1784140002"}
    assert len({event.user for event in events}) == 3
    assert [said.mid for said in said_in(raw)] == [event.mid for event in events]


def test_peers_take_texts_and_pass_echoes_over() -> None:
    item: dict[str, Any] = {"sender": {"id": "u"}, "recipient": {"id": "a"}, "timestamp": 1}
    items = [
        item | {"message": {"mid": "m1", "text": "Tere"}},
        item | {"message": {"mid": "m2", "text": "Tere", "is_echo": True}},
        item | {"read": {"mid": "m1"}},
    ]
    raw = json.dumps({"object": "instagram", "entry": [{"id": "a", "messaging": items}]}).encode()
    assert said_in(raw) == [Said("a", "u", "m1", "Tere")]


def test_peers_check_the_signature_of_the_raw_bytes() -> None:
    digest = hmac.new(b"secret", b"{}", hashlib.sha256).hexdigest()
    assert is_signed(b"{}", f"sha256={digest}", b"secret")
    assert not is_signed(b"{ }", f"sha256={digest}", b"secret")
    assert not is_signed(b"{}", f"sha256={digest}", b"other")
    assert not is_signed(b"{}", None, b"secret")


def result() -> dict[str, Any]:
    """A result in the form of the JSON."""
    return {
        "started_at": "2026-01-01T00:00:00+00:00",
        "asked": {"rounds": 2, "seconds": 10.0},
        "packages": ["celery"],
        "machine": {
            "cores_usable": 2,
            "processor": "a processor",
            "memory_bytes": 8_000_000_000,
            "system": "Linux",
            "load_before": [0.1, 0.2, 0.3],
            "python": "3.12",
            "ray": "2.60",
            "openai": "3.54",
            "celery": "5.7",
            "RabbitMQ": "RabbitMQ 4.1",
            "PostgreSQL": "PostgreSQL 17",
        },
        "rows": {
            INTAKE_ONE: {
                OURS: [intake(1_900), intake(2_100)],
                FASTAPI: [intake(1_000), intake(1_000)],
            },
            INTAKE_MANY: {OURS: [intake(12_000), intake(12_000)]},
            INSTANT: {
                OURS: [answers(100), answers(100)],
                OURS_EMBEDDED: [answers(200), answers(200)],
                CELERY: [answers(50, "gevent, 2 x 50")] * 2,
            },
            SLOW: {OURS: [answers(120), answers(120)]},
        },
        "sweeps": {
            INSTANT: [
                {"how": "prefork, 1 x 4", "rate": 40.0, "lost": 0, "duplicated": 0},
                {"how": "gevent, 2 x 50", "rate": 50.0, "lost": 0, "duplicated": 0, "taken": True},
            ]
        },
    }


COSTS = {"contestant": {"cores": 1.0, "megabytes": 500.0}}


def intake(rate: float) -> dict[str, Any]:
    """One run of an intake row."""
    latencies = {"p50_ms": 10.0, "p99_ms": 20.0}
    return {"rate": rate, **latencies, "lost": 0, "duplicated": 0, "costs": COSTS}


def answers(rate: float, how: str = "") -> dict[str, Any]:
    """One run of a row of whole answers."""
    return {
        "rate": rate,
        "in_model": 245,
        "overhead_p50_ms": 90.0,
        "overhead_p99_ms": 900.0,
        "lost": 0,
        "how": how,
        "costs": COSTS,
    }
