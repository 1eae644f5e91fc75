"""Places for turns under way: so many, in order, and the intake is held up when very many wait."""

from __future__ import annotations

import asyncio

from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.turn_places import Limits, Places
from vestlus.store.rows import Lease


class Stage:
    """Places, and who got one."""

    def __init__(self, turns: int, waiting: int) -> None:
        self.begun: list[str] = []
        self.places = Places(
            Limits(turns=turns, waiting=waiting), lambda box: self.begun.append(box.id)
        )

    def ask(self, name: str) -> Mailbox:
        box = Mailbox(name, Lease("inbox.0", 1), loaded=True)
        self.places.ask(box)
        return box


async def test_no_more_turns_are_under_way_than_there_are_places_and_who_waits_waits_in_order() -> (
    None
):
    stage = Stage(turns=2, waiting=10)
    for name in "abcd":
        stage.ask(name)
    assert (stage.begun, len(stage.places)) == (["a", "b"], 2)
    stage.places.leave()
    stage.ask("e")
    stage.places.leave()
    stage.places.leave()
    assert stage.begun == ["a", "b", "c", "d", "e"]


async def test_who_waits_keeps_no_messages_and_knows_that_the_store_has_them() -> None:
    stage = Stage(turns=1, waiting=10)
    first, second = stage.ask("a"), stage.ask("b")
    assert (first.loaded, first.more, second.loaded, second.more) == (True, False, False, True)


async def test_the_intake_waits_while_very_many_wait_and_goes_on_afterwards() -> None:
    stage = Stage(turns=1, waiting=2)
    for name in "abc":
        stage.ask(name)
    room = asyncio.create_task(stage.places.room())
    await asyncio.sleep(0)
    assert not room.done()
    stage.places.leave()
    await asyncio.wait_for(room, 1)


async def test_who_was_stopped_gets_no_place_and_holds_up_nobody() -> None:
    stage = Stage(turns=1, waiting=1)
    stage.ask("a")
    stage.ask("b").stop()
    stage.places.purge()
    await asyncio.wait_for(stage.places.room(), 1)
    stage.ask("c")
    stage.ask("d").stop()
    stage.places.leave()
    stage.places.leave()
    assert stage.begun == ["a", "c"]
