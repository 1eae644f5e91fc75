"""Queued messages survive the bus unchanged, and what cannot be read is told by its place only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.events import Attachment, Event, EventKind
from vestlus.errors import UndecodableMessage
from vestlus.messages import (
    ActionRequest,
    SendReference,
    decode_inbox,
    decode_outbox,
    encode,
    inbox_message,
    outbox_message,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
MAYBE = st.none() | TEXT
EVENTS = st.builds(
    Event,
    key=TEXT,
    kind=st.sampled_from(EventKind),
    account=TEXT,
    user=MAYBE,
    conversation=MAYBE,
    mid=MAYBE,
    timestamp_ms=st.integers(0, 2**53),
    text=MAYBE,
    attachments=st.lists(st.builds(Attachment, TEXT, MAYBE, MAYBE), max_size=2).map(tuple),
    number=st.none() | st.integers(0, 9),
    is_self=st.booleans(),
)
SENDS = st.builds(
    SendReference,
    ledger_id=TEXT,
    account=TEXT,
    user=TEXT,
    conversation=TEXT,
    answers=st.lists(TEXT, max_size=3).map(tuple),
)


CONTEXT = f"00-{'1' * 32}-{'2' * 16}-01"
ACTIONS = st.builds(
    ActionRequest,
    account=TEXT,
    user=TEXT,
    action=st.sampled_from(["mark_seen", "typing_on"]),
    until_ms=st.integers(0, 2**53),
)


@given(st.lists(EVENTS, max_size=3).map(tuple), st.integers(0, 2**53))
def test_an_inbox_message_comes_out_as_it_went_in(events: tuple[Event, ...], at_ms: int) -> None:
    message = inbox_message(events, at_ms=at_ms, traceparent=CONTEXT)
    assert decode_inbox(encode(message)) == message


@given(st.lists(SENDS, max_size=3).map(tuple), st.lists(ACTIONS, max_size=3).map(tuple))
def test_an_outbox_message_comes_out_as_it_went_in(
    sends: tuple[SendReference, ...], actions: tuple[ActionRequest, ...]
) -> None:
    message = outbox_message(sends, at_ms=1, actions=actions)
    assert decode_outbox(encode(message)) == message


def test_a_message_without_actions_is_what_it_was_before_there_were_any() -> None:
    body = encode(outbox_message((), at_ms=1))
    assert b"actions" not in body
    assert decode_outbox(body).actions == ()


def test_an_action_that_nobody_knows_is_refused() -> None:
    action = ActionRequest(account="a", user="u", action="typing_on", until_ms=1)
    body = encode(outbox_message((), at_ms=1, actions=(action,)))
    with pytest.raises(UndecodableMessage, match=r"literal_error at actions\.0\.action"):
        decode_outbox(body.replace(b"typing_on", b"dance"))


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_never_repeated(body: bytes) -> None:
    for decode in (decode_inbox, decode_outbox):
        with pytest.raises(UndecodableMessage):
            decode(body)


def test_a_message_of_another_version_or_kind_is_refused() -> None:
    body = encode(outbox_message((), at_ms=1))
    with pytest.raises(UndecodableMessage, match="literal_error at kind"):
        decode_inbox(body)
    with pytest.raises(UndecodableMessage, match="literal_error at v"):
        decode_outbox(body.replace(b'"v":1', b'"v":2'))


def test_a_reason_names_the_place_and_not_the_content() -> None:
    with pytest.raises(UndecodableMessage) as caught:
        decode_inbox(b'{"v":1,"kind":"inbox","id":{"secret":1}}')
    assert "secret" not in caught.value.reason
    assert caught.value.reason.endswith("at id")
