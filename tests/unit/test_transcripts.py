"""What tables keep of a conversation becomes a transcript, with each message once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.events import Event, EventKind
from vestlus.conversation.operating import Act
from vestlus.conversation.window import WINDOW_MS
from vestlus.desk.looking import place_of, place_word
from vestlus.desk.transcript_lines import LineState, What, Who
from vestlus.desk.transcripts import NEWEST_MS, Holder, Transcript, happened, transcript_of
from vestlus.desk.writing import ReplyRefused, Way, checked_text, checked_way, way_to_write
from vestlus.store.ledger import SendState
from vestlus.store.operator_rows import FAILED, HANDED_IN, AuditEntry
from vestlus.store.rows import (
    ConversationRow,
    EventState,
    Kind,
    Origin,
    RecordedEvent,
    Silence,
)
from vestlus.store.talk_rows import HistoryLine, Place, Sending, Talk, TranscriptPart

DAY_MS = WINDOW_MS
ROW = ConversationRow("c", "a", "u", 0, 0, 0, 0, 0, 0, (), ())
TALK = Talk(row=ROW)


def event(seq: int, kind: EventKind = EventKind.MESSAGE, **fields: object) -> RecordedEvent:
    """An event of the time of its number."""
    state = fields.pop("state", EventState.NOTED)
    made = Event(
        key=f"key-{seq}",
        kind=kind,
        account="a",
        user="u",
        conversation="c",
        mid=f"mid-{seq}",
        timestamp_ms=seq,
    )
    return RecordedEvent(seq, replace(made, **fields), state, seq)  # type: ignore[arg-type]


def sending(at_ms: int, **fields: object) -> Sending:
    made = Sending(
        id=f"c.{at_ms}.0",
        position=at_ms * 1000,
        turn=at_ms,
        kind=Kind.TEXT,
        text="Tere!",
        pictures=(),
        origin=Origin.BOT,
        state=SendState.SENT,
        reason="",
        created_ms=at_ms,
        changed_ms=at_ms,
        deadline_ms=at_ms + 9,
        sent_mid=None,
        echo_mid=None,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def line(
    at_ms: int, role: str, text: str, mid: str | None = None, turn: int | None = None
) -> HistoryLine:
    return HistoryLine(position=at_ms, role=role, text=text, at_ms=at_ms, mid=mid, turn=turn)


def entry(at_ms: int, action: str, person: str, detail: str = "") -> AuditEntry:
    return AuditEntry(at_ms, person, "agent", "oidc", f"conversation.{action}", "c", detail=detail)


def told(
    part: TranscriptPart, *entries: AuditEntry, talk: Talk = TALK, limit: int = 99
) -> Transcript:
    return transcript_of(talk, part, entries, now_ms=1_000, limit=limit)


def test_what_only_the_history_keeps_is_told_as_it_has_it() -> None:
    history = (
        line(5, "operator", "Siin Mari."),
        line(4, "user", "[reacted with ❤ to: “Tere!”]"),
        line(3, "assistant", "Tere!", turn=2),
        line(2, "user", "Tere?", mid="m"),
    )
    lines = told(TranscriptPart(history=history)).lines
    assert [(one.who, one.text) for one in lines] == [
        (Who.USER, "Tere?"),
        (Who.BOT, "Tere!"),
        (Who.NOTE, "[reacted with ❤ to: “Tere!”]"),
        (Who.PERSON, "Siin Mari."),
    ]
    assert lines[2].what is What.TOLD


def test_what_is_kept_twice_is_told_once_with_all_that_is_known() -> None:
    asked = event(1, text="Kas on vaba?", state=EventState.ANSWERED)
    replied = event(
        5, EventKind.OPERATOR, action=str(Act.REPLY), text="Siin Mari.", state=EventState.NOTED
    )
    part = TranscriptPart(
        history=(
            line(5, "operator", "Siin Mari."),
            line(3, "user", "[reacted with ❤ to: “x”]"),
            line(2, "assistant", "On.\n\nTulge!", turn=2),
            line(1, "user", "Kas on vaba?", mid="mid-1"),
        ),
        events=(replied, asked),
        sends=(
            sending(5, text="Siin Mari.", origin=Origin.PERSON),
            sending(2, id="c.2.1", position=2_001, text="Tulge!", echo_mid="out"),
            sending(2, text="On."),
        ),
        about=(
            event(3, EventKind.REACTION, mid="out", emoji="❤", action="react"),
            event(4, EventKind.EDIT, mid="mid-1"),
        ),
        recorded=frozenset({"mid-1"}),
        promised=frozenset({2}),
        seen_ms=2,
    )
    lines = told(part, entry(5, "reply", "Mari", "key-5")).lines
    assert [(one.who, one.text, one.state, one.by) for one in lines] == [
        (Who.USER, "Kas on vaba?", LineState.NONE, ""),
        (Who.BOT, "On.", LineState.READ, ""),
        (Who.BOT, "Tulge!", LineState.READ, ""),
        (Who.PERSON, "Siin Mari.", LineState.SENT, "Mari"),
    ]
    assert lines[0].edited
    assert lines[2].reactions == ("❤",)


def test_a_persons_echo_is_told_and_our_own_is_not() -> None:
    part = TranscriptPart(
        events=(
            event(3, EventKind.ECHO, text="Alles ei tea", state=EventState.UNDETERMINED),
            event(2, EventKind.ECHO, text="Mari telefonist"),
            event(1, EventKind.ECHO, text="Tere!"),
        ),
        claimed=frozenset({"mid-1"}),
    )
    (found,) = told(part).lines
    assert (found.who, found.text, found.in_app) == (Who.PERSON, "Mari telefonist", True)


def test_reactions_that_were_taken_back_are_gone() -> None:
    about = (
        event(2, EventKind.REACTION, mid="mid-1", emoji="❤", action="react"),
        event(3, EventKind.REACTION, mid="mid-1", emoji="😀", action="react"),
    )
    part = TranscriptPart(events=(event(1, text="x"),), about=about)
    assert told(part).lines[0].reactions == ("😀",)
    undone = event(4, EventKind.REACTION, mid="mid-1", action="unreact")
    assert told(replace(part, about=(*about, undone))).lines[0].reactions == ()


def test_who_has_taken_a_conversation_over_is_told_by_the_newest_sign() -> None:
    talk = replace(TALK, row=replace(ROW, silence=Silence.PERSON, silent_until_ms=2_000))
    taken = entry(5, "take_over", "Mari")
    assert told(TranscriptPart(), taken, talk=talk).holder == Holder("Mari", 5)
    echo = TranscriptPart(events=(event(7, EventKind.ECHO, text="Jaan siin"),))
    assert told(echo, taken, talk=talk).holder == Holder("", 7, in_app=True)
    assert told(TranscriptPart(), talk=talk).holder == Holder("", 0)
    over = replace(talk, row=replace(talk.row, silent_until_ms=1_000))
    assert told(TranscriptPart(), taken, talk=over).holder is None


def test_an_act_that_could_not_be_handed_in_did_not_happen_unless_its_event_is_there() -> None:
    boris = replace(entry(1, "take_over", "Boris", "key-1"), outcome=HANDED_IN)
    tried = replace(entry(2, "take_over", "Anna", "key-2"), outcome=HANDED_IN)
    failed = replace(tried, at_ms=3, outcome=FAILED)
    refused = replace(entry(3, "reply", "Anna"), outcome="not_sent")
    assert happened([refused, failed, tried, boris], {"key-1"}) == [boris]
    assert happened([failed, tried, boris], {"key-1", "key-2"}) == [tried, boris]


def test_an_act_that_was_handed_in_at_the_second_try_happened_then() -> None:
    first = replace(entry(1, "take_over", "Anna", "key-1"), outcome=HANDED_IN)
    failed = replace(first, at_ms=2, outcome=FAILED)
    second = replace(first, at_ms=3)
    assert happened([second, failed, first], ()) == [second]
    assert happened([replace(failed, at_ms=4), second, failed, first], ()) == []


def test_drafts_are_told_by_their_turns() -> None:
    part = TranscriptPart(
        sends=(
            sending(8, id="c.8.1", position=8_001, state=SendState.DRAFT, text="", pictures=("p",)),
            sending(8, state=SendState.DRAFT, text="Kaks."),
            sending(7, state=SendState.DRAFT, text="Üks."),
            sending(6, state=SendState.CANCELLED, reason="rejected"),
        )
    )
    found = told(part)
    assert [(one.turn, one.text, one.pictures) for one in found.drafts] == [
        (7, "Üks.", ()),
        (8, "Kaks.", ("p",)),
    ]
    assert found.lines[0].reason == "rejected"


@given(
    events=st.lists(st.integers(1, 30)),
    sends=st.lists(st.integers(1, 30)),
    history=st.lists(st.integers(1, 30)),
    limit=st.integers(1, 5),
)
def test_parts_have_each_line_once_and_in_order(
    events: list[int], sends: list[int], history: list[int], limit: int
) -> None:
    """As long as no more of one kind happens in one moment than a part has."""
    for times in (events, sends, history):
        times.sort()
        times[:] = [at for place, at in enumerate(times) if times[:place].count(at) < limit]
    all_events = [replace(event(at, text="x"), seq=n) for n, at in enumerate(events)]
    all_sends = [
        sending(at, id=f"c.{n}.0", position=n, text="y", turn=n) for n, at in enumerate(sends)
    ]
    all_history = [
        replace(line(at, "operator", f"z{n}"), position=n) for n, at in enumerate(history)
    ]

    def part(before: int) -> TranscriptPart:
        kinds = (
            [one for one in reversed(all_history) if one.at_ms < before],
            [one for one in reversed(all_events) if one.event.timestamp_ms < before],
            [one for one in reversed(all_sends) if one.created_ms < before],
        )
        return TranscriptPart(
            history=tuple(kinds[0][:limit]),
            events=tuple(kinds[1][:limit]),
            sends=tuple(kinds[2][:limit]),
            more=max(len(kind) for kind in kinds) > limit,
        )

    seen: list[tuple[int, str]] = []
    before = NEWEST_MS
    while before:
        found = told(part(before), limit=limit)
        assert found.older_ms < before
        seen = [(one.at_ms, one.id) for one in found.lines] + seen
        before = found.older_ms
    assert len(seen) == len(events) + len(sends) + len(history)
    assert len({id_ for _, id_ in seen}) == len(seen)
    assert [at for at, _ in seen] == sorted(at for at, _ in seen)


def test_how_a_person_s_message_goes_depends_on_when_the_user_wrote() -> None:
    assert way_to_write(0, 5) is Way.NEVER
    assert way_to_write(1, 1 + DAY_MS) is Way.USUAL
    assert way_to_write(1, 2 + DAY_MS) is Way.HUMAN_AGENT
    assert way_to_write(1, 1 + 7 * DAY_MS) is Way.HUMAN_AGENT
    assert way_to_write(1, 2 + 7 * DAY_MS) is Way.CLOSED
    for user_ms, reason in ((0, "never_wrote"), (1, "too_late")):
        with pytest.raises(ReplyRefused) as refused:
            checked_way(user_ms, 9 * DAY_MS)
        assert refused.value.reason == reason


@pytest.mark.parametrize(("text", "reason"), [(" \n", "blank"), ("sõna " * 4_000, "too_long")])
def test_a_text_that_cannot_be_sent_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ReplyRefused) as refused:
        checked_text(text)
    assert refused.value.reason == reason


@given(st.integers(-(10**16), 10**16), st.one_of(st.just(""), st.just("0" * 32)))
def test_places_in_lists_survive_an_address(number: int, id_: str) -> None:
    assert place_of(place_word(Place(number, id_))) == Place(number, id_)


@given(st.text(max_size=40))
def test_any_other_word_is_no_place(word: str) -> None:
    try:
        place = place_of(word)
    except ValueError:
        return
    assert place is None or abs(place.number) < 2**63
