"""A high dynamic range histogram (HDR): exact counts, values to three digits, whatever their size.

As Gil Tene's HdrHistogram with three significant digits: below 2,048 every value has a bucket of
its own, above that each doubling of the value has 1,024 buckets, so a value is known to 0.1 %.
Only buckets that hold something take memory. Decision 28 says why it is ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

_HALF = 1024
_HALF_BITS = 10


class Histogram:
    """Counts of whole numbers that are not negative, microseconds here."""

    def __init__(self, counts: Mapping[int, int] | None = None, most: int = 0) -> None:
        """``counts`` are by bucket, as :attr:`counts` gives them; ``most`` is the largest value."""
        self.counts: Counter[int] = Counter(counts or {})
        self.count = sum(self.counts.values())
        #: The largest value, exactly; 0 when there is none.
        self.most = most

    def record(self, value: int) -> None:
        """Counts a value. Raises ValueError for a negative one."""
        self.counts[bucket_of(value)] += 1
        self.count += 1
        self.most = max(self.most, value)

    def record_all(self, values: Iterable[int]) -> None:
        """Counts values."""
        for value in values:
            self.record(value)

    def add(self, other: Histogram) -> None:
        """Takes over what another has counted."""
        self.counts.update(other.counts)
        self.count += other.count
        self.most = max(self.most, other.most)

    def percentile(self, percent: float) -> int:
        """The value that so many percent do not exceed: at most 0.1 % too large; 0 of nothing."""
        wanted = max(1, -(-self.count * percent // 100))
        passed = 0
        for bucket in sorted(self.counts):
            passed += self.counts[bucket]
            if passed >= wanted:
                return min(highest_of(bucket), self.most)
        return self.most


def bucket_of(value: int) -> int:
    """The number of the bucket of a value. Raises ValueError for a negative one."""
    if value < 0:
        raise ValueError(value)
    shift = max(0, value.bit_length() - _HALF_BITS - 1)
    return shift * _HALF + (value >> shift)


def highest_of(bucket: int) -> int:
    """The largest value of a bucket."""
    if bucket < 2 * _HALF:
        return bucket
    shift = bucket // _HALF - 1
    return ((bucket - shift * _HALF + 1) << shift) - 1
