"""How long the registry waits for an actor that starts."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actors.watched import JOINING_SECONDS, UNSEEN_SECONDS, Watched
from vestlus.store.rows import MemberKind

#: Nobody asks it anything here.
HANDLE: Any = None


@pytest.fixture
def old() -> Watched:
    """Return one that was started long ago and has not answered yet."""
    born = time.monotonic() - 2 * JOINING_SECONDS
    return Watched(MemberKind.CONVERSATION, HANDLE, False, born, {}, born=born)


def test_one_that_was_started_long_ago_is_not_waited_for(old: Watched) -> None:
    assert not old.starting


def test_one_that_waits_for_room_is_not_waited_for_and_its_time_to_start_has_not_begun(
    old: Watched,
) -> None:
    now = time.monotonic()
    assert old.wait_for_room(waiting=True, now=now)
    assert not old.wait_for_room(waiting=True, now=now + 1)
    assert not old.starting
    assert old.since == now + 1


def test_one_that_had_to_wait_for_room_is_waited_for_as_if_it_had_been_started_then(
    old: Watched,
) -> None:
    old.wait_for_room(waiting=True, now=time.monotonic())
    assert old.wait_for_room(waiting=False, now=time.monotonic())
    assert old.starting


def test_one_that_never_waited_is_as_old_as_it_was(old: Watched) -> None:
    assert not old.wait_for_room(waiting=False, now=time.monotonic())
    assert not old.starting


def test_one_waits_long_from_when_it_began_to_wait(old: Watched) -> None:
    old.wait_for_room(waiting=True, now=100.0)
    old.wait_for_room(waiting=True, now=101.0)
    assert not old.waits_long(100.0 + UNSEEN_SECONDS)
    assert old.waits_long(100.1 + UNSEEN_SECONDS)
