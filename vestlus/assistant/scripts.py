"""Whether an answer is in a script that who asked cannot be expected to read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Brackets hold our own words for what came with a message, and marks for personal data; links
#: and addresses are Latin in every language.
_NEUTRAL: Final = re.compile(r"\[[^\[\]]*\]|https?://\S+|\S+@\S+|\bwww\.\S+|@[\w.]+|#\w+")
_CYRILLIC: Final = re.compile(r"[\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f]")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")

#: Fewer letters than this ("да", "OK") say nothing of a language.
_FEWEST: Final = 3


def is_latin_to_cyrillic(asked: Iterable[str], answer: str) -> bool:
    """Whether everything that was asked is in Cyrillic letters and the answer has none of them.

    The other way round nothing is said: many write Russian in Latin letters. An answer of a link
    alone is in no script.
    """
    question = _NEUTRAL.sub(" ", "\n".join(asked))
    if len(_CYRILLIC.findall(question)) < _FEWEST or _LATIN.search(question):
        return False
    words = _NEUTRAL.sub(" ", answer)
    return len(_LATIN.findall(words)) >= _FEWEST and not _CYRILLIC.search(words)
