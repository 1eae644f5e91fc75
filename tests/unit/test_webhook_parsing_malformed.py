"""What is malformed spoils itself only, and what is no webhook is refused."""

from __future__ import annotations

import json

import pytest

from tests.unit.webhook_bodies import ACCOUNT, MALFORMED, USER, K, body, item, message, one
from vestlus.errors import NotWebhook
from vestlus.instagram.parsing import parse_webhook
from vestlus.messages import decode_inbox, encode, inbox_message

# Malformed items.


@pytest.mark.parametrize("bad", MALFORMED, ids=lambda bad: repr(bad)[:60])
def test_a_malformed_item_becomes_unknown_and_the_rest_of_its_batch_survives(bad: object) -> None:
    before, spoiled, after = parse_webhook(
        body(message(), bad, item(message={"mid": "m-2", "text": "Still here"}))
    )
    assert (before.kind, spoiled.kind, after.kind) == (K.MESSAGE, K.UNKNOWN, K.MESSAGE)
    assert spoiled.account == ACCOUNT
    assert spoiled.user is None
    assert (before.text, after.text) == ("Hello", "Still here")


def test_unknown_items_are_told_apart_by_content_and_known_again_by_it() -> None:
    keys = [one(bad).key for bad in MALFORMED]
    assert keys == [one(bad).key for bad in MALFORMED]
    assert len(set(keys)) == len(MALFORMED)


def test_numbers_that_json_does_not_have_and_numbers_without_end_spoil_one_item_only() -> None:
    raw = (
        b'{"object":"instagram","entry":[{"id":"1","messaging":['
        b'{"timestamp":NaN,"message":{"mid":"a"}},{"timestamp":1e999,"message":{"mid":"b"}},'
        b'{"timestamp":' + b"9" * 9000 + b',"message":{"mid":"c"}},'
        b'{"sender":{"id":"2"},"timestamp":5,"message":{"mid":"d","text":"fine"}}]}]}'
    )
    kinds = [event.kind for event in parse_webhook(raw)]
    assert kinds == [K.UNKNOWN, K.UNKNOWN, K.UNKNOWN, K.MESSAGE]


def test_an_entry_that_is_no_object_or_has_nothing_we_know_becomes_unknown() -> None:
    raw = json.dumps(
        {"object": "instagram", "entry": [7, {"id": ACCOUNT, "time": 5, "surprise": []}]}
    ).encode()
    first, second = parse_webhook(raw)
    assert (first.kind, first.account) == (K.UNKNOWN, "")
    assert (second.kind, second.account, second.timestamp_ms) == (K.UNKNOWN, ACCOUNT, 5000)


def test_a_list_that_is_none_becomes_one_unknown_event() -> None:
    events = parse_webhook(body(messaging={"0": 1}, changes="x", standby=[message()]))
    assert sorted(event.kind for event in events) == [K.STANDBY, K.UNKNOWN, K.UNKNOWN]


def test_an_entry_with_empty_lists_tells_nothing() -> None:
    assert parse_webhook(body(messaging=[], changes=[])) == ()
    assert parse_webhook(b'{"object":"instagram","entry":[]}') == ()


def test_a_malformed_comment_becomes_unknown() -> None:
    assert one(changes=[{"field": "comments", "value": {"id": {}}}]).kind is K.UNKNOWN
    assert one(changes=[{"field": "comments", "value": "x"}]).kind is K.UNKNOWN
    assert one(changes=[{"field": [], "value": {}}]).kind is K.UNKNOWN
    assert one(changes=[None]).kind is K.UNKNOWN


def test_an_account_id_of_a_wrong_type_is_no_account() -> None:
    event = one(message(), account={"id": 1})
    assert (event.kind, event.account) == (K.MESSAGE, "")


def test_ids_written_as_numbers_are_the_same_ids() -> None:
    as_numbers = item(message={"mid": "m"}) | {"sender": {"id": int(USER)}}
    assert one(as_numbers, account=int(ACCOUNT)) == one(item(message={"mid": "m"}))


def test_what_cannot_be_stored_is_replaced_in_texts_and_ids() -> None:
    event = one(
        {
            "sender": {"id": "9\x00"},
            "recipient": {"id": ACCOUNT},
            "message": {
                "mid": "m\ud800",
                "text": "a\x00b\udfffc \U0001f600",
                "attachments": [{"type": "image\x00", "payload": {"url": "u\ud800"}}],
            },
        }
    )
    assert (event.user, event.mid) == ("9\ufffd", "m\ufffd")
    assert event.text == "a\ufffdb\ufffdc \U0001f600"
    assert event.attachments[0].type == "image\ufffd"
    assert decode_inbox(encode(inbox_message((event,), at_ms=1))).events == (event,)


# What is no webhook.


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"hello", "not_json"),
        (b'{"object":"instagram","entry":[]} trailing', "not_json"),
        (b'{"object":"instagram\xff","entry":[]}', "not_json"),
        (b"null", "not_instagram"),
        (b"17", "not_instagram"),
        (b"[]", "not_instagram"),
        (b"[[]]", "not_instagram"),
        (b"{}", "not_instagram"),
        (b'{"object":"page","entry":[]}', "not_instagram"),
        (b'{"object":["instagram"],"entry":[]}', "not_instagram"),
        (b'{"object":"instagram"}', "no_entries"),
        (b'{"object":"instagram","entry":{}}', "no_entries"),
        (b"[" * 200_000, "too_deep"),
        (b'{"object":' * 100_000, "too_deep"),
        (b'{"object":"instagram","entry":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "too_deep"),
    ],
)
def test_what_is_no_webhook_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(NotWebhook) as caught:
        parse_webhook(raw)
    assert caught.value.reason == reason


@pytest.mark.parametrize("depth", [50, 200, 400, 600, 800, 900, 950, 1000, 2000])
def test_no_depth_of_nesting_does_harm(depth: int) -> None:
    raw = b'{"object":"instagram","entry":[' + b"[" * depth + b"]" * depth + b"]}"
    try:
        (event,) = parse_webhook(raw)
    except NotWebhook as refusal:
        assert refusal.reason == "too_deep"  # noqa: PT017 - both outcomes are right
    else:
        assert event.kind is K.UNKNOWN


def test_a_refusal_holds_nothing_of_the_body() -> None:
    with pytest.raises(NotWebhook) as caught:
        parse_webhook(b'{"text": "private" oops')
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "private" not in str(caught.value)
