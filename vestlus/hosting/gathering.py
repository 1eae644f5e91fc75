"""Which of the messages that wait are answered next, and together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from vestlus.clock import Clock
from vestlus.conversation.events import Event
from vestlus.conversation.history import HistoryMessage
from vestlus.conversation.transcript import as_history
from vestlus.conversation.turn import first_together, in_meta_order
from vestlus.hosting.answers import Answers
from vestlus.hosting.composing import Answer, Burst, Erase
from vestlus.hosting.mailbox import Mailbox
from vestlus.hosting.standing import persons_ms
from vestlus.hosting.turn_parts import SuspectGap
from vestlus.store.rows import RecordedEvent

#: Events read together when those in the store are looked through: some milliseconds of work.
LOOKED_AT_TOGETHER: Final = 100


class Recorded(Protocol):
    """What is read of the store here: see :class:`~vestlus.store.port.Turns`."""

    async def texts_of(
        self, account: str, conversation: str, mids: Collection[str]
    ) -> Mapping[str, str]:
        """The texts of messages, by mid."""
        ...

    async def unanswered_after(
        self, conversation: str, after: int, limit: int
    ) -> tuple[RecordedEvent, ...]:
        """Unanswered events beyond one, in order of recording."""
        ...


class Gathering:
    """Makes bursts of what is unanswered. Raises StoreUnavailable; changes nothing but what the
    mailbox remembers of it.
    """

    def __init__(
        self, *, store: Recorded, answers: Answers, suspect_gap: SuspectGap, clock: Clock
    ) -> None:
        self._store = store
        self._answers = answers
        self._suspect_gap = suspect_gap
        self._clock = clock

    async def first(self, box: Mailbox) -> Burst:
        """What is answered first, and together."""
        seq_of = {event.key: seq for seq, event in box.unanswered.items()}
        waiting = tuple(box.unanswered.values())
        first = first_together(waiting)
        box.full = box.more or len(first) < len(waiting)
        events, now_ms = in_meta_order(first), self._clock()
        for place, event in enumerate(events, 1):
            if self._answers.stands_alone(box, event.text, now_ms):
                # What comes after it is a burst of its own.
                apart = self._answers.starts_for_a_person(box, event.text, now_ms)
                events = (event,) if apart else events[:place]
                break
        seqs = tuple(seq_of[event.key] for event in events)
        taken_in = tuple(box.taken_in[seq] for seq in seqs)
        return Burst(seqs, events, await self._asked(box, events), taken_in)

    async def ahead(self, box: Mailbox, waiting: Burst) -> tuple[Burst, Answer | Erase] | None:
        """What is heeded although ``waiting``, which comes first, has to wait: the first wish of
        the user's, or danger, behind it that something is done about now; with what that is.

        Only where the mailbox has no room for everything is the store looked through, each event
        once for each version of the conversation, and again when a person's pause has ended.
        """
        rest = {seq: event for seq, event in box.unanswered.items() if seq not in waiting.seqs}
        seq_of = {event.key: seq for seq, event in rest.items()}
        for event in in_meta_order(tuple(rest.values())):
            seq = seq_of[event.key]
            if (found := self._alone(box, seq, event, box.taken_in[seq])) is not None:
                return await self._whole(box, *found)
        state = box.version, bool(persons_ms(box, self._clock()))
        after = max(box.unanswered)
        if box.looked[0] == state:
            after = max(after, box.looked[1])
        while box.more:
            page = await self._store.unanswered_after(box.id, after, LOOKED_AT_TOGETHER)
            for one in page:
                found = self._alone(box, one.seq, one.event, one.recorded_ms)
                if found is not None:
                    return await self._whole(box, *found)
            if not page:
                break
            after = page[-1].seq
            box.looked = state, after
        return None

    def _alone(
        self, box: Mailbox, seq: int, event: Event, taken_in: int
    ) -> tuple[Burst, Answer | Erase] | None:
        if not self._answers.goes_ahead(box, event.text):
            return None
        burst = Burst((seq,), (event,), (), (taken_in,), ahead=True)
        answer = self._answers.without_asking(box, burst, self._clock())
        # Danger of which people have been told waits for them like everything else.
        return (burst, answer) if isinstance(answer, Answer | Erase) else None

    async def _whole(
        self, box: Mailbox, burst: Burst, answer: Answer | Erase
    ) -> tuple[Burst, Answer | Erase]:
        return replace(burst, asked=await self._asked(box, burst.events)), answer

    async def _asked(self, box: Mailbox, events: Sequence[Event]) -> tuple[HistoryMessage, ...]:
        """The events as messages of the history, with what they reply to."""
        quotes = {one.mid: one.text for one in box.history if one.mid}
        wanted = {one.reply_to_mid for one in events if one.reply_to_mid} - quotes.keys()
        if wanted:
            quotes |= await self._store.texts_of(box.account, box.id, wanted)
            if wanted - quotes.keys():
                # A picture, something very old, or a message that never came.
                self._suspect_gap([box.account], "reply_to_unknown")
        return tuple(as_history(event, quotes) for event in events)
