"""Whether a fact is in an answer, however it is written, and which language a text is in."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from vestlus.assistant.words import folded

#: Dashes and minus signs, ranges' and everybody's.
_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")
_QUOTES: Final = re.compile("[\u201a\u201c-\u201f\u00ab\u00bb]")
#: Apostrophes, and what is typed for them: Ukrainian, Estonian and French words have them inside.
_APOSTROPHES: Final = re.compile("[\u2018\u2019\u201b\u02bc\u2032\u00b4]")
#: What can be the end of a longer number: a space stands before every three digits of some.
_GROUP: Final = re.compile(r"\d{3}(?!\d)")
_AROUND_DASH: Final = re.compile(r"(?<=\d)\s*-\s*(?=\d)")

_CYRILLIC_LANGUAGES: Final = frozenset({"ru", "uk", "be", "bg", "sr", "mk"})

#: Words that tell one language from the others, folded. Few are enough: an answer has sentences.
_TELLING: Final = {
    "et": "ja ei ole on kas see te teie ma me oma kui saab siis ning voi kella",
    "en": "the is are and you we your for of our with from please can not until",
    "fi": "ja ei ole se sina te olemme voit tai kun meidan teidan joka kanssa klo",
    "lv": "un ir nav mes jus var ar no uz par ka vai",
    "de": "der die das und ist sind nicht wir sie ihr mit von ein eine",
}
_WORDS: Final = {language: frozenset(listed.split()) for language, listed in _TELLING.items()}

#: So many telling words more than any other language has make it certain.
_CERTAIN: Final = 2


def normalised(text: str) -> str:
    """Without case and accents; all dashes, quotes, apostrophes and spaces the same, none around a
    range's dash.
    """
    # Before, as NFKC takes an acute for a space with an accent; after, as it makes an apostrophe.
    composed = unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", text))
    plain = _QUOTES.sub('"', _APOSTROPHES.sub("'", _DASHES.sub("-", composed)))
    return _AROUND_DASH.sub("-", " ".join(folded(plain).split()))


def contains(answer: str, fact: str) -> bool:
    """Whether the fact is in the answer, both normalised; a number is not found in a longer one,
    also not in "10,50" or "1 200".
    """
    before = after = ""
    if fact[:1].isdigit():
        before = r"(?<!\d)(?<!\d[.,])"
        if _GROUP.match(fact):
            before += r"(?<!\d\s)"
    if fact[-1:].isdigit():
        after = r"(?!\d)(?![.,]\d)(?!\s\d{3}(?!\d))"
    return re.search(f"{before}{re.escape(fact)}{after}", answer) is not None


def primary(tag: str) -> str:
    """The language of a BCP 47 tag, without script and region."""
    return tag.partition("-")[0].lower()


def certain_language(text: str) -> str:
    """The language that a text is in beyond doubt, of the few known here; else empty."""
    words = re.findall(r"[^\W\d_]+", folded(text))
    counts = {
        language: sum(word in telling for word in words) for language, telling in _WORDS.items()
    }
    first, second, *_ = sorted(counts, key=lambda one: counts[one], reverse=True)
    return first if counts[first] >= counts[second] + _CERTAIN else ""


def is_cyrillic(text: str) -> bool:
    """Whether most letters are Cyrillic."""
    letters = [char for char in text if char.isalpha()]
    return 2 * sum("\u0400" <= char <= "\u04ff" for char in letters) > len(letters)


def language_problem(text: str, said: str, expected: str) -> str:
    """What speaks against the text being in the expected language; empty if nothing does.

    ``said``: the language that the model says it is in; empty where it does not.
    """
    if not any(char.isalpha() for char in text):
        return ""  # figures alone are in every language
    wanted = primary(expected)
    if is_cyrillic(text) != (wanted in _CYRILLIC_LANGUAGES):
        return f"is not in {expected}, by its letters"
    certain = certain_language(text)
    if certain and wanted in _WORDS and certain != wanted:
        return f"is in {certain} and not in {expected}, by its words"
    if said and primary(said) != wanted:
        return f"is in {said} and not in {expected}, as the model says"
    if not said and certain != wanted and wanted not in _CYRILLIC_LANGUAGES:
        return f"cannot be told to be in {expected}"
    return ""
