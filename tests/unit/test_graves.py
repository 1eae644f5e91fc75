"""What stands on tombstones tells nobody whose they are, and is found again."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.store_support import ACCOUNT, message, new
from vestlus.conversation.identity import conversation_id
from vestlus.messages import encode, inbox_message
from vestlus.privacy.graves import Graves
from vestlus.store.rows import DeadLetter

GRAVES = Graves("a key of thirty-two characters or so")
USER = "900000000000001"


def letter(body: bytes, conversation: str | None = None) -> DeadLetter:
    return DeadLetter(
        id="1", source="dead", reason="x", body=body, at_ms=1, conversation=conversation
    )


@given(st.text(), st.text())
def test_a_grave_is_the_same_under_the_same_key_and_another_under_another(
    one: str, other: str
) -> None:
    assert (GRAVES.of(one) == GRAVES.of(other)) == (one == other)
    assert Graves("another key").of(one) != GRAVES.of(one)
    assert GRAVES.of(conversation_id(ACCOUNT, one)) not in (one, conversation_id(ACCOUNT, one))


def test_every_event_of_a_user_is_marked_and_those_of_nobody_are_not() -> None:
    mine, other = message(USER), message("other")
    nobodys = replace(mine, user=None, conversation=None)

    marked = GRAVES.marked([new(one) for one in (mine, other, mine, nobodys)])

    graves = [one.grave for one in marked]
    assert graves[0] == graves[2] == GRAVES.of(conversation_id(ACCOUNT, USER))
    assert graves[1] not in ("", graves[0])
    assert graves[3] == ""


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_broken_delivery_is_known_by_the_ids_in_it(before: bytes, behind: bytes) -> None:
    body = before + f' "{ACCOUNT}", "user": "{USER}" '.encode() + behind
    assert GRAVES.of(conversation_id(ACCOUNT, USER)) in GRAVES.of_letter(letter(body)).graves


def test_a_letter_of_a_conversation_is_known_by_that_alone() -> None:
    marked = GRAVES.of_letter(letter(f"{ACCOUNT} {USER}".encode(), "c1"))
    assert marked.graves == (GRAVES.of("c1"),)


def test_everybody_in_a_delivery_of_very_many_is_known_and_each_is_looked_at_few_times() -> None:
    users = [str(10**15 + n) for n in range(2_000)]
    events = tuple(
        message(user, timestamp_ms=1_800_000_000_000 + n) for n, user in enumerate(users)
    )
    whole = encode(inbox_message(events, at_ms=1_800_000_000_000))

    for body in (whole, whole[: len(whole) - 9]):
        graves = GRAVES.of_letter(letter(body)).graves
        assert {GRAVES.of(one.conversation or "") for one in events} <= {*graves}
        assert len(graves) <= 17 * 2_001


def test_a_time_is_nobodys_id() -> None:
    without = GRAVES.of_letter(letter(f"{ACCOUNT} {USER}".encode()))
    timed = GRAVES.of_letter(letter(f"{ACCOUNT} {USER} 1800000000000 1900000000123".encode()))
    assert timed.graves == without.graves


def test_an_account_is_known_by_its_place_however_many_are_named_more_often() -> None:
    often = " ".join(str(10**15 + n) for n in range(40)) * 3
    for place in (f'"account":"{ACCOUNT}"', f'"entry": [{{"id": "{ACCOUNT}", "time": 1'):
        marked = GRAVES.of_letter(letter(f"{often} {place} {USER}".encode()))
        assert GRAVES.of(conversation_id(ACCOUNT, USER)) in marked.graves
