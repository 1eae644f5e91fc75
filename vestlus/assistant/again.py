"""Whether a user asks for a certain thing once more, in words of the languages that users write.

Decides only what may happen, not what does: a picture that was sent already may be sent again
when the newest messages want it and the model names the picture too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from vestlus.assistant.again_words import AGAIN, ANOTHER, LOST, REQUESTS, UNSPECIFIC

_Words = Mapping[str, tuple[str, ...]]

_APOSTROPHES: Final = re.compile("[\u2018\u2019\u02bc\u00b4]")
#: A word, and not the single letter that an article or the end of a word can be.
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


def wants_it_again(texts: Iterable[str]) -> bool:
    """Whether one of the texts wants a certain thing that its writer may have had already.

    It says *again*, or that something did not arrive or was lost, or asks to be sent or shown
    something that it names. Who wants another one, or just any picture, does not want the same.
    """
    return any(_wants(_folded(text)) for text in texts)


def _wants(text: str) -> bool:
    if _AGAIN.search(text) or _LOST.search(text):
        return True
    if _ANOTHER.search(text) or not _REQUEST.search(text):
        return False
    return _WORD.search(_UNSPECIFIC.sub(" ", _REQUEST.sub(" ", text))) is not None


def _pattern(words: _Words) -> re.Pattern[str]:
    phrases = {phrase for listed in words.values() for phrase in listed}
    # The longest first, so that a part of a phrase does not take its place.
    choices = [
        r"\s+".join(map(re.escape, _folded(phrase.removesuffix("-")).split()))
        + (r"\w*" if phrase.endswith("-") else r"\b")
        for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    ]
    return re.compile(rf"\b(?:{'|'.join(choices)})")


def _folded(text: str) -> str:
    return _APOSTROPHES.sub("'", unicodedata.normalize("NFC", text).casefold())


_AGAIN: Final = _pattern(AGAIN)
_LOST: Final = _pattern(LOST)
_ANOTHER: Final = _pattern(ANOTHER)
_REQUEST: Final = _pattern(REQUESTS)
_UNSPECIFIC: Final = _pattern(UNSPECIFIC)
