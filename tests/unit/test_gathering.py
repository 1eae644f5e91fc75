"""What goes ahead of messages that wait for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.events import Event, EventKind
from vestlus.hosting.answers import Answers
from vestlus.hosting.composing import Answer
from vestlus.hosting.gathering import LOOKED_AT_TOGETHER, Gathering
from vestlus.hosting.mailbox import Known, Mailbox
from vestlus.store.rows import EventState, Lease, RecordedEvent, Silence

NOW = 1_000_000
PLAIN, STOP, DANGER = "Mis kell te avate?", "STOP", "Ma tahan ennast tappa"

Texts = list[str]


class Beyond:
    """What a store has beyond the mailbox; counts what is read."""

    def __init__(self, events: list[RecordedEvent]) -> None:
        self.events = events
        self.read = 0

    async def texts_of(self, *_: str | Collection[str]) -> Mapping[str, str]:
        return {}

    async def unanswered_after(
        self, conversation: str, after: int, limit: int
    ) -> tuple[RecordedEvent, ...]:
        assert conversation == "c"
        found = tuple(one for one in self.events if one.seq > after)[:limit]
        self.read += len(found)
        return found


def recorded(seq: int, text: str) -> RecordedEvent:
    event = Event(
        key=f"key-{seq}",
        kind=EventKind.MESSAGE,
        account="a",
        user="u",
        conversation="c",
        mid=f"mid-{seq}",
        timestamp_ms=NOW - 1_000 + seq,
        text=text,
    )
    return RecordedEvent(seq, event, EventState.PENDING, NOW - 1_000 + seq)


def waits(silence: Silence, here: Texts, beyond: Texts) -> tuple[Mailbox, Beyond, Gathering]:
    """A conversation that people see to; the first of its messages is in no one's answer."""
    box = Mailbox("c", Lease("inbox.0", 1), account="a", user="u", loaded=True)
    box.known = Known(silence=silence, silent_until_ms=NOW + 1_000, waiting_ms=NOW)
    for seq, text in enumerate(here, 1):
        assert box.add(recorded(seq, text))
    box.more = bool(beyond)
    store = Beyond([recorded(seq, text) for seq, text in enumerate(beyond, len(here) + 1)])
    answers = Answers(lambda _: None)
    gathering = Gathering(
        store=store, answers=answers, suspect_gap=lambda *_: None, clock=lambda: NOW
    )
    return box, store, gathering


texts = st.lists(st.sampled_from([PLAIN, STOP, DANGER]), max_size=60)


@given(st.sampled_from([Silence.PERSON, Silence.HANDOVER]), texts, texts)
async def test_nothing_sleeps_while_a_wish_can_be_done_or_danger_answered(
    silence: Silence, here: Texts, beyond: Texts
) -> None:
    box, _, gathering = waits(silence, [PLAIN, *here], beyond)
    waiting = await gathering.first(box)
    heeded = {STOP} if silence is Silence.PERSON else {STOP, DANGER}
    behind = [PLAIN, *here, *beyond][len(waiting.seqs) :]
    expected = next((text for text in behind if text in heeded), None)
    first = [event.text for event in waiting.events]
    if heeded & set(first):
        return  # it is answered with them, and does not wait

    found = await gathering.ahead(box, waiting)

    if expected is None:
        assert found is None
    else:
        assert found is not None
        burst, answer = found
        assert [event.text for event in burst.events] == [expected]
        assert [one.text for one in burst.asked] == [expected]
        assert isinstance(answer, Answer)
        assert answer.parts


async def test_the_store_is_looked_through_once_for_each_version() -> None:
    box, store, gathering = waits(Silence.PERSON, [PLAIN], [DANGER] * (LOOKED_AT_TOGETHER + 20))
    waiting = await gathering.first(box)

    assert await gathering.ahead(box, waiting) is None
    assert await gathering.ahead(box, waiting) is None
    assert store.read == LOOKED_AT_TOGETHER + 20

    store.events.append(recorded(500, STOP))
    found = await gathering.ahead(box, waiting)
    assert found is not None
    assert found[0].seqs == (500,)
    assert store.read == LOOKED_AT_TOGETHER + 21

    box.version += 1
    box.known.silence = Silence.HANDOVER
    found = await gathering.ahead(box, waiting)
    assert found is not None
    assert found[0].seqs == (2,)


async def test_the_store_is_looked_through_anew_when_the_pause_of_a_person_has_ended() -> None:
    box, store, _ = waits(Silence.PERSON, [PLAIN] * 3, [DANGER, PLAIN])
    now = [NOW]
    # The budget of today is spent: what is no danger goes on waiting.
    answers = Answers(lambda _: None, lambda _: NOW + 86_400_000)
    gathering = Gathering(
        store=store, answers=answers, suspect_gap=lambda *_: None, clock=lambda: now[0]
    )
    assert await gathering.ahead(box, await gathering.first(box)) is None
    now[0] = box.known.silent_until_ms + 1
    found = await gathering.ahead(box, await gathering.first(box))
    assert found is not None
    assert found[0].seqs == (4,)


async def test_what_has_all_its_messages_here_asks_the_store_for_nothing() -> None:
    box, store, gathering = waits(Silence.PERSON, [PLAIN] * 40, [])
    store.events.append(recorded(500, STOP))
    assert await gathering.ahead(box, await gathering.first(box)) is None
    assert store.read == 0
