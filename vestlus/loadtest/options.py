"""What a load test is asked for, read from the command line; all that is wrong at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vestlus.errors import VestlusError

Spread = Literal["zipf", "uniform"]

#: A single process writes as all users: more than this it could not follow up.
MOST_PER_SECOND = 5_000.0
MOST_USERS = 1_000_000
MOST_ACCOUNTS = 300
#: Meta: at most 1000 updates in a POST (Webhooks).
MOST_PER_POST = 1_000

#: The load test's own processes, besides the service's.
HELPERS = ("generator", "pretend Graph", "pretend model")

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|m|h)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class LoadTestError(VestlusError):
    """The load test cannot run. The message says what to mend."""


class OptionsError(LoadTestError):
    """Options that say nothing sensible; one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "The options need mending:\n" + "\n".join(f"  {each}" for each in self.problems)


@dataclass(frozen=True, slots=True)
class ModelLatency:
    """How long the pretend model takes, seconds: the median, and the sigma of a log-normal one."""

    median: float = 0.0
    sigma: float | None = None

    def to_control(self) -> object:
        """The form of the simulator's control API."""
        return self.median if self.sigma is None else {"median": self.median, "sigma": self.sigma}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A load test. Times in seconds, ``rate`` in messages a second over all users."""

    users: int
    rate: float
    seconds: float
    burst_size: int = 0
    burst_every: float = 0.0
    model_latency: ModelLatency = ModelLatency()
    faults: tuple[Any, ...] = ()
    target: str | None = None
    json_file: Path | None = None
    report: Path | None = None
    spread: Spread = "zipf"
    accounts: int = 4
    pictures: float = 0.0
    per_post: int = 1
    seed: int = 0
    drain: float = 60.0
    listen: str = "127.0.0.1"
    seen_as: str | None = None
    graph_port: int = 0
    model_port: int = 0
    #: Processes beside the service whose costs are wanted too: what they are called, and their ids.
    watch: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        """Raises OptionsError."""
        wrong = [
            said
            for said, good in (
                (f"--users must be 1 to {MOST_USERS}", 1 <= self.users <= MOST_USERS),
                (f"--rate must be over 0 and at most {MOST_PER_SECOND:g}", self._rate_is_good()),
                ("--duration must be at least 1 s", 1 <= self.seconds <= 7 * 86_400),
                ("--pictures is a share, 0 to 1", 0 <= self.pictures <= 1),
                (f"--accounts must be 1 to {MOST_ACCOUNTS}", 1 <= self.accounts <= MOST_ACCOUNTS),
                (f"--per-post must be 1 to {MOST_PER_POST}", 1 <= self.per_post <= MOST_PER_POST),
                ("--drain must be 0 s to 1 h", 0 <= self.drain <= 3600),  # noqa: PLR2004 - 1 h
                (
                    f"--watch must have names of its own, none twice, and not {', '.join(HELPERS)}",
                    not {name for name, _ in self.watch} & {*HELPERS}
                    and len(dict(self.watch)) == len(self.watch),
                ),
                (
                    "--target must be an address such as https://vestlus.example",
                    self.target is None or self.target.startswith(("http://", "https://")),
                ),
            )
            if not good
        ]
        if wrong:
            raise OptionsError(tuple(wrong))

    def _rate_is_good(self) -> bool:
        return 0 < self.rate <= MOST_PER_SECOND


def parse_duration(text: str) -> float:
    """Seconds of ``2s``, ``500ms``, ``5m``, ``1h`` or ``30``. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration such as 30s, 500ms, 5m")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def parse_burst(text: str) -> tuple[int, float]:
    """Size and seconds between bursts of ``200,30s``. Raises ValueError."""
    size, comma, every = text.partition(",")
    if not (comma and size.strip().isascii() and size.strip().isdigit() and int(size) > 0):
        raise ValueError(f"{text!r} is no burst: SIZE,EVERY such as 200,30s")
    seconds = parse_duration(every)
    if not seconds:
        raise ValueError(f"{text!r} has no time between bursts: SIZE,EVERY such as 200,30s")
    return int(size), seconds


def parse_watched(text: str) -> tuple[str, int]:
    """Name and process id of ``postgres=1234``. Raises ValueError."""
    name, _, pid = text.rpartition("=")
    if not (name.strip() and pid.strip().isascii() and pid.strip().isdigit() and int(pid) > 0):
        raise ValueError(f"{text!r} is no process: NAME=PID such as postgres=1234")
    return name.strip(), int(pid)


def parse_model_latency(text: str) -> ModelLatency:
    """``none``, ``fixed:2s`` or ``lognormal:2s,0.5`` (median, sigma). Raises ValueError."""
    kind, _, rest = text.strip().partition(":")
    if kind == "none" and not rest:
        return ModelLatency()
    if kind == "fixed" and rest:
        return ModelLatency(parse_duration(rest))
    median, comma, sigma = rest.partition(",")
    if kind == "lognormal" and comma and re.fullmatch(r"\d+(\.\d*)?|\.\d+", sigma.strip()):
        spread = float(sigma)
        if spread <= 3:  # noqa: PLR2004 - a sigma of 3 is a 99th percentile of 1000 medians
            return ModelLatency(parse_duration(median), spread)
    raise ValueError(
        f"{text!r} is no latency: none, fixed:2s, or lognormal:2s,0.5 (median, sigma up to 3)"
    )
