"""A report is good only when everything that was to happen did, and nothing that must not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.journal import Entry, Journal, Outage
from tests.chaos.posting import Post
from tests.chaos.report import BREACHES, Late, Report, step_name
from tests.chaos.steps import EVERY_STEP
from tests.chaos.timeline import story

CLEAN: dict[str, Any] = {name: [] for name in (*BREACHES, "order_unproven")} | {
    "not_accepted": 0,
    "answered": 10,
}
GOOD = Report(
    pair="rabbitmq+postgresql",
    seed=7,
    seconds=60,
    users=5,
    written=10,
    answers=10,
    fired={"graph apply": 5, "kill registry": 1},
    wanted={"graph apply": 5, "kill registry": 1},
    outages=[Outage("kill registry", 3.0, 2.0, 4), Outage("kill registry", 9.0, 4.0, 4)],
    verdict=CLEAN,
    steps={step_name(step): 1 for step in EVERY_STEP},
    ended=[],
    left_behind=[],
)


def test_a_run_with_everything_in_it_and_no_breach_is_good() -> None:
    assert GOOD.problems() == []
    assert "kept" in str(GOOD)
    assert "kill registry (2): newcomers answered after 3.0 s (median), 4.0 s (longest)" in str(
        GOOD
    )
    assert json.loads(GOOD.as_json())["problems"] == []


@pytest.mark.parametrize("name", BREACHES)
def test_each_breach_breaks_the_run_and_names_the_seed(name: str) -> None:
    report = replace(GOOD, verdict=CLEAN | {name: [{"user": "ub1"}]})
    assert report.problems() == [f"1 {name}"]
    assert "--seed 7" in str(report)


def test_a_fault_that_happened_too_seldom_breaks_the_run() -> None:
    assert replace(GOOD, fired={"kill registry": 1, "graph apply": 4}).problems() == [
        "graph apply: 4 times, at least 5 are wanted"
    ]


@pytest.mark.parametrize("step", sorted(EVERY_STEP))
def test_a_step_that_was_never_taken_breaks_the_run(step: Any) -> None:  # noqa: ANN401
    steps = {name: count for name, count in GOOD.steps.items() if name != step_name(step)}
    assert replace(GOOD, steps=steps).problems() == [f"{step_name(step)} was never taken"]


@pytest.mark.parametrize("step", [("sent", "pending"), ("unknown", "sending"), ("dead", "pending")])
def test_a_step_that_is_in_no_table_breaks_the_run(step: Any) -> None:  # noqa: ANN401
    steps = GOOD.steps | {step_name(step): 1}
    assert replace(GOOD, steps=steps).problems() == [f"{step_name(step)} is in no table"]


def test_messages_without_a_200_or_without_an_answer_break_the_run() -> None:
    assert replace(GOOD, verdict=CLEAN | {"not_accepted": 2}).problems()
    # Handed over, apologised for, unknown, a dead letter: all that is no answer.
    assert replace(GOOD, verdict=CLEAN | {"answered": 9}).problems() == [
        "1 messages without their answer"
    ]


def test_processes_that_outlive_their_service_break_the_run() -> None:
    assert replace(GOOD, left_behind=["ray::X"]).problems() == ["left behind: ray::X"]


@pytest.mark.parametrize(
    ("post", "said"),
    [
        (Post("A", "published", 2), "“A” is on the grid 2 times"),
        (Post("A", "dead", 0), "“A” is lost: not on the grid, and dead"),
        (Post("A", "unknown", 1), "“A” is lost: unknown, although it is on the grid"),
        (Post("A", "unknown", 0), "“A” is lost: not on the grid, and unknown"),
    ],
)
def test_a_post_that_is_not_out_just_once_breaks_the_run(post: Post, said: str) -> None:
    good = Post("B", "published", 1)
    assert replace(GOOD, posts=[good, good]).problems() == []
    report = replace(GOOD, posts=[good, post])
    assert report.problems() == [said]
    assert "posts: 2 planned, 1 once on the grid" in str(report)


def test_a_run_that_was_given_up_tells_why_and_all_that_it_saw() -> None:
    report = replace(GOOD, gave_up=["no answer within 300 s of: kill raylet\nthe end of a log"])
    assert report.problems() == ["gave up: no answer within 300 s of: kill raylet"]
    told = str(report)
    for part in ("the end of a log", "--seed 7", "kill registry 1", "10 messages"):
        assert part in told


def late(fired: int, **found: int) -> Late:
    return Late(fired, 9, CLEAN | {name: [{}] * count for name, count in found.items()})


def test_a_late_request_may_double_one_answer_and_no_more() -> None:
    assert replace(GOOD, late=late(3, duplicated=3)).problems() == []
    assert replace(GOOD, late=late(3, duplicated=4)).problems() == [
        "late: 4 answers doubled by 3 late requests"
    ]
    assert replace(GOOD, late=late(3, lost=1)).problems() == ["late: 1 lost"]
    assert replace(GOOD, late=late(0)).problems() == ["late: no request was late"]


def test_a_story_tells_messages_steps_and_faults_in_order_and_nothing_far_away() -> None:
    journal = Journal(lambda _: None, began=1000.0)
    journal.entries = [
        Entry(1010.5, 1013.0, "kill PublisherActor"),
        Entry(1200.0, 1201.0, "cut bus"),
    ]

    def message(seq: int, at: float, direction: str) -> dict[str, Any]:
        return {
            "seq": seq,
            "mid": f"mid-{seq:08}",
            "direction": direction,
            "text": f"Tere #ub1-{seq}",
            "attachments": [],
            "created_at": at,
            "accepted_at": at + 0.1 if direction == "in" else None,
            "echoed_at": None,
        }

    told = story(
        [message(1, 1010.0, "in"), message(2, 1015.0, "out")],
        [(1011.0, "pending → sending")],
        {"seq": 1},
        journal,
    )
    assert [line.split(" s  ")[1] for line in told] == [
        "writes #ub1-1 (00000001)",
        "  200 for #ub1-1",
        "! kill PublisherActor begins",
        "  ledger pending → sending",
        "! kill PublisherActor is over",
        "receives #ub1-2 (00000002)",
    ]
