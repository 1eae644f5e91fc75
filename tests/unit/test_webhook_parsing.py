"""What a webhook's body tells, whatever its shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vestlus.conversation.events import Event, EventKind, calls_for_answer
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.errors import NotWebhook
from vestlus.instagram.parsing import group_by_partition, parse_webhook
from vestlus.messages import decode_inbox, encode, inbox_message

PAYLOADS = Path(__file__).parent.parent / "payloads"
ACCOUNT = "17841400000000001"
USER = "900000000000002"
SENT_MS = 1740157200421
ENTRY_MS = 1740157200749

K = EventKind

#: Every payload file, and the kinds of the events that it tells of.
KINDS: dict[str, list[EventKind]] = {
    "app_roles": [K.HANDOVER],
    "array_wrapped": [K.MESSAGE],
    "batch": [K.MESSAGE, K.MESSAGE, K.MESSAGE, K.MENTION],
    "comment_changes": [K.COMMENT],
    "comment_changes_nested": [K.COMMENT],
    "comment_flat": [K.COMMENT],
    "dashboard_test": [K.MESSAGE],
    "edit": [K.EDIT],
    "edit_with_text": [K.EDIT],
    "ephemeral": [K.MESSAGE],
    "every_attachment": [K.MESSAGE] * 15,
    "image": [K.MESSAGE],
    "live_comment": [K.COMMENT],
    "mention": [K.MENTION],
    "mention_flat": [K.MENTION],
    "message_in_changes": [K.MESSAGE],
    "message_referral": [K.MESSAGE],
    "message_reply": [K.MESSAGE],
    "optin": [K.OPTIN],
    "pass_thread_control": [K.HANDOVER],
    "post_share": [K.MESSAGE],
    "postback": [K.POSTBACK],
    "quick_reply": [K.MESSAGE],
    "reaction": [K.REACTION],
    "read": [K.READ],
    "read_without_sender": [K.READ],
    "reel_echo": [K.ECHO],
    "referral": [K.REFERRAL],
    "request_thread_control": [K.HANDOVER],
    "self": [K.MESSAGE],
    "standby": [K.STANDBY],
    "story_mention": [K.MESSAGE],
    "story_reply": [K.MESSAGE],
    "take_thread_control": [K.HANDOVER],
    "text": [K.MESSAGE],
    "text_echo": [K.ECHO],
    "text_unicode": [K.MESSAGE],
    "unknown_kind": [K.UNKNOWN, K.UNKNOWN],
    "unreact": [K.REACTION],
    "unsend": [K.UNSEND],
    "unsupported": [K.MESSAGE],
}


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def only(name: str) -> Event:
    (event,) = parse_webhook(payload(name))
    return event


def body(*items: object, account: object = ACCOUNT, **entry: object) -> bytes:
    """A webhook with one entry; ``items`` are its messaging[]."""
    content = {"time": ENTRY_MS, "id": account, **entry}
    if items:
        content["messaging"] = list(items)
    return json.dumps({"object": "instagram", "entry": [content]}).encode()


def item(**content: object) -> dict[str, object]:
    return {
        "sender": {"id": USER},
        "recipient": {"id": ACCOUNT},
        "timestamp": SENT_MS,
        **content,
    }


def message(**content: object) -> dict[str, object]:
    return item(message={"mid": "m-1", "text": "Hello", **content})


def one(*items: object, **entry: object) -> Event:
    (event,) = parse_webhook(body(*items, **entry))
    return event


# What each payload tells.


def test_every_payload_file_has_an_expectation() -> None:
    assert {path.stem for path in PAYLOADS.glob("*.json")} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_payload_tells_of_the_events_it_should(name: str) -> None:
    events = parse_webhook(payload(name))
    assert [event.kind for event in events] == KINDS[name]
    assert len({event.key for event in events}) == len(events)
    for event in events:
        sided = event.user is not None
        assert event.conversation == (
            conversation_id(event.account, event.user or "") if sided else None
        )


@pytest.mark.parametrize("name", KINDS)
def test_what_was_read_from_a_payload_survives_the_bus(name: str) -> None:
    sent = inbox_message(parse_webhook(payload(name)), at_ms=1)
    assert decode_inbox(encode(sent)) == sent


def test_the_payloads_that_call_for_an_answer_are_these() -> None:
    answered = {
        name
        for name in KINDS
        if any(calls_for_answer(event) for event in parse_webhook(payload(name)))
    }
    assert answered == {
        "array_wrapped",
        "batch",
        "dashboard_test",
        "ephemeral",
        "every_attachment",
        "image",
        "message_in_changes",
        "message_referral",
        "message_reply",
        "post_share",
        "postback",
        "quick_reply",
        "story_mention",
        "story_reply",
        "text",
        "text_unicode",
        "unsupported",
    }


def test_a_text_names_account_user_mid_and_moment() -> None:
    event = only("text")
    assert (event.account, event.user, event.timestamp_ms) == (ACCOUNT, USER, SENT_MS)
    assert event.mid is not None
    assert event.mid.startswith("aWdf")
    assert event.text == "Omg"


def test_escaped_text_is_read_as_it_was_written() -> None:
    assert only("text_unicode").text == "Tere! Mis kell te avate? äöüõ ❤️"


@pytest.mark.parametrize("name", ["reel_echo", "text_echo"])
def test_the_user_of_an_echo_is_its_recipient(name: str) -> None:
    item_of = json.loads(payload(name))["entry"][0]["messaging"][0]
    assert only(name).user == item_of["recipient"]["id"]
    assert only(name).account == item_of["sender"]["id"]


def test_a_message_from_the_account_without_the_echo_mark_is_an_echo_all_the_same() -> None:
    event = one(item(sender={"id": ACCOUNT}, recipient={"id": USER}, message={"mid": "m"}))
    assert (event.kind, event.user) == (K.ECHO, USER)


def test_what_the_account_wrote_to_itself_is_marked_and_wants_no_answer() -> None:
    event = only("self")
    assert event.is_self
    assert not calls_for_answer(event)


def test_an_attachment_has_type_address_title_and_media_id() -> None:
    (reel,) = only("reel_echo").attachments
    assert (reel.type, reel.title, reel.media_id) == (
        "ig_reel",
        "A walk by the sea",
        "90000000000000006",
    )
    assert reel.url is not None
    assert reel.url.startswith("https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=")


def test_every_attachment_type_is_kept_by_metas_name() -> None:
    types = [event.attachments[0].type for event in parse_webhook(payload("every_attachment"))]
    assert types == [
        *("media", "audio", "file", "image", "video", "share", "ig_post", "story_mention"),
        *("ig_reel", "reel", "story", "ig_story", "template", "fallback", "ephemeral"),
    ]


def test_an_ephemeral_attachment_has_no_payload() -> None:
    (attachment,) = only("ephemeral").attachments
    assert (attachment.type, attachment.url) == ("ephemeral", None)


def test_a_post_share_has_both_its_attachments() -> None:
    assert [a.type for a in only("post_share").attachments] == ["share", "ig_post"]
    assert {a.media_id for a in only("post_share").attachments} == {"90000000000000007"}


def test_a_single_attachment_object_is_taken_for_a_list_of_one() -> None:
    event = one(message(attachments={"type": "image", "payload": {"url": "https://a.example/"}}))
    assert [a.type for a in event.attachments] == ["image"]


def test_a_reply_names_what_it_replies_to() -> None:
    assert only("story_reply").story_id == "90000000000000020"
    assert only("story_reply").story_url is not None
    assert only("message_reply").reply_to_mid == only("text_echo").mid


def test_reactions_say_what_was_done_and_with_what() -> None:
    assert (only("reaction").action, only("reaction").emoji) == ("react", "❤️")
    assert (only("unreact").action, only("unreact").emoji) == ("unreact", None)
    assert only("reaction").key != only("unreact").key


def test_a_reaction_without_an_action_is_told_by_its_emoji() -> None:
    assert one(item(reaction={"mid": "m", "emoji": "x"})).action == "react"
    assert one(item(reaction={"mid": "m"})).action == "unreact"


def test_buttons_carry_their_payload() -> None:
    assert (only("postback").text, only("postback").payload) == ("Opening hours", "HOURS")
    assert (only("quick_reply").text, only("quick_reply").payload) == ("Yes", "CONFIRM_YES")
    assert only("optin").payload == "NEWS"


def test_an_edit_counts_in_an_integer_or_in_text() -> None:
    assert (only("edit").number, only("edit").text) == (0, None)
    assert (only("edit_with_text").number, only("edit_with_text").text) == (2, "Omg, hello")


def test_a_read_may_lack_both_sides() -> None:
    assert only("read").user == USER
    assert only("read_without_sender").user is None
    assert only("read_without_sender").mid == only("read").mid
    assert only("read_without_sender").timestamp_ms == 1784201823243


def test_a_referral_says_where_the_user_came_from() -> None:
    assert json.loads(only("referral").referral or "") == {
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ref": "spring",
        "ad_id": "6045246247433",
    }
    within = json.loads(only("message_referral").referral or "")
    assert (within["product_id"], within["ad_title"]) == ("5000000000000030", "Spring sale")
    pressed = one(item(postback={"mid": "m", "referral": {"ref": "poster"}}))
    assert json.loads(pressed.referral or "") == {"ref": "poster"}


def test_standby_is_read_from_the_message_within_and_its_iso_time() -> None:
    event = only("standby")
    assert (event.user, event.timestamp_ms) == (USER, 1631082844000)
    assert event.text is not None
    assert event.text.startswith("This is the first standby message")
    assert not calls_for_answer(event)


def test_a_message_and_its_reaction_in_standby_are_two_events() -> None:
    items = [message(), item(reaction={"mid": "m-1", "emoji": "x"}), item(read={"mid": "m-1"})]
    events = parse_webhook(body(standby=items))
    assert [event.kind for event in events] == [K.STANDBY] * 3
    assert len({event.key for event in events}) == 3


def test_handover_says_what_happened_to_the_threads_control() -> None:
    event = only("pass_thread_control")
    assert event.action == "pass_thread_control"
    assert json.loads(event.payload or "")["new_owner_app_id"] == "123456789"
    assert only("take_thread_control").action == "take_thread_control"
    assert only("request_thread_control").action == "request_thread_control"
    assert json.loads(only("app_roles").payload or "") == {"123456789": ["primary_receiver"]}


@pytest.mark.parametrize("name", ["comment_flat", "comment_changes", "comment_changes_nested"])
def test_a_comment_is_the_same_in_every_shape_and_is_no_conversation(name: str) -> None:
    event = only(name)
    assert event.key == only("comment_flat").key
    assert (event.comment_id, event.media_id) == ("90000000000000040", "90000000000000042")
    assert event.text == "How much is it?"
    assert (event.user, event.conversation, event.mid) == (None, None, None)


def test_a_mention_is_the_same_flat_and_in_changes() -> None:
    assert only("mention") == only("mention_flat")
    assert only("mention").timestamp_ms == 1520622968000


def test_direct_messages_in_changes_are_known_again_in_messaging() -> None:
    in_changes = only("message_in_changes")
    value = json.loads(payload("message_in_changes"))["entry"][0]["changes"][0]["value"]
    assert parse_webhook(body(value)) == (in_changes,)


def test_standby_in_changes_is_standby() -> None:
    event = one(changes=[{"field": "standby", "value": message()}])
    assert event == one(standby=[message()])


def test_the_dashboards_test_message_is_read() -> None:
    event = only("dashboard_test")
    assert (event.account, event.user, event.text) == ("0", "12334", "random_text")
    assert event.timestamp_ms == 1527459824000


# Moments.


@pytest.mark.parametrize(
    ("given", "ms"),
    [
        (1740157200421, 1740157200421),
        (1740157200, 1740157200000),
        ("1740157200", 1740157200000),
        ("1740157200421", 1740157200421),
        (1740157200.5, 1740157200500),
        ("2021-09-08T06:34:04+0000", 1631082844000),
        ("2021-09-08T09:34:04+03:00", 1631082844000),
        ("2021-09-08T06:34:04Z", 1631082844000),
        ("2021-09-08T06:34:04", 1631082844000),
    ],
)
def test_moments_are_understood_in_all_of_metas_ways(given: object, ms: int) -> None:
    assert one(message() | {"timestamp": given}).timestamp_ms == ms


def test_an_item_without_a_moment_has_its_entrys_and_then_none() -> None:
    untimed = message() | {"timestamp": None}
    assert one(untimed).timestamp_ms == ENTRY_MS
    assert one(untimed, time="nonsense").timestamp_ms == 0
    assert one(untimed, time=None).timestamp_ms == 0


# Malformed items.

MALFORMED: list[object] = [
    None,
    17,
    "text",
    [],
    {},
    item(),
    item(message=None),
    item(message="text"),
    item(message={"text": "no mid"}),
    item(message={"mid": {"deep": 1}, "text": "x"}),
    item(message={"mid": "m" * 513}),
    item(message={"mid": ""}),
    item(reaction={"action": "react"}),
    item(message_edit={"num_edit": 1}),
    item(message_edit={"mid": "m", "num_edit": "many"}),
    item(message_edit={"mid": "m", "num_edit": -1}),
    item(message_edit={"mid": "m", "num_edit": 2**31}),
    item(message_edit={"mid": "m", "num_edit": True}),
    message(text=5),
    message(text=["x"]),
    message(attachments="image"),
    message(attachments=[["image"]]),
    message(attachments=[{"type": 7}]),
    message(attachments=[{"type": "image", "payload": {"url": {}}}]),
    message(is_echo="yes"),
    message(reply_to=[1]),
    message(quick_reply="YES"),
    message() | {"sender": "900"},
    message() | {"sender": {"id": True}},
    message() | {"sender": {"id": 1.5}},
    message() | {"timestamp": True},
    message() | {"timestamp": -1},
    message() | {"timestamp": 10**17},
    message() | {"timestamp": 10**400},
    message() | {"timestamp": "yesterday"},
    message() | {"timestamp": "9" * 400},
    message() | {"timestamp": "0001-01-01T00:00:00+14:00"},
    message() | {"timestamp": float("nan")},
    message() | {"timestamp": float("inf")},
]


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


# Arbitrary and generated bodies.

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


#: Of users: what the account itself sends is an echo.
IDS = st.text("0123456789", min_size=1, max_size=20).filter(lambda one: one != ACCOUNT)
MIDS = st.text(
    min_size=1, max_size=40, alphabet=st.characters(codec="utf-8", exclude_characters="\x00")
)
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"))


@st.composite
def messaging_items(draw: st.DrawFn) -> dict[str, object]:
    mid, moment = draw(MIDS), draw(st.integers(10**12, 2 * 10**12))
    content: dict[str, object] = draw(
        st.sampled_from(
            [
                {"message": {"mid": mid, "text": draw(TEXTS)}},
                {"message": {"mid": mid, "is_deleted": True}},
                {"message_edit": {"mid": mid, "num_edit": draw(st.integers(0, 5))}},
                {"reaction": {"mid": mid, "action": "react", "emoji": draw(TEXTS)}},
                {"read": {"mid": mid}},
                {"postback": {"mid": mid, "title": draw(TEXTS), "payload": draw(TEXTS)}},
                {"referral": {"ref": draw(TEXTS)}},
            ]
        )
    )
    sides = {"sender": {"id": draw(IDS)}, "recipient": {"id": ACCOUNT}}
    return {**sides, "timestamp": moment, **content}


@given(user=IDS, mid=MIDS, written=TEXTS, ms=st.integers(10**12, 2 * 10**12))
def test_a_message_is_read_as_it_was_written(user: str, mid: str, written: str, ms: int) -> None:
    event = one(
        {
            "sender": {"id": user},
            "recipient": {"id": "another side"},
            "timestamp": ms,
            "message": {"mid": mid, "text": written},
        }
    )
    assert (event.kind, event.user, event.mid, event.text, event.timestamp_ms) == (
        K.MESSAGE,
        user,
        mid,
        written,
        ms,
    )


@given(
    items=st.lists(messaging_items() | st.sampled_from(MALFORMED[:30]), min_size=1, max_size=12),
    cut=st.integers(0, 12),
    later=st.integers(0, 10**9),
)
def test_a_redelivery_in_another_batch_gives_the_same_keys_in_the_same_order(
    items: list[object], cut: int, later: int
) -> None:
    together = parse_webhook(body(*items))
    halves = [half for half in (items[:cut], items[cut:]) if half]
    apart = [
        event for half in halves for event in parse_webhook(body(*half, time=ENTRY_MS + later))
    ]
    assert [event.key for event in apart] == [event.key for event in together]


@given(events=st.lists(messaging_items(), min_size=1, max_size=4))
def test_the_same_item_twice_has_the_same_key_twice(events: list[object]) -> None:
    keys = [event.key for event in parse_webhook(body(*events, *events))]
    assert keys[: len(events)] == keys[len(events) :]


def test_the_order_of_keys_in_json_does_not_matter() -> None:
    turned = dict(reversed(item(wave={"b": 1, "a": 2}).items()))
    assert one(item(wave={"a": 2, "b": 1})).key == one(turned).key


# Batches and partitions.


def test_a_batch_of_a_thousand_is_read_whole_in_order() -> None:
    items = [item(message={"mid": f"m-{n}", "text": str(n)}) for n in range(1000)]
    events = parse_webhook(body(*items))
    assert [event.text for event in events] == [str(n) for n in range(1000)]


@given(items=st.lists(messaging_items(), max_size=12), partitions=st.integers(1, 32))
def test_groups_hold_every_event_once_in_order_by_its_users_partition(
    items: list[object], partitions: int
) -> None:
    events = parse_webhook(body(*items, messaging=items))
    groups = group_by_partition(events, partitions)
    assert sum(map(len, groups.values())) == len(events)
    for partition, group in groups.items():
        mine = [e for e in events if partition_of(e.account, e.user or "", partitions) == partition]
        assert list(group) == mine


def test_events_without_a_user_go_by_their_account() -> None:
    events = parse_webhook(payload("read_without_sender"))
    assert group_by_partition(events, 16) == {partition_of(ACCOUNT, "", 16): events}
