"""What happened to something, moment by moment: the lines of a ``trail`` column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: Characters of a trail that are kept, the newest: a row that is tried once a minute for a day
#: must not grow without end.
LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happened at ``at_ms``. ``what`` is one word of ours, ``detail`` a reason or name.

    Neither ever holds what somebody said.
    """

    at_ms: int
    what: str
    detail: str = ""


def written(moments: Iterable[Moment]) -> str:
    """The moments as they are written: a line each."""
    return "".join(f"{one.at_ms} {one.what} {' '.join(one.detail.split())}\n" for one in moments)


def read(trail: str) -> tuple[Moment, ...]:
    """The moments of a trail, oldest first. A line that was cut off at the beginning is left out.

    So is whatever else is no moment: a trail tells people what happened, and decides nothing.
    """
    lines = trail.splitlines()
    if len(trail) >= LONGEST:
        lines = lines[1:]
    found = (_moment(line) for line in lines)
    return tuple(one for one in found if one is not None)


def _moment(line: str) -> Moment | None:
    at_ms, _, rest = line.partition(" ")
    what, _, detail = rest.partition(" ")
    if not (at_ms.isascii() and at_ms.isdigit() and what):
        return None
    return Moment(int(at_ms), what, detail)
