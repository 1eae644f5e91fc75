"""One event is the same in every shape: in standby, in changes, flat, and with any moment."""

from __future__ import annotations

import json

import pytest

from tests.unit.webhook_bodies import ENTRY_MS, USER, K, body, item, message, one, only, payload
from vestlus.conversation.events import calls_for_answer
from vestlus.instagram.parsing import parse_webhook


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
