"""Which listed messages no webhook brought."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.events import Attachment, EventKind, Missed, calls_for_answer, event_key
from vestlus.conversation.identity import conversation_id
from vestlus.instagram.missed import (
    Findings,
    KnownMessage,
    MissedPolicy,
    missed_messages,
    user_of,
)
from vestlus.instagram.port import ListedMessage

ACCOUNT, SCOPED, USER = "17841400000000001", "555", "900000000000002"
OWN = frozenset({ACCOUNT, SCOPED})
POLICY = MissedPolicy()
HOUR_MS = 3_600_000
NOW = 1_800_000_000_000


def listed(mid: str, seconds_ago: int, text: str = "", *, ours: bool = False) -> ListedMessage:
    text = text or f"text of {mid}"
    created_ms = NOW - seconds_ago * 1000
    sender, to = (SCOPED, USER) if ours else (USER, SCOPED)
    return ListedMessage(mid=mid, sender=sender, recipients=(to,), text=text, created_ms=created_ms)


def known(one: ListedMessage, **fields: Any) -> KnownMessage:  # noqa: ANN401  of several types
    was = KnownMessage(one.mid, one.text, one.created_ms + 421, one.sender == USER)
    return replace(was, **fields)


def found(
    *newest_first: ListedMessage,
    mids: tuple[str, ...] = (),
    recorded: tuple[KnownMessage, ...] = (),
    since_ms: int = 0,
) -> Findings:
    return missed_messages(
        ACCOUNT,
        USER,
        newest_first,
        known_mids={*mids, *(one.mid for one in recorded if one.mid)},
        known=recorded,
        since_ms=since_ms,
        now_ms=NOW,
        policy=POLICY,
    )


def mids_of(findings: Findings) -> list[str | None]:
    return [one.mid for one in findings.events]


def test_a_missed_message_is_what_its_webhook_would_have_been() -> None:
    (event,) = found(listed("m1", 300, "Tere!")).events
    assert event.key == event_key(EventKind.MESSAGE, ACCOUNT, "m1")
    assert (event.kind, event.text, event.user) == (EventKind.MESSAGE, "Tere!", USER)
    assert event.conversation == conversation_id(ACCOUNT, USER)
    assert event.timestamp_ms == NOW - 300_000
    assert event.missed is Missed.LATE
    assert calls_for_answer(event)


def test_what_is_missed_comes_oldest_first_and_known_messages_stay_away() -> None:
    m1, m2, m3 = listed("m1", 300), listed("m2", 200), listed("m3", 100)
    assert mids_of(found(m3, m2, m1, recorded=(known(m2),))) == ["m1", "m3"]


def test_a_newer_known_message_hides_no_older_one() -> None:
    m1, m2 = listed("m1", 300), listed("m2", 200)
    assert mids_of(found(m2, m1, recorded=(known(m2),))) == ["m1"]


def test_our_own_messages_are_echoes_and_those_that_are_proved_nothing() -> None:
    person, ours = listed("p", 200, ours=True), listed("o", 100, ours=True)
    (event,) = found(ours, person, mids=("o",)).events
    assert (event.kind, event.mid) == (EventKind.ECHO, "p")
    assert event.key == event_key(EventKind.ECHO, ACCOUNT, "p")
    assert not calls_for_answer(event)


def test_what_an_unknown_id_of_ours_wrote_is_never_a_question() -> None:
    strange = replace(listed("m1", 300), sender="another id of the account's")
    (event,) = found(strange).events
    assert event.kind is EventKind.ECHO


def test_what_is_too_old_for_an_answer_is_marked() -> None:
    old, older = listed("m2", 6 * 3600 - 1), listed("m1", 6 * 3600 + 1)
    assert [one.missed for one in found(old, older).events] == [Missed.STALE, Missed.LATE]
    echo, since = found(listed("m3", 7 * 3600), listed("e", 8 * 3600, ours=True)).events
    assert since.missed is Missed.STALE
    assert echo.missed is Missed.LATE


def test_what_somebody_answered_long_ago_is_only_remembered() -> None:
    question, answer = listed("m1", 8 * 3600), listed("e", 7 * 3600, ours=True)
    assert [one.missed for one in found(answer, question).events] == [Missed.PAST, Missed.LATE]
    assert [one.missed for one in found(answer, question, mids=("e",)).events] == [Missed.PAST]


def test_what_is_just_written_is_left_to_its_webhook() -> None:
    m1, m2, m3 = listed("m1", 300), listed("m2", 30), listed("m3", 2)
    findings = found(m3, m2, m1)
    assert (mids_of(findings), findings.too_fresh) == (["m1"], True)
    assert not found(m3).too_fresh
    assert not found(m3, m2, mids=("m2",)).too_fresh


def test_what_is_older_than_the_look_goes_back_is_left_alone() -> None:
    m1, m2 = listed("m1", 300), listed("m2", 200)
    assert mids_of(found(m2, m1, since_ms=m2.created_ms)) == ["m2"]


def test_a_message_without_words_is_what_instagram_does_not_pass_on() -> None:
    (event,) = found(replace(listed("m1", 300), text="")).events
    assert (event.text, event.is_unsupported) == (None, True)
    picture = replace(listed("m1", 300), text="", attachments=(Attachment("image", "https://x"),))
    (event,) = found(picture).events
    assert (event.attachments, event.is_unsupported) == ((Attachment("image", "https://x"),), False)


def test_the_same_words_at_the_same_time_are_the_same_message_under_another_id() -> None:
    m1, m2 = listed("m1", 300), listed("m2", 200, "jah")
    same = known(m2, mid="other", text=" jah ")
    assert mids_of(found(m2, m1, recorded=(same,), mids=("m1",))) == []
    later = known(m2, mid="other", timestamp_ms=m2.created_ms + 60_000)
    assert mids_of(found(m2, m1, recorded=(later,), mids=("m1",))) == ["m2"]
    # One recorded message is one listed one.
    again = listed("m3", 199, "jah")
    assert mids_of(found(again, m2, m1, recorded=(same,), mids=("m1",))) == ["m3"]


def test_a_listing_whose_ids_fit_nothing_is_not_used() -> None:
    m1, m2, m3 = listed("m1", 300), listed("m2", 200), listed("m3", 100)
    told = known(m2, mid="webhook-2", text="edited since")
    assert found(m3, m2, m1, recorded=(told,)) == Findings(ids_differ=True)


def test_listed_times_are_ordered_within_a_second_by_what_is_known() -> None:
    m1, m2 = listed("m1", 300), listed("m2", 300)
    recorded = known(m1, timestamp_ms=m1.created_ms + 700)
    (event,) = found(m2, m1, recorded=(recorded,)).events
    assert event.timestamp_ms == m1.created_ms + 700


@pytest.mark.parametrize("own", [OWN, {ACCOUNT, SCOPED, "third"}])
def test_the_user_is_the_other_side(own: frozenset[str]) -> None:
    assert user_of([listed("m1", 2), listed("e", 1, ours=True)], own) == USER


def test_a_conversation_of_more_than_two_is_nobodys() -> None:
    assert user_of([listed("m1", 2)], {ACCOUNT}) is None
    assert user_of([], OWN) is None


@given(
    st.lists(st.tuples(st.integers(61, 5 * 3600), st.booleans(), st.booleans()), max_size=20),
)
def test_nothing_is_missed_and_nothing_taken_in_twice(
    told: list[tuple[int, bool, bool]],
) -> None:
    messages = [
        (listed(f"m{number}", ago, ours=ours), is_known)
        for number, (ago, ours, is_known) in enumerate(sorted(told, reverse=True))
    ]
    recorded = tuple(known(one) for one, is_known in messages if is_known)
    newest_first = [one for one, _ in messages][::-1]

    findings = found(*newest_first, recorded=recorded)

    assert mids_of(findings) == [one.mid for one, is_known in messages if not is_known]
    for event in findings.events:
        assert calls_for_answer(event) == (event.kind is EventKind.MESSAGE)
    times = [one.timestamp_ms for one in findings.events]
    assert times == sorted(times)
    # Once it is recorded, whatever came by webhook meanwhile, nothing is found again.

    more = tuple(known(one) for one in newest_first)
    assert found(*newest_first, recorded=more).events == ()
    assert {event.key for event in findings.events}.isdisjoint(
        event_key(EventKind.MESSAGE if one.from_user else EventKind.ECHO, ACCOUNT, one.mid or "")
        for one in recorded
    )
