"""Whether somebody else uses the machine: before the run, and while it is measured."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestlus.loadtest.parts import Parts, living_processes
from vestlus.loadtest.result import mean

#: The load of the last minute above which the machine is not quiet.
QUIET = 0.7
EVERY_SECONDS = 5.0
_STAT = Path("/proc/stat")
#: Fields of the first line of /proc/stat, as proc(5) has them: idle and waiting for a disk are not
#: busy, stolen is what the host gave to others; guests are counted in user and nice.
_BUSY, _STOLEN = (0, 1, 2, 5, 6), 7


def wait_for_quiet(
    seconds: float,
    say: Callable[[str], None],
    *,
    load: Callable[[], tuple[float, float, float]] = os.getloadavg,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[float]:
    """Wait at most so long for a quiet machine; the load of 1, 5 and 15 minutes after that."""
    began, now = clock(), load()
    say(f"load {now[0]:.2f}, {now[1]:.2f}, {now[2]:.2f}")
    if now[0] > QUIET and seconds > 0:
        say(f"over {QUIET}: waiting {seconds / 60:g} min at most until it is quiet")
        while now[0] > QUIET and clock() - began < seconds:
            pause(min(EVERY_SECONDS, seconds - (clock() - began)))
            now = load()
        quiet = "quiet" if now[0] <= QUIET else "NOT quiet, the figures will show it"
        say(f"load {now[0]:.2f} after {clock() - began:.0f} s: {quiet}")
    return [round(each, 2) for each in now]


@dataclass(frozen=True, slots=True)
class Machine:
    """Seconds of all cores since the start: worked, and taken by the host."""

    busy: float
    stolen: float


def parse_stat(text: str, ticks: int) -> Machine:
    """Of /proc/stat. Raises ValueError where its first line is another."""
    name, *fields = text.partition("\n")[0].split()
    if name != "cpu" or len(fields) <= _STOLEN:
        raise ValueError("the first line of /proc/stat is not that of all cores")
    values = [int(each) / ticks for each in fields]
    return Machine(sum(values[each] for each in _BUSY), values[_STOLEN])


def read_machine() -> Machine | None:
    """None where there is no /proc."""
    if sys.platform != "linux":
        return None
    return parse_stat(_STAT.read_text("ascii"), os.sysconf("SC_CLK_TCK"))


class Surrounded(Parts):
    """Parts, and what the machine did besides them."""

    def __init__(
        self,
        roots: Mapping[str, int],
        *,
        read: Callable[[], Any] = living_processes,
        machine: Callable[[], Machine | None] = read_machine,
        own: Callable[[], float] = time.process_time,
    ) -> None:
        """``own`` are the seconds of CPU that whoever looks has used."""
        super().__init__(roots, service=None, read=read)
        self._machine, self._own = machine, own
        self._last: tuple[float, Machine, float] | None = None
        self._busy: list[float] = []
        self._stolen: list[float] = []

    def look(self, now: float) -> None:
        """Reads processes and machine."""
        super().look(now)
        machine, own = self._machine(), self._own()
        if machine is None:
            return
        if self._last is not None and now > self._last[0]:
            then, before, used = self._last
            self._busy.append((machine.busy - before.busy - (own - used)) / (now - then))
            self._stolen.append((machine.stolen - before.stolen) / (now - then))
        self._last = now, machine, own

    def others(self) -> dict[str, float] | None:
        """Cores that others kept busy, the kernel's own work included, and that the host took.

        None where that cannot be told.
        """
        if not self._busy:
            return None
        known = sum(mean(cost.cores) for cost in self.costs.values())
        return {"cores": max(0.0, mean(self._busy) - known), "stolen": mean(self._stolen)}
