"""Deterministic embeddings: texts about the same things get like vectors."""

import hashlib
import math
from array import array
from collections import Counter

from vestlus.simulator.languages import stems, topics, words

DIMENSIONS = 1536
# Letters of a piece: what words share besides their beginning, as compounds do.
PIECE = 4
# A topic is the same in every language that the pretend model knows.
WEIGHTS = {"stem": 1.0, "piece": 0.3, "topic": 1.5}


def embed(text: str, dimensions: int = DIMENSIONS) -> "array[float]":
    """Return a vector of length 1 in single precision.

    Each feature of the text decides a place and a sign: the beginnings of its words, so that
    inflected forms agree; pieces of long words; and the topics it is about.
    """
    sums: dict[int, float] = {}
    for feature, weight in _features(text).items():
        digest = hashlib.blake2b(feature.encode(), digest_size=8).digest()
        place = int.from_bytes(digest[:6], "big") % dimensions
        sums[place] = sums.get(place, 0.0) + (weight if digest[7] & 1 else -weight)
    if not any(sums.values()):
        sums = {0: 1.0}
    length = math.sqrt(sum(value * value for value in sums.values()))
    vector = array("f", bytes(4 * dimensions))
    for place, value in sums.items():
        vector[place] = value / length
    return vector


def _features(text: str) -> dict[str, float]:
    found = words(text)
    counts: Counter[str] = Counter()
    for word in [word for word in found if stems([word])] or found or [""]:
        counts[f"stem {next(iter(stems([word])), word)}"] += 1
        counts.update(
            f"piece {word[start : start + PIECE]}" for start in range(len(word) - PIECE + 1)
        )
    counts.update(f"topic {topic}" for topic in topics(found))
    return {
        feature: WEIGHTS[feature.partition(" ")[0]] * (1 + math.log(count))
        for feature, count in counts.items()
    }
