"""Webhooks leave in Meta's form, and their signature holds for the bytes that are sent."""

import hashlib
import hmac
import json

from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.jsontypes import JsonObject
from vestlus.simulator.records import Attachment, Message, WebhookEvent
from vestlus.simulator.webhook_format import encode, message_event, payload, sign


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
