"""What the pretend Graph API accepts, and how it counts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.graph_errors import GraphError
from vestlus.simulator.graph_message import (
    MediaItem,
    check_shape,
    message_media,
    message_tag,
    message_text,
    upload_media,
)
from vestlus.simulator.graph_rate import Limits, OverLimit, RateMeter
from vestlus.simulator.graph_read import (
    conversation_id,
    graph_time,
    parse_conversation_id,
    split_fields,
)
from vestlus.simulator.jsontypes import Json, JsonObject


@given(st.text(min_size=1))
def test_a_text_is_accepted_up_to_a_thousand_bytes(text: str) -> None:
    repeated = text * (1 + 999 // len(text.encode("utf-8", "replace")))
    surrogate = any("\ud800" <= char <= "\udfff" for char in repeated)
    if not surrogate and len(repeated.encode()) <= 1000 and repeated.strip():
        assert message_text({"text": repeated}) == repeated
        return
    with pytest.raises(GraphError) as caught:
        message_text({"text": repeated})
    assert (caught.value.code, caught.value.subcode) == (100, 2534015)


def test_the_limit_is_in_bytes_and_not_in_characters() -> None:
    assert message_text({"text": "õ" * 500}) == "õ" * 500
    with pytest.raises(GraphError):
        message_text({"text": "õ" * 500 + "."})


def image(number: int) -> JsonObject:
    return {"type": "image", "payload": {"url": f"http://x/{number}.png"}}


def test_one_attachment_may_be_an_object_and_several_are_pictures() -> None:
    assert message_media({"attachment": image(1)}) == [MediaItem("image", "http://x/1.png")]
    assert message_media({"attachments": image(1)}) == [MediaItem("image", "http://x/1.png")]
    ten: list[Json] = [image(number) for number in range(10)]
    assert len(message_media({"attachments": ten})) == 10


@pytest.mark.parametrize(
    ("message", "subcode"),
    [
        ({"attachments": []}, 2534015),
        ({"attachments": [image(n) for n in range(11)]}, 2534015),
        ({"attachments": [image(1), {"type": "video", "payload": {"url": "http://x"}}]}, 2534015),
        ({"attachment": {"type": "hologram", "payload": {"url": "http://x"}}}, 2534015),
        ({"attachment": {"type": "image", "payload": {}}}, 2534015),
        ({"attachment": "image"}, 2534015),
        ({"attachment": {"type": "image", "payload": {"url": "file:///etc/passwd"}}}, 2018008),
    ],
)
def test_other_attachments_are_refused(message: JsonObject, subcode: int) -> None:
    with pytest.raises(GraphError) as caught:
        message_media(message)
    assert caught.value.subcode == subcode


def test_addresses_and_ids_of_uploads_may_be_mixed() -> None:
    uploaded: JsonObject = {"type": "image", "payload": {"attachment_id": "7"}}
    numbered: JsonObject = {"type": "image", "payload": {"attachment_id": 8}}
    assert message_media({"attachments": [uploaded, image(1), numbered]}) == [
        MediaItem("image", upload="7"),
        MediaItem("image", url="http://x/1.png"),
        MediaItem("image", upload="8"),
    ]


def test_an_upload_is_one_picture_by_its_address_to_be_used_again() -> None:
    reusable: JsonObject = {"url": "http://x/1.png", "is_reusable": True}
    body: JsonObject = {"message": {"attachment": {"type": "image", "payload": reusable}}}
    assert upload_media(body) == MediaItem("image", "http://x/1.png")
    uploaded: JsonObject = {"type": "image", "payload": {"attachment_id": "7"}}
    several: list[JsonObject] = [
        {},
        {"message": {"attachment": image(1)}},
        {"message": {"attachment": uploaded}},
        body | {"platform": "messenger"},
    ]
    for wrong in several:
        with pytest.raises(GraphError) as caught:
            upload_media(wrong)
        assert caught.value.code == 100


def test_the_only_tag_is_that_of_a_person() -> None:
    assert message_tag({}) is None
    assert message_tag({"tag": "HUMAN_AGENT"}) == "HUMAN_AGENT"
    with pytest.raises(GraphError) as caught:
        message_tag({"tag": "ACCOUNT_UPDATE"})
    assert caught.value.code == 100


@pytest.mark.parametrize(
    ("body", "subcode"),
    [
        ({}, None),
        ({"recipient": {}, "message": {"text": "x"}}, None),
        ({"recipient": {"id": 5}, "message": {"text": "x"}}, None),
        ({"recipient": {"id": "u"}}, None),
        ({"recipient": {"id": "u"}, "sender_action": "dance"}, None),
        ({"recipient": {"id": "u"}, "sender_action": "typing_on", "message": {}}, 2018014),
    ],
)
def test_a_send_of_another_shape_is_refused(body: JsonObject, subcode: int | None) -> None:
    with pytest.raises(GraphError) as caught:
        check_shape(body)
    assert (caught.value.code, caught.value.subcode) == (100, subcode)


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters=":")), st.text()
)
def test_a_conversation_id_leads_back_to_its_conversation(account: str, user: str) -> None:
    try:
        user.encode()
    except UnicodeEncodeError:
        return
    assert parse_conversation_id(conversation_id(account, user)) == (account, user)


@given(st.text())
def test_any_other_id_is_no_conversation_or_one_of_two_parts(value: str) -> None:
    lane = parse_conversation_id(value)
    assert lane is None or len(lane) == 2


def test_fields_are_read_with_limits_and_inner_fields() -> None:
    assert split_fields("id, messages.limit(5){id,created_time,from},name") == [
        ("id", None, []),
        ("messages", 5, ["id", "created_time", "from"]),
        ("name", None, []),
    ]
    assert split_fields("messages{id,attachments{id,image_data{url}},message}") == [
        ("messages", None, ["id", "attachments", "message"])
    ]


@given(st.text(alphabet="ab,{}().limt5"))
def test_any_fields_are_read_somehow(text: str) -> None:
    assert all(name for name, _, _ in split_fields(text))


def test_times_are_written_in_whole_seconds_of_utc() -> None:
    assert graph_time(1740157200999) == "2025-02-21T17:00:00+0000"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 2)), max_size=60), st.integers(1, 5))
def test_no_second_holds_more_calls_than_the_limit_by_their_arrival(
    pauses: list[tuple[float, float]], limit: int
) -> None:
    clock = Clock()
    meter = RateMeter(clock)
    meter.limits = Limits(sends_per_second=limit)
    admitted: list[float] = []

    def most(arrivals: list[float]) -> int:
        return max(sum(begin <= at < begin + 1 for at in arrivals) for begin in arrivals)

    for pause, unread in pauses:
        clock.now += pause
        arrived = clock.now - unread
        fits = most([*admitted, arrived]) <= limit
        assert meter.admit("A", "send", arrived) == fits
        admitted += [arrived] * fits
    assert meter.refused["send"] == len(pauses) - len(admitted)


def test_what_was_over_the_limit_is_kept_with_its_account_and_moment() -> None:
    meter = RateMeter(Clock(), newest=lambda: 7)
    meter.limits = Limits(sends_per_second=1)
    for _ in range(2):
        meter.admit("A", "action", 0)
    assert meter.over == [OverLimit("A", "action", 7)]


def test_accounts_and_kinds_are_counted_apart_and_actions_are_sends() -> None:
    meter = RateMeter(Clock())
    meter.limits = Limits(sends_per_second=1, conversations_per_second=1)
    assert meter.admit("A", "send", 0)
    assert not meter.admit("A", "action", 0)
    assert meter.admit("A", "conversations", 0)
    assert meter.admit("B", "send", 0)


def told(meter: RateMeter) -> tuple[int, int]:
    """Percent used and minutes to regain access, which both headers agree on."""
    headers = meter.headers("A")
    (business,) = json.loads(headers["X-Business-Use-Case-Usage"])["A"]
    assert json.loads(headers["X-App-Usage"])["call_count"] == business["call_count"]
    return business["call_count"], business["estimated_time_to_regain_access"]


def test_headers_tell_how_near_the_hours_limit_is_and_when_access_is_regained() -> None:
    clock = Clock()
    meter = RateMeter(clock)
    meter.limits = Limits(calls_per_hour=4)
    assert told(meter) == (0, 0)
    for number in range(4):
        assert not meter.used_up("A")
        assert told(meter) == (25 * number, 0)
        meter.admit("A", "send", clock.now)
        clock.now += 120
    assert told(meter) == (100, 52)
    assert meter.used_up("A")
    assert not meter.used_up("B")
    clock.now = 3600
    assert told(meter) == (75, 0)
    assert not meter.used_up("A")


def test_a_seconds_limit_is_not_in_the_headers() -> None:
    meter = RateMeter(Clock())
    meter.limits = Limits(sends_per_second=1)
    meter.admit("A", "send", 0)
    assert told(meter) == (0, 0)
