"""How a conversation stands, as far as it matters for what is done with messages."""

from __future__ import annotations

from typing import Final

from vestlus.conversation.deciding import Standing
from vestlus.hosting.composing import Burst
from vestlus.hosting.effects import STANDBY_MS
from vestlus.hosting.mailbox import Mailbox
from vestlus.store.rows import Silence, persons_until_ms

#: How long a yes is one to the question whether everything is to be erased.
CONFIRM_WITHIN_MS: Final = 24 * 60 * 60 * 1000


def standing(box: Mailbox, burst: Burst, now_ms: int) -> Standing:
    """How the conversation stands for these messages of it."""
    known = box.known
    lasts = known.silent_until_ms > now_ms
    if known.silence is Silence.STANDBY:
        # A message that comes to us, and not on standby, says that the thread is ours again.
        began_ms = known.silent_until_ms - STANDBY_MS
        lasts = lasts and all(taken_in <= began_ms for taken_in in burst.taken_in)
    app = lasts and known.silence is Silence.STANDBY
    person_wrote = app or bool(persons_ms(box, now_ms))
    return Standing(
        people=person_wrote or (lasts and known.silence is Silence.HANDOVER),
        person_wrote=person_wrote,
        stopped=known.silence is Silence.STOPPED,
        erase_asked=erase_asked(box, now_ms) and _is_next(box, burst),
    )


def persons_ms(box: Mailbox, now_ms: int) -> int:
    """Until when a person has the conversation, also one that is stopped; 0 for not any more."""
    until_ms = persons_until_ms(box.known.silence, box.known.silent_until_ms)
    return until_ms if until_ms > now_ms else 0


def waits_until_ms(box: Mailbox) -> int:
    """Until when people see to the user, if nothing ends it before."""
    known = box.known
    if known.silence is Silence.STOPPED:
        return persons_until_ms(known.silence, known.silent_until_ms)
    return known.silent_until_ms


def erase_asked(box: Mailbox, now_ms: int) -> bool:
    """Whether the user was asked just before if everything is to be erased."""
    return 0 <= now_ms - box.known.erase_asked_ms < CONFIRM_WITHIN_MS


def _is_next(box: Mailbox, burst: Burst) -> bool:
    """Whether the messages are the next ones after the question whether everything is to be
    erased. Of what goes ahead of others it has to be seen: nothing may have come in between.
    """
    if not burst.ahead:
        return True
    (seq,), (taken_in,) = burst.seqs, burst.taken_in
    asked_ms = box.known.erase_asked_ms
    earlier = (at for one, at in box.taken_in.items() if one < seq)
    return seq in box.taken_in and taken_in > asked_ms and all(at <= asked_ms for at in earlier)
