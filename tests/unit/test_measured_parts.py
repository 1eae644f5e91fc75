"""What the parts of the way of a message tell the measures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publishers.measured import note_step
from tests.contract.store_support import message
from tests.fakes.bus import MemoryBus
from tests.fakes.measures import measured
from vestlus.assistant.breaker import Breaker
from vestlus.assistant.failures import Reason, outcome_of
from vestlus.bus.measured import MeasuredBus
from vestlus.bus.port import Queue
from vestlus.conversation.events import EventKind, Missed
from vestlus.conversation.reply import TextPart
from vestlus.errors import (
    AssistantInvalid,
    AssistantUnavailable,
    BusUnavailable,
    HeldBack,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.hosting.composing import Answer
from vestlus.hosting.recorded import note_recorded
from vestlus.hosting.turn_counts import TurnCounts
from vestlus.instagram.graph_measures import GraphCall
from vestlus.measuring.minutes import MINUTES
from vestlus.store.ledger import SendState
from vestlus.store.measure_rows import MinuteRow
from vestlus.store.rows import After, EventState, RecordedEvent, SendRow

SENDING = SendRow(
    id="c.1.0",
    account="measured",
    user="u",
    conversation="c",
    position=1,
    text="Tere!",
    answers=("m1", "m2"),
    state=SendState.SENDING,
    due_ms=0,
    deadline_ms=10**9,
    attempts=1,
    resends=0,
    attempted_ms=40_000,
    traceparent="",
    created_ms=20_000,
    asked_ms=10_000,
)


def minutes() -> list[MinuteRow]:
    """What was added up of the account since the last look."""
    return [row for row in MINUTES.take() if row.account == "measured"]


def answers(account: str = "measured") -> tuple[float, float]:
    """How many answers were measured, and how long all of them took."""
    return (
        measured("vestlus_answer_seconds_count", account=account),
        measured("vestlus_answer_seconds_sum", account=account),
    )


def test_the_last_part_of_an_answer_tells_how_long_the_user_waited() -> None:
    minutes()
    count, took = answers()
    note_step(replace(SENDING, asked_ms=0), SendState.SENT, 45_000)
    assert answers() == (count, took)
    note_step(SENDING, SendState.SENT, 50_000)
    assert answers() == (count + 1, took + 40)
    (row,) = minutes()
    assert (row.answered, sum(row.times), row.failed) == (2, 1, 0)


def test_one_that_was_found_later_was_sent_when_it_was_last_tried() -> None:
    count, took = answers()
    note_step(replace(SENDING, state=SendState.LOOKING), SendState.SENT, 500_000)
    assert answers() == (count + 1, took + 30)


def test_what_was_not_sent_is_no_answer_and_what_was_taken_back_no_failure() -> None:
    minutes()
    before = answers()
    for state in (SendState.DEAD, SendState.UNKNOWN, SendState.CANCELLED, SendState.PENDING):
        note_step(SENDING, state, 50_000)
    assert answers() == before
    (row,) = minutes()
    assert (row.answered, row.failed) == (0, 2)


def test_events_are_counted_by_kind_and_messages_that_call_for_an_answer_by_minute() -> None:
    minutes()
    labels = {"account": "measured", "kind": "message"}
    events = measured("vestlus_events_recorded_total", **labels)
    lags = measured("vestlus_recording_lag_seconds_count")
    new = message(account="measured", timestamp_ms=59_000)
    note_recorded(
        [
            RecordedEvent(seq=n, event=event, state=EventState.PENDING, recorded_ms=1)
            for n, event in enumerate(
                (
                    new,
                    replace(new, kind=EventKind.READ),
                    # Found by looking: how late it is says nothing of the way.
                    replace(new, missed=Missed.LATE),
                )
            )
        ],
        60_000,
    )
    assert measured("vestlus_events_recorded_total", **labels) == events + 2
    assert measured("vestlus_recording_lag_seconds_count") == lags + 2
    (row,) = minutes()
    assert (row.minute_ms, row.received) == (60_000, 2)


@pytest.mark.parametrize(
    ("answer", "handed_over", "outcome"),
    [
        (Answer(parts=(TextPart("Tere!"),)), False, "answered"),
        (Answer(), False, "said_nothing"),
        (Answer(leaves_unanswered=True), False, "left_open"),
        (Answer(limited=True), False, "limited"),
        (Answer(parts=(TextPart("Tere!"),)), True, "handed_over"),
        (Answer(after=After(apology_ms=1)), True, "apologised"),
    ],
)
def test_a_committed_turn_counts_once_by_what_is_rarest_about_it(
    answer: Answer, *, handed_over: bool, outcome: str
) -> None:
    before = measured("vestlus_turns_total", account="measured", outcome=outcome)
    TurnCounts().committed("measured", answer, handed_over=handed_over)
    assert measured("vestlus_turns_total", account="measured", outcome=outcome) == before + 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Throttled("rate", retry_after=1), "throttled"),
        (HeldBack("held_back"), "held_back"),
        (NotSent("timeout"), "not_sent"),
        (TokenRejected("token"), "token_rejected"),
        (Refused("refused"), "refused"),
        (OutcomeUnknown("timeout"), "unknown"),
        (TimeoutError(), "given_up"),
    ],
)
def test_a_call_of_graph_is_measured_by_what_came_of_it(error: Exception, outcome: str) -> None:
    labels = {"call": "for_tests", "outcome": outcome}
    before = measured("vestlus_graph_call_seconds_count", **labels)
    throttled = measured("vestlus_graph_throttled_total", account="measured")
    with pytest.raises(type(error)), GraphCall("for_tests", "measured"):
        raise error
    assert measured("vestlus_graph_call_seconds_count", **labels) == before + 1
    more = measured("vestlus_graph_throttled_total", account="measured") - throttled
    assert more == (1 if outcome == "throttled" else 0)


async def test_a_request_is_measured_from_when_it_may_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("vestlus.instagram.graph_measures.time.perf_counter", lambda: now)

    async def waits() -> bool:
        nonlocal now
        now += 30
        return True

    labels = {"call": "gated", "outcome": "done"}
    before = measured("vestlus_graph_call_seconds_sum", **labels)
    with GraphCall("gated", "measured") as call:
        gate = call.gate(waits)
        assert gate is not None
        assert await gate()
        now += 2
    assert measured("vestlus_graph_call_seconds_sum", **labels) == before + 2
    assert call.gate(None) is None


async def test_a_breaker_that_opens_is_told_until_it_closes() -> None:
    now = 0.0
    breaker = Breaker(lambda: now, failures=2, name="for_tests")
    opened = measured("vestlus_model_breakers_opened_total", of="for_tests")

    async def away() -> None:
        raise AssistantUnavailable(Reason.TIMEOUT)

    async def there() -> None:
        return

    for _ in range(2):
        with pytest.raises(AssistantUnavailable):
            await breaker.run(away)
    assert measured("vestlus_model_breakers_open", of="for_tests") == 1
    with pytest.raises(AssistantUnavailable):
        await breaker.run(there)
    now = 100.0
    with pytest.raises(AssistantUnavailable):
        await breaker.run(away)
    # Open again, and still one.
    assert measured("vestlus_model_breakers_open", of="for_tests") == 1
    assert measured("vestlus_model_breakers_opened_total", of="for_tests") == opened + 2
    now = 200.0
    await breaker.run(there)
    assert measured("vestlus_model_breakers_open", of="for_tests") == 0
    for outcome, count in (("timeout", 3), ("circuit_open", 1), ("done", 1)):
        labels = {"call": "for_tests", "outcome": outcome}
        assert measured("vestlus_model_call_seconds_count", **labels) == count


def test_only_words_of_ours_are_told_of_what_a_model_did() -> None:
    assert outcome_of(AssistantInvalid("blank")) == "blank"
    assert outcome_of(AssistantInvalid("Tere, Mari!")) == "other"
    assert outcome_of(RuntimeError("x")) == "other"


async def test_publishes_are_measured_by_queue_and_by_whether_they_were_confirmed() -> None:
    labels = {"queue": "planner"}
    name = "vestlus_bus_publish_seconds_count"
    before = [measured(name, outcome=one, **labels) for one in ("confirmed", "unavailable")]
    inner = MemoryBus()
    async with MeasuredBus(inner) as bus:
        await bus.publish(Queue.PLANNER, 0, [b"x"])
        await bus.check()
        assert await bus.depth(Queue.PLANNER, 0) == 1
        inner.fail = lambda _: BusUnavailable("away")
        with pytest.raises(BusUnavailable):
            await bus.publish(Queue.PLANNER, 0, [b"x"])
    after = [measured(name, outcome=one, **labels) for one in ("confirmed", "unavailable")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1]
