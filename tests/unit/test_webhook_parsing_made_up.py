"""Whatever a body holds, it is a webhook and can go on the bus, or is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.webhook_bodies import ACCOUNT
from vestlus.errors import NotWebhook
from vestlus.instagram.parsing import parse_webhook
from vestlus.messages import decode_inbox, encode, inbox_message

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=20,
)
#: Words that make arbitrary JSON walk into the parser.
WORDS = st.sampled_from(
    [
        *("sender", "recipient", "timestamp", "id", "mid", "text", "message", "attachments"),
        *("payload", "type", "url", "reply_to", "story", "is_echo", "is_deleted", "is_self"),
        *("reaction", "action", "emoji", "read", "postback", "referral", "optin", "app_roles"),
        *("message_edit", "num_edit", "pass_thread_control", "metadata", "quick_reply", "media"),
        *("comment_id", "product", "ads_context_data", "title"),
    ]
)
NEAR = st.recursive(
    JSON | st.sampled_from([True, 0, "1", "2021-09-08T06:34:04+0000", ACCOUNT, 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
FIELDS = st.sampled_from(["comments", "mentions", "messages", "standby", "live_comments", "x"])
CHANGES = st.lists(st.fixed_dictionaries({"field": FIELDS, "value": NEAR}) | NEAR, max_size=3)
ENTRIES = st.lists(
    NEAR
    | st.fixed_dictionaries(
        {},
        optional={
            "id": JSON | st.just(ACCOUNT),
            "time": JSON,
            "messaging": st.lists(NEAR, max_size=4) | JSON,
            "standby": st.lists(NEAR, max_size=4),
            "changes": CHANGES,
            "field": FIELDS,
            "value": NEAR,
        },
    ),
    max_size=4,
)


# hypothesis draws literals of the modules that are loaded too, and among them are webhooks.
@given(raw=st.binary())
@example(raw=b"\xef\xbb\xbf[]")
@example(raw=b'{"object":"instagram","entry":[]}')
def test_arbitrary_bytes_are_a_webhook_or_are_refused_and_nothing_else(raw: bytes) -> None:
    try:
        parse_webhook(raw)
    except NotWebhook:
        return
    content = json.loads(raw.decode("utf-8-sig"))
    for one in content if isinstance(content, list) else [content]:
        assert one["object"] == "instagram"
        assert isinstance(one["entry"], list)


@given(content=JSON)
def test_arbitrary_json_is_refused_and_nothing_else(content: object) -> None:
    with pytest.raises(NotWebhook):
        parse_webhook(json.dumps(content).encode())


@settings(max_examples=200)
@given(entries=ENTRIES)
def test_anything_signed_by_meta_is_read_and_can_go_on_the_bus(entries: object) -> None:
    raw = json.dumps({"object": "instagram", "entry": entries}).encode()
    events = parse_webhook(raw)
    assert parse_webhook(raw) == events
    sent = inbox_message(events, at_ms=1)
    assert decode_inbox(encode(sent)) == sent
    assert all(0 <= event.timestamp_ms <= 10**14 for event in events)
    assert not any("\x00" in field for event in events for field in (event.text or "", event.key))
