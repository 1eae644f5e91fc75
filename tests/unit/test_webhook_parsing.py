"""What a webhook's body tells of messages, and of what is done with them."""

from __future__ import annotations

import json

import pytest

from tests.unit.webhook_bodies import (
    ACCOUNT,
    PAYLOADS,
    SENT_MS,
    USER,
    K,
    item,
    message,
    one,
    only,
    payload,
)
from vestlus.conversation.events import EventKind, calls_for_answer
from vestlus.conversation.identity import conversation_id
from vestlus.instagram.parsing import parse_webhook
from vestlus.messages import decode_inbox, encode, inbox_message

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
