"""What comes again has the same keys in any batch, and batches are read whole and in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.webhook_bodies import ACCOUNT, ENTRY_MS, MALFORMED, K, body, item, one, payload
from vestlus.conversation.identity import partition_of
from vestlus.instagram.parsing import group_by_partition, parse_webhook

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
