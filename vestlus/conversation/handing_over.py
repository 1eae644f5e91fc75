"""What is said when a person takes over, and what that person is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from vestlus.conversation.hours import Holiday, Opening, people_back
from vestlus.conversation.phrases import Phrase, say, spoken_language
from vestlus.conversation.phrases_when import when_words
from vestlus.conversation.splitting import shortened

#: Characters of the user's words in a note: what fits on a screen of a telephone.
NOTE_CHARACTERS = 300


def handover_text(
    *,
    now: datetime,
    openings: Sequence[Opening],
    holidays: Sequence[Holiday],
    language: str,
    account_language: str,
) -> str:
    """What the user is told: that a person answers, and outside working hours from when on.

    ``now`` is the account's local time with its zone. Nothing is promised where no working hours
    are known, or none come within a month.
    """
    back = people_back(now, openings, holidays)
    if back is None or back <= now:
        return say(Phrase.HANDOVER, language, account_language=account_language)
    when = when_words(back, now, spoken_language(language, account_language))
    return say(Phrase.HANDOVER_HOURS, language, account_language=account_language, when=when)


def handover_note(texts: Sequence[str], reason: str) -> str:
    """For the person who takes over, where the model left no note: why, and the last words.

    ``texts`` are the user's unanswered messages, oldest first. The newest are kept whole as far
    as there is room, 300 characters in all; the reason comes on top of them.
    """
    words = ""
    for text in reversed(texts):
        message = " ".join(text.split())
        joined = " / ".join(part for part in (message, words) if part)
        if len(joined) > NOTE_CHARACTERS:
            words = words or shortened(message, NOTE_CHARACTERS)
            break
        words = joined
    return ": ".join(part for part in (reason.strip(), words) if part)
