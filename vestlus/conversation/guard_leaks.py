"""Telling whether an answer repeats what only the model was to read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from vestlus.conversation.guard_links import readable

#: So many words in a row are no coincidence, and neither are so many letters and digits.
LEAKED_WORDS: Final = 12
LEAKED_CHARACTERS: Final = 80

#: Of a persona that much in a row is a recital, or half of it: people write facts into it in plain
#: sentences, and an answer that tells one of them is what they are there for. So may be the one
#: sentence that is half of a short persona, unless it is a long one.
RECITED_WORDS: Final = 40
LONG_SENTENCE: Final = 25

#: Words that count as taken over together, and how many changed ones may stand between such.
_TOGETHER: Final = 4
_CHANGED: Final = 2

#: The tags that set parts of a prompt apart, besides those that a secret text has itself.
_TAGS: Final = frozenset({"persona", "knowledge", "pictures", "facts"})
_TAG: Final = re.compile(
    r"(?:<|&lt;)\s{0,9}/?\s{0,9}([a-z][a-z_-]{2,30})\s{0,9}/?\s{0,9}(?:>|&gt;)", re.IGNORECASE
)

_WORD: Final = re.compile(r"[^\W_]+")
_END_MARKS: Final = (".", "!", "?", "…", ":")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")
_HEADING: Final = re.compile(r"#{1,6}\s+(.*)")
_LIST_NUMBER: Final = re.compile(r"\s*[0-9]{1,2}[.)]\s")
#: Headings under which a persona's author writes what users may be told.
_TO_BE_TOLD: Final = re.compile(
    r"\b(?:tead|teada|teadmis\w*|fakt\w*|facts?|info\w*|andmed|kkk|know\w*|faq|зна\w+|факт\w*|данные"
    r"|інформ\w*|информ\w*|tiedot|tietoa|zin\w*|žin\w*|wiss\w*|vet|veta|wie\w*)\b",
    re.IGNORECASE,
)


def shows_a_tag(text: str, secret: Sequence[str]) -> bool:
    """Whether an answer shows a tag that sets parts of a prompt apart."""
    shown = {match.group(1).lower() for match in _TAG.finditer(text)}
    if not shown:
        return False
    return bool(shown & (_TAGS | {tag.lower() for one in secret for tag in _TAG.findall(one)}))


def leaks(text: str, given: Sequence[str], secret: Sequence[str]) -> bool:
    """Whether an answer has a stretch of a secret that is in none of the other ``given`` texts.

    At least 12 words in a row, two changed ones in between at most, or 80 letters and digits.
    """
    words = _words(text)
    squeezed = "".join(words)
    for one in secret:
        known = _fingerprint(one)
        run = _longest_run(words, known.grams)
        if len(run) < LEAKED_WORDS and not _shares_letters(squeezed, known.letters):
            continue
        # What another of the account's texts says in the same words is no secret.
        others = (other for other in given if one not in other and other not in secret)
        if not run or not any(" ".join(run) in " ".join(_words(other)) for other in others):
            return True
    return False


def recites(text: str, quotable: Sequence[str]) -> bool:
    """Whether an answer has 40 words in a row of a text, or half of a short one.

    Not when they are all of one sentence of the text, of fewer than 25 words, and the text has no
    section of its own for what users may be told: it can be the one fact that people ask for.
    """
    words = _words(text)
    for one in quotable:
        known = _fingerprint(one)
        # Half of a short one is a recital too.
        recital = max(LEAKED_WORDS, min(RECITED_WORDS, (len(known.grams) + _TOGETHER) // 2))
        run = _longest_run(words, known.grams)
        if len(run) >= recital and (len(run) >= LONG_SENTENCE or not known.has_in_one(run)):
            return True
    return False


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("'", "").replace("’", ""))


def _grams(words: Sequence[str]) -> Iterator[int]:
    for start in range(len(words) - _TOGETHER + 1):
        yield hash(tuple(words[start : start + _TOGETHER]))


@dataclass(frozen=True, slots=True)
class _Fingerprint:
    """What of a text for the model alone an answer is compared with."""

    #: Every stretch of four words within a part.
    grams: frozenset[int]
    #: The same of each sentence; of none where facts have a section of their own.
    sentences: tuple[frozenset[int], ...]
    #: Its letters and digits, a space between parts.
    letters: str

    def has_in_one(self, run: Sequence[str]) -> bool:
        """Whether one sentence holds all that a run of words has of the text."""
        taken = self.grams.intersection(_grams(run))
        return any(taken <= sentence for sentence in self.sentences)


@lru_cache(maxsize=256)  # rules and a persona for each account, the same for all its answers
def _fingerprint(secret: str) -> _Fingerprint:
    text = readable(secret)
    parts = [part for part in _secret_parts(text) if part]
    words = [_words(" ".join(part)) for part in parts]
    return _Fingerprint(
        grams=frozenset(gram for part in words for gram in _grams(part)),
        sentences=()
        if any(map(_is_to_be_told, text.splitlines()))
        else tuple(
            frozenset(_grams(_words(sentence))) for part in parts for sentence in _unwrapped(part)
        ),
        letters=" ".join("".join(part) for part in words),
    )


def _unwrapped(part: Sequence[str]) -> list[str]:
    """The sentences of a part, those that go on in another line put together."""
    whole: list[str] = []
    for piece in map(str.strip, part):
        if whole and piece[:1].islower() and not whole[-1].endswith(_END_MARKS):
            whole[-1] += f" {piece}"
        else:
            whole.append(piece)
    return whole


def _secret_parts(text: str) -> Iterator[list[str]]:
    """What of a prompt's text is for the model alone: stretches of whole sentences.

    People write facts for users into the same text as instructions. Sections with a heading such
    as "What you know" or "Facts" are for users, and so are sentences with digits or an address:
    opening hours, prices, telephone numbers.
    """
    told = False
    part: list[str] = []
    for line in text.splitlines():
        if _HEADING.match(line.strip()):
            told = _is_to_be_told(line)
        for sentence in _SENTENCE_END.split(_LIST_NUMBER.sub("", line)):
            if told or re.search(r"[0-9@]|://", sentence):
                yield part
                part = []
            else:
                part.append(sentence)
    yield part


def _is_to_be_told(line: str) -> bool:
    """Whether it is a heading over what users may be told."""
    heading = _HEADING.match(line.strip())
    return bool(heading and _TO_BE_TOLD.search(heading.group(1)))


def _longest_run(words: Sequence[str], grams: Collection[int]) -> Sequence[str]:
    """The longest stretch of words that are in the secret, but for a few changed ones."""
    taken = [False] * len(words)
    for start, gram in enumerate(_grams(words)):
        if gram in grams:
            taken[start : start + _TOGETHER] = [True] * _TOGETHER
    best: Sequence[str] = ()
    start, last, count = 0, -_CHANGED - 2, 0
    for place, is_taken in enumerate(taken):
        if not is_taken:
            continue
        if place - last > _CHANGED + 1:
            start, count = place, 0
        last, count = place, count + 1
        if count >= LEAKED_WORDS and place + 1 - start > len(best):
            best = words[start : place + 1]
    return best


def _shares_letters(squeezed: str, secret: str) -> bool:
    """Whether so many letters and digits in a row are in both."""
    step = LEAKED_CHARACTERS // 2
    for start in range(0, len(squeezed) - step + 1, step):
        # Of so many characters in a row, one half of the length lies on a step.
        if squeezed[start : start + step] not in secret:
            continue
        earliest = max(0, start - step)
        for begin in range(earliest, start + 1):
            piece = squeezed[begin : begin + LEAKED_CHARACTERS]
            if len(piece) == LEAKED_CHARACTERS and piece in secret:
                return True
    return False
