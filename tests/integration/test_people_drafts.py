"""What the bot drafts is sent only when a person approves it."""

from __future__ import annotations

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import World, world
from tests.integration.people_support import account, act, until
from vestlus.conversation.operating import Act

__all__ = ["world"]


async def test_a_draft_waits_for_a_yes(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    assert await world.sends("u") == []
    (draft,) = await world.store.drafts(limit=5)
    await act(world, Act.APPROVE, turn=draft.turn)
    await until(lambda: world.sends("u"))
    (send,) = await world.sends("u")
    assert send.text == "Tere!"


async def test_a_draft_is_sent_in_the_words_of_who_approves_it(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (draft,) = await world.store.drafts(limit=5)
    await act(world, Act.APPROVE, turn=draft.turn, text="Tere tulemast!")
    await until(lambda: world.sends("u"))
    (send,) = await world.sends("u")
    assert send.text == "Tere tulemast!"
    assert await world.history("u") == ["Tere!", "Tere tulemast!"]


async def test_a_rejected_draft_was_never_said(world: World) -> None:
    await world.host(ScriptedAssistant(), account=account(approve=True))
    await world.write("u", "Tere!")
    await world.said("u", 2)
    (draft,) = await world.store.drafts(limit=5)
    await act(world, Act.REJECT, turn=draft.turn)

    async def gone() -> bool:
        return not await world.store.drafts(limit=5)

    await until(gone)
    assert await world.history("u") == ["Tere!"]
