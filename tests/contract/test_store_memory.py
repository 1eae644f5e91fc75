"""What was said, read in parts; single messages; summaries."""

from __future__ import annotations

from tests.contract.store_support import (
    ACCOUNT,
    answered,
    changed,
    conversation,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    path,
    recorded,
    said,
    store,
    turn,
    walk,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import Change

__all__ = ["store"]

ID = conversation_id(ACCOUNT, "user")


async def test_a_part_of_the_history_is_by_position_and_without_what_was_removed(
    store: Store,
) -> None:
    lease = await hold(store)
    messages = [HistoryMessage(Role.USER, str(n), n, f"m{n}") for n in range(8)]
    await changed(store, lease, Change(history=tuple(messages)))
    await changed(store, lease, Change(history=(said("Jaanile"),)), "jaan")
    await changed(store, lease, Change(removed_mid="m3"))

    assert await store.part_of_history(ID, 2, 4) == (messages[2], messages[4], messages[5])
    assert await store.part_of_history(ID, 6, 100) == (messages[6], messages[7])
    assert await store.part_of_history(ID, 8, 1) == ()
    assert await store.part_of_history(ID, 0, 0) == ()
    assert await store.part_of_history("nobody", 0, 9) == ()
    row = await conversation(store, history=5)
    assert row.history == (*messages[4:],)[-5:]
    assert row.messages == 8


async def test_a_summary_is_kept_with_how_far_it_goes(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message(), message("jaan"))
    version = (await conversation(store)).version

    for summary, summarised in (("two\x00", 2), ("older", 1), ("the same", 2), ("five", 5)):
        await store.keep_summary(lease, ID, summary=summary, summarised=summarised)
        row = await conversation(store)
        assert (row.summary, row.summarised) == (
            ("five", 5) if summarised == 5 else ("two\ufffd", 2)
        )

    assert (await conversation(store)).version == version
    assert (await conversation(store, "jaan")).summary == ""
    await store.keep_summary(lease, "nobody", summary="x", summarised=1)


async def test_texts_are_found_by_mid_whoever_said_it(store: Store) -> None:
    inbox, outbox = await hold(store), await hold_outbox(store)
    asked = message(mid="asked", text="Mis kell?")
    one, _ = await answered(store, inbox, "Kell üheksa.", "Või kümme.", asked=asked)
    steps = path(one, SendState.SENDING, SendState.SENT, sent_mid="sent")
    await walk(store, outbox, steps)
    await recorded(
        store,
        inbox,
        new(echo(mid="ours", text="Kell üheksa."), echo_of=one.id),
        new(
            echo(mid="theirs", text="Mina ise"),
            Change(history=(HistoryMessage(Role.OPERATOR, "Mina ise", 1, "theirs"),)),
        ),
        message(mid="waits", text="Aitäh!"),
        message(mid="picture", text=None),
        message(kind=EventKind.REACTION, mid="reaction", text="no message"),
        message("jaan", mid="jaans", text="Jaan"),
    )
    found = {
        "asked": "Mis kell?",
        "sent": "Kell üheksa.",
        "ours": "Kell üheksa.",
        "theirs": "Mina ise",
        "waits": "Aitäh!",
    }

    mids = [*found, "picture", "reaction", "jaans", "unheard of", "\x00"]
    assert await store.texts_of(ACCOUNT, ID, mids) == found
    assert await store.texts_of("other", ID, ["sent", "waits"]) == {}
    assert await store.texts_of(ACCOUNT, conversation_id(ACCOUNT, "jaan"), mids) == {
        "jaans": "Jaan"
    }
    assert await store.texts_of(ACCOUNT, ID, []) == {}


async def test_the_text_of_a_message_is_its_newest(store: Store) -> None:
    lease = await hold(store)
    await recorded(store, lease, message(mid="edited", text="Kell 5"))
    await changed(store, lease, Change(edited=("edited", "Kell 6")))
    assert await store.texts_of(ACCOUNT, ID, ["edited"]) == {"edited": "Kell 6"}

    row = await conversation(store)
    history = [HistoryMessage(Role.USER, "Kell 6", 1, "edited")]
    await store.commit_turns([turn(lease, row, history=history)], 1)
    await changed(store, lease, Change(edited=("edited", "Kell 7")))

    assert await store.texts_of(ACCOUNT, ID, ["edited"]) == {"edited": "Kell 7"}
