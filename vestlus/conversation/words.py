"""What a user can bring about with words alone: stop, start, delete my data, a person, help.

Read by plain code, before and without a model. The words themselves are in ``phrases_commands``
and ``phrases_emergency``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from vestlus.conversation.phrases_commands import (
    DELETE,
    PERSON,
    PERSON_ALONE,
    POLITE,
    START,
    STOP,
)
from vestlus.conversation.phrases_emergency import EMERGENCY, NOT_MEANT

#: Letters that differ from their plain form by more than marks.
_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe"})

#: Apostrophes stand inside words: don't, вб'ю.
_APOSTROPHES = re.compile("['`\u00b4\u02bc\u2018\u2019]")

#: More of a message than this is not looked at; Instagram's are at most 1000 bytes.
_LOOKED_AT = 4000


class Command(StrEnum):
    """What a message asks for."""

    #: No more automated answers.
    STOP = "stop"
    #: Automated answers again.
    START = "start"
    #: To have the user's data erased.
    DELETE = "delete"
    #: A person.
    PERSON = "person"
    #: Somebody may harm themselves.
    EMERGENCY = "emergency"


def command_of(
    text: str, *, person_words: Sequence[str] = (), emergency_words: Sequence[str] = ()
) -> Command | None:
    """What a message asks for, ``None`` for an ordinary one. Never raises.

    Case, accents, punctuation, emoji and how letters are encoded do not matter. EMERGENCY and
    PERSON are found anywhere in a message; STOP, START and DELETE must be the whole of it, polite
    words aside, so that "stop by tomorrow?" is a question. An emergency goes before everything
    else. ``person_words`` and ``emergency_words`` are the account's own: words or phrases, found
    as they are written, between other words.
    """
    words = _folded(text[:_LOOKED_AT])
    if _has_one_of(words, emergency_words) or _is_emergency(words):
        return Command.EMERGENCY
    whole = _without_politeness(words)
    for command, pattern in _WHOLE.items():
        if pattern.fullmatch(whole):
            return command
    if _has_one_of(words, person_words) or _PERSON.search(words):
        return Command.PERSON
    return None


def _folded(text: str) -> str:
    """The words in lower case without accents, one space in between; emoji and marks are gone."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text))
    decomposed = unicodedata.normalize("NFKD", plain.casefold())
    return " ".join(re.findall(r"[^\W_]+", _without_marks(decomposed)))


@lru_cache(maxsize=1024)  # an account's own words: the same for each of its messages
def _folded_own(word: str) -> str:
    return _folded(word)


def _has_one_of(words: str, own: Sequence[str]) -> bool:
    between = f" {words} "
    return any(word and f" {word} " in between for word in map(_folded_own, own))


def _pattern(lines: str) -> re.Pattern[str]:
    """Matches one of the patterns, which are written in lines, between whole words."""
    patterns = lines.replace("\n    ", "").strip().replace("\n", "|")
    return re.compile(rf"\b(?:{_folded_pattern(patterns)})\b")


def _folded_pattern(pattern: str) -> str:
    """The pattern in the spelling of :func:`_folded`; its own signs stay."""
    return _without_marks(unicodedata.normalize("NFKD", pattern.casefold()))


def _without_marks(decomposed: str) -> str:
    """Without accents and invisible characters, in plain letters where there are some."""
    return "".join(
        character
        for character in decomposed
        if unicodedata.category(character) not in ("Mn", "Me", "Cf")
    ).translate(_LETTERS)


_POLITE = _pattern(POLITE)
_WHOLE = {
    Command.STOP: _pattern(STOP),
    Command.START: _pattern(START),
    Command.DELETE: _pattern(DELETE),
    Command.PERSON: _pattern(PERSON_ALONE),
}
_PERSON = _pattern(PERSON)
_EMERGENCY = _pattern(EMERGENCY)
_NOT_MEANT = _pattern(NOT_MEANT)


def _without_politeness(words: str) -> str:
    return " ".join(_POLITE.sub(" ", words).split())


def _is_emergency(words: str) -> bool:
    """Whether a statement of danger remains when what is only a manner of speaking is gone."""
    return bool(_EMERGENCY.search(words) and _EMERGENCY.search(_NOT_MEANT.sub(" ", words)))
