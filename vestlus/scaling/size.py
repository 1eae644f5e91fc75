"""The size of a pool as people write it: a number, or bounds within which it is chosen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: More is a slip.
LARGEST: Final = 1000

#: Webhook replicas, beyond which none are started, whatever the cluster has: each holds
#: connections to the broker, and every change of their number makes the ingress load its table
#: anew.
MOST_REPLICAS: Final = 64

#: What may be written, for messages about what may not.
WRITTEN: Final = "must be a whole number from 1 to 1000, or auto, or auto with bounds: auto:1-8"

_AUTO = re.compile(r"auto(?::([0-9]{1,4})-([0-9]{1,4}))?")
_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class PoolSize:
    """``4``: as many. ``auto:2-8``: as many as the load needs, within these bounds. ``auto``: from
    one to as many as the cluster has processors.
    """

    least: int
    #: None: as many as the cluster has processors.
    most: int | None

    @property
    def auto(self) -> bool:
        """Whether the load decides."""
        return self.least != self.most

    def bounds(self, useful: int, processors: float) -> tuple[int, int]:
        """Least and most, where more than ``useful`` have nothing to do."""
        most = self.most if self.most is not None else max(self.least, int(processors), 1)
        return min(self.least, useful), max(1, min(most, useful))

    def __str__(self) -> str:
        if not self.auto:
            return str(self.least)
        return "auto" if self.most is None else f"auto:{self.least}-{self.most}"


#: What there is of each pool unless it is set.
ONE: Final = PoolSize(1, 1)


def parse_size(value: object) -> PoolSize:
    """Reads what a person wrote. Raises ValueError, which says what may be written."""
    if isinstance(value, PoolSize):
        return value
    number_or_text = isinstance(value, int | str) and not isinstance(value, bool)
    text = str(value).strip() if number_or_text else ""
    least: str | None = None
    most: str | None = None
    if _NUMBER.fullmatch(text):
        least = most = text
    elif found := _AUTO.fullmatch(text):
        least, most = found[1], found[2]
        if least is None:
            return PoolSize(1, None)
    if least is None or most is None or not 1 <= int(least) <= int(most) <= LARGEST:
        raise ValueError(WRITTEN)
    return PoolSize(int(least), int(most))
