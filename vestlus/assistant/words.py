"""Which texts share telling words with a query, without any model."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WORD: Final = re.compile(r"[^\W_]+")

#: Letters by which inflected forms are taken as one word: "lahtiolekuaeg" and "lahtiolekuajad",
#: "открыто" and "открыты". Five suits Estonian, Russian and English alike.
_STEM: Final = 5

#: The usual constants of BM25: how soon repetition stops to count, and how much length does.
_K1: Final = 1.2
_B: Final = 0.75

#: A whole word that agrees counts for more than a beginning that does.
_STEM_WEIGHT: Final = 0.6


def folded(text: str) -> str:
    """Without case, accents and compatibility forms, so that "Õigus" is found by "oigus"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


class WordIndex:
    """Scores texts against queries by BM25 (Robertson and Zaragoza, 2009).

    Every word counts as itself, and as its first letters with less weight.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(_terms(text)) for text in texts]
        lengths = np.array([max(1, each.total()) for each in counts], np.float32)
        self._size = len(texts)
        norms = _K1 * (1 - _B + _B * lengths / (lengths.mean() if len(texts) else 1))
        places: dict[str, list[int]] = {}
        for place, each in enumerate(counts):
            for term in each:
                places.setdefault(term, []).append(place)
        self._postings: dict[str, tuple[NDArray[np.intp], NDArray[np.float32]]] = {}
        for term, found in places.items():
            at = np.array(found, np.intp)
            often = np.array([counts[place][term] for place in found], np.float32)
            rarity = math.log(1 + (self._size - len(found) + 0.5) / (len(found) + 0.5))
            weight = rarity * (_STEM_WEIGHT if term.startswith("^") else 1.0)
            self._postings[term] = (
                at,
                (weight * often * (_K1 + 1) / (often + norms[at])).astype(np.float32),
            )

    def scores(self, query: str) -> NDArray[np.float32]:
        """A score for each text, in their order; 0 for those that share no word."""
        total = np.zeros(self._size, np.float32)
        for term in set(_terms(query)):
            if term in self._postings:
                at, weights = self._postings[term]
                total[at] += weights
        return total


def _terms(text: str) -> list[str]:
    """Its words, and the beginnings of them marked with a sign that is in no word."""
    words = _WORD.findall(folded(text))
    return [term for word in words for term in (word, f"^{word[:_STEM]}")]
