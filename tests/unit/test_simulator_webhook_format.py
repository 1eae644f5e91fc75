"""Webhooks leave in Meta's form, and their signature holds for the bytes that are sent."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.records import Attachment, Message, WebhookEvent
from vestlus.simulator.webhook_format import (
    edit_event,
    encode,
    handover_event,
    message_event,
    payload,
    reaction_event,
    sign,
    unsend_event,
)


def message(**changes: object) -> Message:
    values: dict[str, object] = {
        "seq": 1,
        "mid": "m1",
        "account": "A",
        "user": "U",
        "direction": "in",
        "author": "user",
        "text": "Tere",
        "timestamp_ms": 1740157200421,
    }
    return Message(**(values | changes))  # type: ignore[arg-type]


def test_bytes_are_escaped_as_meta_escapes_them() -> None:
    assert encode({"text": "äöå https://x"}) == b'{"text":"\\u00e4\\u00f6\\u00e5 https:\\/\\/x"}'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_escaping_changes_nothing_that_json_says(value: object) -> None:
    raw = encode(value)  # type: ignore[arg-type]
    assert json.loads(raw) == value
    assert raw.isascii()


def test_the_signature_is_the_hmac_of_the_bytes() -> None:
    expected = hmac.new(b"secret", b"body", hashlib.sha256).hexdigest()
    assert sign(b"body", "secret") == f"sha256={expected}"


def test_a_users_message_goes_from_the_user_to_the_account() -> None:
    event = message_event(message(reply_to="m0"), quick_reply="YES")
    assert event == {
        "sender": {"id": "U"},
        "recipient": {"id": "A"},
        "timestamp": 1740157200421,
        "message": {
            "mid": "m1",
            "text": "Tere",
            "quick_reply": {"payload": "YES"},
            "reply_to": {"mid": "m0"},
        },
    }


def test_an_echo_is_swapped_and_marked() -> None:
    sent = message(direction="out", text=None, attachments=(Attachment("image", "http://x/p"),))
    event = message_event(sent, echo=True)
    assert event["sender"] == {"id": "A"}
    assert event["recipient"] == {"id": "U"}
    assert event["message"] == {
        "mid": "m1",
        "attachments": [{"type": "image", "payload": {"url": "http://x/p"}}],
        "is_echo": True,
    }


def test_an_echo_shows_what_the_platform_knows_the_message_by() -> None:
    kept = Attachment("image", "http://x/p", "abc")
    sent = message(
        direction="out", text="Tere ", echo_mid="e1", echo_text="Tere", attachments=(kept,)
    )
    content = message_event(sent, echo=True, origin="http://simulator")["message"]
    assert content == {
        "mid": "e1",
        "text": "Tere",
        "attachments": [{"type": "image", "payload": {"url": "http://simulator/media/abc"}}],
        "is_echo": True,
    }


def test_a_message_taken_back_bears_its_mid_and_nothing_of_its_text() -> None:
    event = unsend_event(message(), 7)
    assert event["message"] == {"mid": "m1", "is_deleted": True}
    assert event["timestamp"] == 7


def test_an_edited_message_has_its_new_text_and_the_number_of_edits() -> None:
    event = edit_event(message(text="Uus", earlier_texts=("a", "b")), 7)
    assert event["message_edit"] == {"mid": "m1", "text": "Uus", "num_edit": 2}


def test_a_reaction_names_its_emoji_and_one_taken_back_does_not() -> None:
    assert reaction_event(message(), "❤️", 7)["reaction"] == {
        "mid": "m1",
        "action": "react",
        "reaction": "love",
        "emoji": "❤️",
    }
    assert reaction_event(message(), None, 7)["reaction"] == {"mid": "m1", "action": "unreact"}


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("pass", {"previous_owner_app_id", "new_owner_app_id"}),
        ("take", {"previous_owner_app_id"}),
        ("request", {"requested_owner_app_id"}),
    ],
)
def test_a_change_of_owner_names_the_apps(action: str, names: set[str]) -> None:
    content = handover_event("A", "U", action, {"metadata": "m"}, 7)[f"{action}_thread_control"]
    assert isinstance(content, dict)
    assert set(content) == {*names, "metadata"}


def test_what_comes_while_another_app_has_the_thread_stands_apart() -> None:
    events = [
        WebhookEvent(id=1, account="A", user="U", body={"n": 1}),
        WebhookEvent(id=2, account="A", user="U", body={"n": 2}, channel="standby"),
        WebhookEvent(id=3, account="A", user="U", body={"n": 3}),
    ]
    assert payload(events, 5, 10)["entry"] == [
        {"time": 5, "id": "A", "messaging": [{"n": 1}]},
        {"time": 5, "id": "A", "standby": [{"n": 2}]},
        {"time": 5, "id": "A", "messaging": [{"n": 3}]},
    ]


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=30), st.integers(1, 5))
def test_a_batch_holds_every_event_once_and_keeps_each_accounts_order(
    accounts: list[str], entry_events: int
) -> None:
    events = [
        WebhookEvent(id=number, account=account, user="U", body={"number": number})
        for number, account in enumerate(accounts)
    ]
    entries = payload(events, 0, entry_events)["entry"]
    assert isinstance(entries, list)
    found: dict[str, list[int]] = {}
    for entry in entries:
        assert isinstance(entry, dict)
        items = entry["messaging"]
        assert isinstance(items, list)
        assert 1 <= len(items) <= entry_events
        for item in items:
            assert isinstance(item, dict)
            number = item["number"]
            assert isinstance(number, int)
            found.setdefault(str(entry["id"]), []).append(number)
    expected: JsonObject = {
        account: [event.id for event in events if event.account == account] for account in "ABC"
    }
    assert found == {account: numbers for account, numbers in expected.items() if numbers}
