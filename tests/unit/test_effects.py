"""What recorded events change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.echoes import Judgement, Whose
from vestlus.conversation.events import Attachment, Event, EventKind, event_key
from vestlus.conversation.history import Role
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.operating import Act, operator_event
from vestlus.hosting.effects import (
    HOLD_BEYOND_MS,
    PeoplePolicy,
    effect_of,
    people_policy,
    settled_change,
)
from vestlus.settings_account import Account
from vestlus.store.rows import Change, EventState, Silence

ACCOUNT = "17841400000000001"
USER = "900"
NOW = 1_900_000_000_000
POLICY = PeoplePolicy()


def event(kind: EventKind, **fields: object) -> Event:
    made = Event(
        key=event_key(kind, ACCOUNT, "m1"),
        kind=kind,
        account=ACCOUNT,
        user=USER,
        conversation=conversation_id(ACCOUNT, USER),
        mid="m1",
        timestamp_ms=NOW - 100,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def change_of(one: Event, judgement: Judgement | None = None) -> Change:
    change = effect_of(one, POLICY, NOW, judgement=judgement).change
    assert change is not None
    return change


def test_a_users_message_waits_for_an_answer_and_changes_nothing() -> None:
    new = effect_of(event(EventKind.MESSAGE, text="Tere"), POLICY, NOW)
    assert (new.state, new.change) == (EventState.PENDING, None)


def test_an_echo_of_ours_is_noted_with_the_send_it_proves() -> None:
    new = effect_of(
        event(EventKind.ECHO, text="Tere"), POLICY, NOW, judgement=Judgement(Whose.OURS, "s1")
    )
    assert (new.state, new.change, new.echo_of) == (EventState.NOTED, None, "s1")


def test_a_persons_echo_silences_the_bot_and_cancels_what_it_has_not_sent() -> None:
    change = change_of(event(EventKind.ECHO, text="Ma vastan"), Judgement(Whose.PERSON))
    assert change.silence is Silence.PERSON
    assert change.silent_until_ms == NOW + POLICY.pause_ms
    assert change.cancel_sends
    assert change.answers_all
    assert change.waiting_ms == 0
    assert change.disclose_again
    assert [(one.role, one.text) for one in change.history] == [(Role.OPERATOR, "Ma vastan")]


def test_a_persons_echo_that_only_seems_to_match_a_send_proves_none() -> None:
    suspicious = Judgement(Whose.PERSON, "s1", suspicious=True)
    new = effect_of(event(EventKind.ECHO, text="x"), POLICY, NOW, judgement=suspicious)
    assert new.echo_of is None


def test_an_undetermined_echo_holds_the_bots_sends_for_a_bounded_time() -> None:
    new = effect_of(
        event(EventKind.ECHO, text="x"), POLICY, NOW, judgement=Judgement(Whose.UNDETERMINED)
    )
    assert new.state is EventState.UNDETERMINED
    until = NOW + POLICY.echoes.undetermined_ms + HOLD_BEYOND_MS
    assert new.change == Change(rethink=False, held_until_ms=until)


def test_an_automation_of_the_app_is_remembered_and_silences_nobody() -> None:
    change = change_of(event(EventKind.ECHO, text="Oleme tagasi!"), Judgement(Whose.AUTOMATION))
    assert change.silence is None
    assert not change.cancel_sends
    assert change.history[0].role is Role.OPERATOR


def test_once_told_an_undetermined_echo_has_the_effect_it_would_have_had() -> None:
    one = event(EventKind.ECHO, text="Ma vastan")
    told = settled_change(one, Judgement(Whose.PERSON), POLICY, NOW)
    assert told == change_of(one, Judgement(Whose.PERSON))
    assert settled_change(one, Judgement(Whose.OURS, "s1"), POLICY, NOW) is None


def test_an_unsent_message_is_removed() -> None:
    assert change_of(event(EventKind.UNSEND)) == Change(removed_mid="m1")


def test_an_edit_counts_when_it_brings_the_new_text() -> None:
    assert change_of(event(EventKind.EDIT, text="uus", number=1)) == Change(edited=("m1", "uus"))
    assert effect_of(event(EventKind.EDIT, number=0), POLICY, NOW).change is None


def test_a_reaction_says_what_it_is_about() -> None:
    reaction = event(EventKind.REACTION, action="react", emoji="❤️")
    new = effect_of(reaction, POLICY, NOW, quotes={"m1": "Oleme avatud 9-17."})
    assert new.change is not None
    assert new.change.history[0].text == "[reacted with ❤️ to: “Oleme avatud 9-17.”]"
    taken_back = event(EventKind.REACTION, action="unreact")
    assert effect_of(taken_back, POLICY, NOW).change is None


def test_a_thread_taken_by_another_app_silences_the_bot_until_it_is_passed_back() -> None:
    taken = change_of(event(EventKind.HANDOVER, action="take_thread_control"))
    assert taken.silence is Silence.STANDBY
    assert taken.cancel_sends
    passed = change_of(event(EventKind.HANDOVER, action="pass_thread_control"))
    assert passed.silence is Silence.NONE
    asked = event(EventKind.HANDOVER, action="request_thread_control")
    assert effect_of(asked, POLICY, NOW).change is None


def test_a_message_on_standby_is_remembered_and_not_answered() -> None:
    new = effect_of(event(EventKind.STANDBY, text="Kas keegi on?"), POLICY, NOW)
    assert new.state is EventState.NOTED
    assert new.change is not None
    assert new.change.history[0].text == "Kas keegi on?"
    assert new.change.silence is Silence.STANDBY


def act(what: Act, **fields: object) -> Change:
    made = operator_event(what, account=ACCOUNT, user=USER, identity="i", at_ms=NOW)
    return change_of(replace(made, **fields))  # type: ignore[arg-type]


def test_an_operators_reply_is_sent_as_a_persons_and_silences_the_bot() -> None:
    change = act(Act.REPLY, text="Tere, siin Mari.")
    assert [one.text for one in change.sends] == ["Tere, siin Mari."]
    assert change.silence is Silence.PERSON
    assert change.answers_all
    assert change.history[0].role is Role.OPERATOR


def test_handing_back_ends_the_silence_and_makes_the_bot_say_again_that_it_is_one() -> None:
    change = act(Act.HAND_BACK)
    assert change.silence is Silence.NONE
    assert change.disclose_again
    assert change.waiting_ms == 0


def test_a_draft_is_approved_as_it_is_or_in_other_words() -> None:
    assert act(Act.APPROVE, number=7) == Change(approved_turn=7)
    edited = act(Act.APPROVE, number=7, text="Teisiti.")
    assert edited == Change(approved_turn=7, approved_texts=("Teisiti.",))
    assert act(Act.REJECT, number=7) == Change(rejected_turn=7)


def test_an_act_without_what_it_needs_changes_nothing() -> None:
    empty = operator_event(Act.REPLY, account=ACCOUNT, user=USER, identity="i", at_ms=NOW)
    assert effect_of(empty, POLICY, NOW).change is None


def test_acts_are_told_apart_by_their_identity_alone() -> None:
    def key(identity: str, act: Act) -> str:
        return operator_event(act, account=ACCOUNT, user=USER, identity=identity, at_ms=NOW).key

    assert key("i", Act.REPLY) == key("i", Act.REPLY)
    assert key("i", Act.REPLY) != key("j", Act.REPLY)


def test_an_accounts_settings_make_its_policy() -> None:
    account = Account(
        id=ACCOUNT,
        access_token="x",  # type: ignore[arg-type]
        pause_minutes=5,
        automation_texts=(" Oleme  tagasi ",),
        match_echo_ids=False,
    )
    policy = people_policy(account)
    assert policy.pause_ms == 300_000
    assert policy.echoes.automation_texts == {"Oleme tagasi"}
    assert not policy.echoes.match_ids


@pytest.mark.parametrize("kind", [EventKind.COMMENT, EventKind.MENTION, EventKind.READ])
def test_what_concerns_no_conversation_is_noted(kind: EventKind) -> None:
    new = effect_of(event(kind, conversation=None), POLICY, NOW)
    assert (new.state, new.change) == (EventState.NOTED, None)


@given(
    kind=st.sampled_from(EventKind),
    text=st.none() | st.text(max_size=30),
    action=st.none() | st.text(max_size=10) | st.sampled_from(Act),
    number=st.none() | st.integers(),
    mid=st.none() | st.text(max_size=5),
    attachments=st.lists(st.builds(Attachment, st.text(max_size=8)), max_size=2).map(tuple),
)
def test_every_event_has_an_effect_and_only_users_messages_wait(
    *,
    kind: EventKind,
    text: str | None,
    action: str | None,
    number: int | None,
    mid: str | None,
    attachments: tuple[Attachment, ...],
) -> None:
    one = event(kind, text=text, action=action, number=number, mid=mid, attachments=attachments)
    new = effect_of(one, POLICY, NOW)
    assert (new.state is EventState.PENDING) == (kind in (EventKind.MESSAGE, EventKind.POSTBACK))
