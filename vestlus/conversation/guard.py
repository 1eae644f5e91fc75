"""What a model's answer must not hold, whatever the model was talked into.

Nobody's word is taken for it: the answer is read again by plain code, after masked data was
restored and before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from vestlus.conversation.guard_links import Link, is_given, links, readable, spelled_out
from vestlus.conversation.personal_data import ALL_KINDS, Found, Kind, canonical, found

#: So many words in a row are no coincidence, and neither are so many letters and digits.
LEAKED_WORDS: Final = 12
LEAKED_CHARACTERS: Final = 80

#: Of a persona that much in a row is a recital, or half of it: people write facts into it in plain
#: sentences, and an answer that tells one of them is what they are there for.
RECITED_WORDS: Final = 40

#: Words that count as taken over together, and how many changed ones may stand between such.
_TOGETHER: Final = 4
_CHANGED: Final = 2

#: The tags that set parts of a prompt apart, besides those that a secret text has itself.
_TAGS: Final = frozenset({"persona", "knowledge", "pictures", "facts"})
_TAG: Final = re.compile(r"(?:<|&lt;)\s*/?\s*([a-z][a-z_-]{2,30})\s*/?\s*(?:>|&gt;)", re.IGNORECASE)

_WORD: Final = re.compile(r"[^\W_]+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")
_HEADING: Final = re.compile(r"#{1,6}\s+(.*)")
_LIST_NUMBER: Final = re.compile(r"\s*[0-9]{1,2}[.)]\s")
#: Headings under which a persona's author writes what users may be told.
_TO_BE_TOLD: Final = re.compile(
    r"\b(?:tead|teada|teadmis\w*|fakt\w*|facts?|info\w*|andmed|kkk|know\w*|faq|зна\w+|факт\w*|данные"
    r"|інформ\w*|информ\w*|tiedot|tietoa|zin\w*|žin\w*|wiss\w*|vet|veta|wie\w*)\b",
    re.IGNORECASE,
)

_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9])[\s()./–-]+(?=[0-9])")
_HOME: Final = "+372"


class Objection(StrEnum):
    """Why an answer must not be sent."""

    #: It sends people to a place that nobody gave it.
    LINK_NOT_GIVEN = "link_not_given"
    #: It names an address, a number or a code that nobody gave it.
    PERSONAL_DATA_NOT_GIVEN = "personal_data_not_given"
    #: It tells what only the model was to read.
    PROMPT_LEAK = "prompt_leak"


def objection(
    text: str,
    *,
    given: Sequence[str],
    secret: Sequence[str],
    own: Sequence[str] = (),
    quotable: Sequence[str] = (),
) -> Objection | None:
    """The first reason against sending an answer, or ``None``.

    - ``given``: the account's own texts, which may be told: facts, persona, knowledge;
    - ``secret``: texts that only the model reads, the rules among them. What such a text holds
      for users (see :func:`_secret_parts`) may be told all the same;
    - ``quotable``: texts that may be quoted and not recited, such as a persona: 40 words in a
      row, where they are not plainly meant for users, are too many;
    - ``own``: the user's own messages: their personal data may be said to them, their links may
      not be passed on as ours.

    Links are compared as :func:`vestlus.conversation.guard_links.is_given` says; personal data in
    whichever way it is written. A leak is at least 12 words that stand in a secret text in the
    same order, two changed words in a row at most, or 80 letters and digits however they are
    spaced; or a tag of the prompt.
    """
    plain = readable(text)
    if not _only_given_links(plain, given):
        return Objection.LINK_NOT_GIVEN
    spelled = spelled_out(plain)
    named = found(spelled, ALL_KINDS)
    if named and not _all_given(spelled, named, (*given, *own)):
        return Objection.PERSONAL_DATA_NOT_GIVEN
    if (
        _shows_a_tag(plain, (*secret, *quotable))
        or _leaks(plain, given, secret)
        or _recites(plain, quotable)
    ):
        return Objection.PROMPT_LEAK
    return None


def _only_given_links(text: str, given: Sequence[str]) -> bool:
    sent_to = links(text)
    if not sent_to:
        return True
    hosts = {link.host for link in sent_to}
    lines = [line for one in given for line in readable(one).splitlines()]
    # The lines with those hosts first: they nearly always do, and the rest can be long.
    near = [line for line in lines if any(host in line.casefold() for host in hosts)]
    return _all_among(sent_to, near) or _all_among(sent_to, lines)


def _all_among(sent_to: Collection[Link], lines: Sequence[str]) -> bool:
    known = links("\n".join(lines))
    return all(is_given(link, known) for link in sent_to)


def _all_given(text: str, named: Sequence[Found], sources: Sequence[str]) -> bool:
    plain = [spelled_out(readable(source)) for source in sources]
    # The quick look first: it finds all but unusual spellings, and some that are not found as
    # numbers (64 520-20).
    digits = " ".join(_BETWEEN_DIGITS.sub("", source) for source in plain)
    addresses = " ".join(source.casefold() for source in plain if "@" in source)
    values: set[tuple[str, str]] | None = None
    for one in named:
        value = canonical(one.kind, text[one.start : one.end])
        number = value.removeprefix(_HOME).lstrip("+")
        if one.kind == Kind.EMAIL and re.search(rf"(?<![\w.+-]){re.escape(value)}\b", addresses):
            continue
        if one.kind != Kind.EMAIL and re.search(
            rf"(?<![0-9])(?:{_HOME[1:]}|00|0)*{number}(?![0-9])", digits
        ):
            continue
        if values is None:
            values = _values(plain)
        if (one.kind, value) not in values:
            return False
    return True


def _values(texts: Sequence[str]) -> set[tuple[str, str]]:
    return {
        (one.kind, canonical(one.kind, text[one.start : one.end]))
        for text in texts
        for one in found(text, ALL_KINDS)
    }


def _shows_a_tag(text: str, secret: Sequence[str]) -> bool:
    shown = {match.group(1).lower() for match in _TAG.finditer(text)}
    if not shown:
        return False
    return bool(shown & (_TAGS | {tag.lower() for one in secret for tag in _TAG.findall(one)}))


def _leaks(text: str, given: Sequence[str], secret: Sequence[str]) -> bool:
    words = _words(text)
    squeezed = "".join(words)
    for one in secret:
        grams, letters = _fingerprint(one)
        run = _longest_run(words, grams)
        if len(run) < LEAKED_WORDS and not _shares_letters(squeezed, letters):
            continue
        # What another of the account's texts says in the same words is no secret.
        others = (other for other in given if one not in other and other not in secret)
        if not run or not any(" ".join(run) in " ".join(_words(other)) for other in others):
            return True
    return False


def _recites(text: str, quotable: Sequence[str]) -> bool:
    words = _words(text)
    for one in quotable:
        grams, _ = _fingerprint(one)
        # Half of a short one is a recital too.
        recital = max(LEAKED_WORDS, min(RECITED_WORDS, (len(grams) + _TOGETHER) // 2))
        if len(_longest_run(words, grams)) >= recital:
            return True
    return False


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("'", "").replace("’", ""))


def _grams(words: Sequence[str]) -> Iterator[int]:
    for start in range(len(words) - _TOGETHER + 1):
        yield hash(tuple(words[start : start + _TOGETHER]))


@lru_cache(maxsize=256)  # rules and a persona for each account, the same for all its answers
def _fingerprint(secret: str) -> tuple[frozenset[int], str]:
    """The stretches of words of a secret, and its letters and digits, a space between parts."""
    parts = [_words(part) for part in _secret_parts(readable(secret))]
    grams = frozenset(gram for part in parts for gram in _grams(part))
    return grams, " ".join("".join(part) for part in parts)


def _secret_parts(text: str) -> Iterator[str]:
    """What of a prompt's text is for the model alone: stretches of whole sentences.

    People write facts for users into the same text as instructions. Sections with a heading such
    as "What you know" or "Facts" are for users, and so are sentences with digits or an address:
    opening hours, prices, telephone numbers.
    """
    told = False
    part: list[str] = []
    for line in text.splitlines():
        heading = _HEADING.match(line.strip())
        if heading:
            told = bool(_TO_BE_TOLD.search(heading.group(1)))
        for sentence in _SENTENCE_END.split(_LIST_NUMBER.sub("", line)):
            if told or re.search(r"[0-9@]|://", sentence):
                yield " ".join(part)
                part = []
            else:
                part.append(sentence)
    yield " ".join(part)


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
