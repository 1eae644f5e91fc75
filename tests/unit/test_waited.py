"""How long what comes in has waited on the bus."""

from __future__ import annotations

from vestlus.hosting.waited import REMEMBERED_MS, Waited


def test_what_is_in_hand_has_waited_since_it_was_published() -> None:
    waited = Waited()
    assert waited.seconds(10_000) == 0
    waited.begin(10_000)
    assert waited.seconds(12_000) == 2.0  # it is held back before it is read
    waited.published(7_000)
    assert waited.seconds(12_000) == 5.0


def test_a_wait_is_remembered_for_a_while_after_it_ended() -> None:
    waited = Waited()
    waited.begin(10_000)
    waited.published(7_000)
    waited.end(12_000)
    assert waited.seconds(12_000 + REMEMBERED_MS) == 5.0
    assert waited.seconds(12_001 + REMEMBERED_MS) == 0


def test_clocks_that_differ_or_go_back_make_no_wait() -> None:
    waited = Waited()
    waited.begin(10_000)
    waited.published(11_000)
    assert waited.seconds(10_000) == 0
    waited.end(10_000)
    assert waited.seconds(3_000) == 0
