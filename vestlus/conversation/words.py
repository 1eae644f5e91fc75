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
from hashlib import blake2b

from vestlus.conversation.phrases_commands import (
    DELETE,
    EXPORT,
    PERSON,
    PERSON_ALONE,
    PERSON_NOT_MEANT,
    POLITE,
    START,
    STOP,
    YES,
)
from vestlus.conversation.phrases_emergency import EMERGENCY, NOT_MEANT

#: Letters that differ from their plain form by more than marks.
_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe"})

#: Apostrophes stand inside words: don't, вб'ю.
_APOSTROPHES = re.compile("['`\u00b4\u02bc\u2018\u2019]")

#: Where a statement ends, as far as punctuation tells.
_STOPS = re.compile(r"[.,;:!?\n]")

#: The end of a message that asks rather than tells.
_ASKING = re.compile(r"\?[\W_]*\Z")

#: Words of the longest thing that is to be the whole of a message.
_LONGEST_COMMAND = 12
#: Words of a message that says it again and again. Instagram's of 1000 bytes could have hundreds.
_MOST_WORDS = 60

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
    #: Yes, to a question of ours; to nothing else.
    YES = "yes"
    #: To get a copy of the user's data.
    EXPORT = "export"
    #: A person.
    PERSON = "person"
    #: Somebody may harm themselves.
    EMERGENCY = "emergency"


def command_of(
    text: str, *, person_words: Sequence[str] = (), emergency_words: Sequence[str] = ()
) -> Command | None:
    """What a message asks for, ``None`` for an ordinary one. Never raises.

    Case, accents, punctuation, emoji and how letters are encoded do not matter. EMERGENCY and
    PERSON are found anywhere in a message; STOP, START, DELETE, EXPORT and YES must be the whole of
    it, polite words and repeats aside, and no question: neither "stop by tomorrow" nor "Stop?" is
    one, but for EXPORT, for which people ask politely. YES means something after a question only.
    An emergency goes before everything else. ``person_words`` and ``emergency_words`` are the
    account's own: words or phrases, found as they are written, between other words.
    """
    looked_at = text[:_LOOKED_AT]
    words, statements = _folded(looked_at), _statements(looked_at)
    if _has_one_of(words, emergency_words) or _is_said(_EMERGENCY, _NOT_MEANT, statements):
        return Command.EMERGENCY
    whole = _without_politeness(words)
    if _PERSON_ALONE.fullmatch(whole):
        return Command.PERSON
    if _EXPORT.fullmatch(whole):
        return Command.EXPORT
    if not _ASKING.search(unicodedata.normalize("NFKC", looked_at)):
        for command, pattern in _WHOLE.items():
            if _is_all_of(whole, pattern):
                return command
    if _has_one_of(words, person_words) or _is_said(_PERSON, _PERSON_NOT_MEANT, statements):
        return Command.PERSON
    return None


class Commands:
    """What messages asked for that were looked at lately: each is looked at several times.

    Of a message its digest is kept, and no text. As :func:`command_of` in everything else.
    """

    def __init__(self, most: int = 4096) -> None:
        """``most`` messages are remembered, of some 200 bytes each."""
        self._most = most
        self._known: dict[tuple[bytes, Sequence[str], Sequence[str]], Command | None] = {}

    def of(
        self,
        text: str,
        *,
        person_words: tuple[str, ...] = (),
        emergency_words: tuple[str, ...] = (),
    ) -> Command | None:
        """What a message asks for, ``None`` for an ordinary one. Never raises."""
        digest = blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        key = digest, person_words, emergency_words
        if key not in self._known:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = command_of(
                text, person_words=person_words, emergency_words=emergency_words
            )
        return self._known[key]


def _folded(text: str) -> str:
    """The words in lower case without accents, one space in between; emoji and marks are gone."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", text))
    decomposed = unicodedata.normalize("NFKD", plain.casefold())
    return " ".join(re.findall(r"[^\W_]+", _without_marks(decomposed)))


def _statements(text: str) -> str:
    """The words as of :func:`_folded`, with a lone full stop where a statement ends."""
    parts = map(_folded, _STOPS.split(unicodedata.normalize("NFKC", text)))
    return " . ".join(part for part in parts if part)


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
    return decomposed if decomposed.isascii() else decomposed.translate(_PLAIN)


#: Of the characters that are remembered: users can send a million different ones.
_MOST_CHARACTERS = 4096


class _Plain(dict[int, str]):
    """Characters without marks, each asked for once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_mark = unicodedata.category(character) in ("Mn", "Me", "Cf")
        plain = "" if is_mark else character.translate(_LETTERS)
        if len(self) < _MOST_CHARACTERS:
            self[code] = plain
        return plain


_PLAIN = _Plain()


_POLITE = _pattern(POLITE)
_WHOLE = {
    Command.STOP: _pattern(STOP),
    Command.START: _pattern(START),
    Command.DELETE: _pattern(DELETE),
    Command.YES: _pattern(YES),
}
_EXPORT = _pattern(EXPORT)
_PERSON_ALONE = _pattern(PERSON_ALONE)
_PERSON = _pattern(PERSON)
_PERSON_NOT_MEANT = _pattern(PERSON_NOT_MEANT)
_EMERGENCY = _pattern(EMERGENCY)
_NOT_MEANT = _pattern(NOT_MEANT)


def _without_politeness(words: str) -> str:
    return " ".join(_POLITE.sub(" ", words).split())


def _is_all_of(whole: str, pattern: re.Pattern[str]) -> bool:
    """Whether the words are what the pattern stands for, said once or again and again."""
    words = whole.split()
    if not pattern.match(whole) or len(words) > _MOST_WORDS:
        return False
    ends = {0}
    for end in range(1, len(words) + 1):
        begins = (begin for begin in range(end - 1, -1, -1) if begin in ends)
        if any(
            pattern.fullmatch(" ".join(words[begin:end]))
            for begin in begins
            if end - begin <= _LONGEST_COMMAND
        ):
            ends.add(end)
    return len(words) in ends


def _is_said(meant: re.Pattern[str], not_meant: re.Pattern[str], statements: str) -> bool:
    """Whether something is said when what only sounds like it is gone.

    What only sounds like it is so within one statement; what is meant may go over several, as
    people put full stops and line ends anywhere.
    """
    rest = not_meant.sub(" . ", statements)
    return bool(meant.search(rest) or meant.search(" ".join(rest.replace(".", " ").split())))
