"""Deterministic embeddings: texts with like words get like vectors."""

import hashlib
import math
from array import array

from vestlus.simulator.languages import words

DIMENSIONS = 1536
PREFIX = 5


def embed(text: str, dimensions: int = DIMENSIONS) -> "array[float]":
    """Return a vector of length 1 in single precision.

    Each word's first letters decide a place and a sign, so inflected forms agree.
    """
    sums: dict[int, float] = {}
    for word in words(text) or [""]:
        digest = hashlib.blake2b(word[:PREFIX].encode(), digest_size=8).digest()
        place = int.from_bytes(digest[:6], "big") % dimensions
        sums[place] = sums.get(place, 0.0) + (1.0 if digest[7] & 1 else -1.0)
    if not any(sums.values()):
        sums = {0: 1.0}
    length = math.sqrt(sum(value * value for value in sums.values()))
    vector = array("f", bytes(4 * dimensions))
    for place, value in sums.items():
        vector[place] = value / length
    return vector
