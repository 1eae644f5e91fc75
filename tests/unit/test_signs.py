"""Who froze while it started is told from who is slow to start."""

from __future__ import annotations

from vestlus.hosting.signs import SignsOfLife
from vestlus.store.rows import Member, MemberKind


def member(incarnation: str) -> Member:
    return Member("c/conversation-0", MemberKind.CONVERSATION, incarnation, "h", 1)


ID = member("1").id


def test_who_never_signed_in_is_only_slow() -> None:
    signs = SignsOfLife()
    signs.look([])
    assert not signs.stopped(ID)


def test_who_signed_in_and_is_silent_has_stopped() -> None:
    signs = SignsOfLife()
    signs.look([member("1")])
    assert not signs.stopped(ID)
    signs.look([])
    assert signs.stopped(ID)
    signs.look([member("1")])
    assert not signs.stopped(ID)


def test_signs_of_the_process_that_ended_say_nothing_of_the_next_one() -> None:
    signs = SignsOfLife()
    signs.look([member("1")])
    signs.ended(ID)
    # The store remembers the old one for some seconds, and then forgets it.
    signs.look([member("1")])
    signs.look([])
    assert not signs.stopped(ID)
    signs.look([member("2")])
    assert not signs.stopped(ID)
    signs.look([])
    assert signs.stopped(ID)


def test_while_nobody_can_ask_the_store_nobody_has_stopped() -> None:
    signs = SignsOfLife()
    signs.look([member("1")])
    assert not signs.stopped(ID)


def test_what_signed_in_is_known_until_it_ends() -> None:
    signs = SignsOfLife()
    assert signs.signed_in(ID) is None
    signs.look([member("1")])
    signs.look([])
    assert signs.signed_in(ID) == member("1")
    signs.ended(ID)
    signs.look([member("1")])
    assert signs.signed_in(ID) is None
    signs.look([member("2")])
    assert signs.signed_in(ID) == member("2")
