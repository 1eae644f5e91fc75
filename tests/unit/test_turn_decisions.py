"""When to answer, restart, try again, and when to suspect a turn."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from vestlus.assistant.prompt import DEFAULT_HISTORY_TOKENS
from vestlus.conversation.events import Attachment, Event, EventKind, calls_for_answer
from vestlus.conversation.history import estimated_tokens, newest_within
from vestlus.conversation.transcript import as_history, spoken
from vestlus.conversation.turn import (
    MOST_TOGETHER,
    MOST_TOGETHER_TOKENS,
    AfterFailure,
    BurstPolicy,
    FailurePolicy,
    RestartPolicy,
    Start,
    SuspectPolicy,
    answer_at,
    first_together,
    in_meta_order,
    may_restart,
)


def message(text: str | None = None, *, at: int = 0, payload: str | None = None) -> Event:
    return Event(
        key="k",
        kind=EventKind.MESSAGE,
        account="1",
        user="2",
        conversation="c",
        mid="m",
        timestamp_ms=at,
        text=text,
        payload=payload,
    )


def test_a_finished_sentence_is_answered_sooner_than_a_fragment() -> None:
    policy = BurstPolicy(longest_ms=1500)
    finished = answer_at([(1000, message("Mis kell te avate?"))], policy)
    fragment = answer_at([(1000, message("tere"))], policy)
    assert 1000 < finished < fragment < 2500


def test_a_pressed_button_reads_finished() -> None:
    policy = BurstPolicy()
    assert answer_at([(0, message("Jah", payload="YES"))], policy) == policy.after_sentence_ms


def test_no_wait_is_configured_then_answers_are_at_once() -> None:
    assert answer_at([(77, message("tere"))], BurstPolicy(longest_ms=0)) == 77


@given(
    st.lists(
        st.tuples(st.integers(0, 100_000), st.sampled_from(["Tere.", "tere", "?"])), min_size=1
    ),
    st.integers(0, 10_000),
)
def test_a_burst_never_waits_over_the_limit_nor_answers_before_its_last_message(
    arrivals: list[tuple[int, str]], longest: int
) -> None:
    events = [(at, message(text)) for at, text in arrivals]
    first = min(at for at, _ in arrivals)
    last = max(at for at, _ in arrivals)
    at = answer_at(events, BurstPolicy(longest_ms=longest))
    assert first <= at <= first + longest
    assert at >= min(last, first + longest)


def test_a_chatterbox_is_answered_after_three_restarts_or_fifteen_seconds() -> None:
    policy = RestartPolicy()
    assert may_restart(2, 0, 14_999, policy)
    assert not may_restart(3, 0, 1, policy)
    assert not may_restart(0, 0, 15_000, policy)


@given(st.lists(st.integers(0, 5)))
def test_a_burst_is_in_metas_order_and_ties_keep_the_order_of_arrival(times: list[int]) -> None:
    events = [message(str(index), at=at) for index, at in enumerate(times)]
    ordered = in_meta_order(events)
    keys = [(event.timestamp_ms, int(event.text or "")) for event in ordered]
    assert keys == sorted(keys)


@given(st.integers(1, 100), st.integers(0, FailurePolicy().patience_ms - 1))
def test_a_model_that_is_away_is_waited_for_longer_each_time_and_never_over_the_limit(
    failures: int, waited: int
) -> None:
    policy = FailurePolicy()
    action, wait = policy.decide(failures, passing=True, waited_ms=waited)
    assert action is AfterFailure.TRY_AGAIN
    assert policy.first_wait_ms <= wait <= policy.longest_wait_ms
    earlier = policy.decide(max(1, failures - 1), passing=True, waited_ms=waited)
    assert wait >= earlier[1]


def test_messages_are_given_up_when_nobody_waits_for_the_answer_any_more() -> None:
    policy = FailurePolicy()
    decision = policy.decide(policy.most, passing=True, waited_ms=policy.patience_ms)
    assert decision == (AfterFailure.GIVE_UP, 0)


def test_a_message_that_came_late_still_gets_its_tries() -> None:
    policy = FailurePolicy()
    action, _ = policy.decide(1, passing=True, waited_ms=policy.patience_ms * 2)
    assert action is AfterFailure.TRY_AGAIN


def test_answers_that_cannot_be_used_are_asked_for_a_few_times_only() -> None:
    policy = FailurePolicy(most=4)
    actions = [policy.decide(count, passing=False, waited_ms=0)[0] for count in range(1, 5)]
    assert actions == [AfterFailure.TRY_AGAIN] * 3 + [AfterFailure.GIVE_UP]


def test_a_turn_that_saw_many_owners_die_is_tried_in_smaller_groups_and_then_quarantined() -> None:
    policy = SuspectPolicy(takeovers=3, groups=(8, 1))
    assert policy.decide(2, 0) is Start.FREELY
    assert policy.decide(3, 0) is Start.WATCHED
    assert policy.decide(4, 1) is Start.WATCHED
    assert policy.decide(5, 2) is Start.QUARANTINE
    assert [policy.together(probes) for probes in range(4)] == [8, 1, 1, 1]


@given(st.integers(2, 200), st.integers(0, 199))
def test_the_guilty_one_is_found_and_no_innocent_is_given_up(count: int, guilty: int) -> None:
    """A model of owners who die whenever the guilty turn begins, and never otherwise."""
    policy, guilty = SuspectPolicy(), guilty % count
    takeovers, probes = dict.fromkeys(range(count), 0), dict.fromkeys(range(count), 0)
    waiting = set(range(count))
    answered: set[int] = set()
    quarantined: set[int] = set()
    for _ in range(policy.takeovers + len(policy.groups) + 1):
        died = False
        free = {
            one for one in waiting if policy.decide(takeovers[one], probes[one]) is Start.FREELY
        }
        died = guilty in free
        while not died:
            suspects = sorted(waiting - answered, key=lambda one: probes[one])
            if not suspects:
                break
            size = policy.together(probes[suspects[0]])
            group = [one for one in suspects if probes[one] == probes[suspects[0]]][:size]
            for one in group:
                if policy.decide(takeovers[one], probes[one]) is Start.QUARANTINE:
                    quarantined.add(one)
                probes[one] += 1
            died = guilty in group and guilty not in quarantined
            answered |= set(group) if not died else set()
            waiting -= answered
        for one in waiting:
            takeovers[one] += 1
    assert quarantined == {guilty}


def test_what_instagram_did_not_pass_on_still_calls_for_an_answer() -> None:
    empty = message(None)
    assert calls_for_answer(empty)
    assert spoken(empty) == "[a message that Instagram does not pass on]"


@example(" ", [])
@given(st.text(), st.lists(st.sampled_from(["image", "ig_reel", "x"]), max_size=3))
def test_an_event_always_reads_as_something(text: str, kinds: list[str]) -> None:
    event = Event(
        key="k",
        kind=EventKind.MESSAGE,
        account="1",
        user="2",
        conversation="c",
        mid="m",
        timestamp_ms=0,
        text=text,
        attachments=tuple(Attachment(kind) for kind in kinds),
    )
    assert spoken(event)


@given(st.lists(st.text(max_size=1500), min_size=1, max_size=100))
def test_a_flood_is_answered_in_pieces_that_fit_and_lose_nothing(texts: list[str]) -> None:
    events = [message(text) for text in texts]
    pieces: list[list[str | None]] = []
    while events:
        piece = first_together(events)
        assert 1 <= len(piece) <= MOST_TOGETHER
        tokens = sum(estimated_tokens(spoken(event)) for event in piece)
        assert tokens <= MOST_TOGETHER_TOKENS or len(piece) == 1
        pieces.append([event.text for event in piece])
        events = events[len(piece) :]
    assert [text for piece in pieces for text in piece] == texts


def test_the_largest_piece_is_whole_in_its_prompt() -> None:
    quoted = {"q": "x" * 500}
    events = [
        Event(
            key="k",
            kind=EventKind.MESSAGE,
            account="1",
            user="2",
            conversation="c",
            mid="m",
            timestamp_ms=0,
            text="ä" * 300,
            reply_to_mid="q",
        )
        for _ in range(200)
    ]
    asked = [as_history(event, quoted) for event in first_together(events)]
    assert len(newest_within(asked, DEFAULT_HISTORY_TOKENS)) == len(asked)
