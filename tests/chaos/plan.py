"""What a run does and when, drawn from a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from tests.chaos.kinds import (
    FULL_SECONDS,
    LONGEST_DELAY,
    NETWORK_KINDS,
    POST_FAULTS,
    PROCESS_KINDS,
    REQUEST_KINDS,
    SCHEDULER,
    WEBHOOK_KINDS,
    Act,
    NetworkKind,
    Place,
    ProcessKind,
    RequestKind,
)
from tests.chaos.proxy import Trouble
from tests.e2e.traffic import Habits

#: How long after an ambiguous send its absence at Instagram counts as proof, in this suite. More
#: than three times the longest delay of a proxy (2.5 s) and than what Graph's *slow* takes (2 s),
#: so that only the *late* scenario can be later; and short beside the default of 60 s, so that a
#: run of ten minutes sees hundreds of sends through to their end.
SETTLING_SECONDS = 8.0

#: From a fault of the requests to the second try of most that it hit: the request's time-out,
#: settling, a look for each second that a few rows wait for theirs, and a look that hangs.
SECOND_TRY_SECONDS = 10.0 + SETTLING_SECONDS + 12.0 + 15.0
#: So long before requests go nowhere there is none any more that is about to be tried again: their
#: time-out, settling, and a look.
CALM_SECONDS = 10.0 + SETTLING_SECONDS + 2.0

#: What users' names begin with; verdicts are asked for by the letter that both have.
JUDGED = "u"
BUSY_USERS, NEWCOMERS, TAKEN_OVER = f"{JUDGED}b", f"{JUDGED}n", f"{JUDGED}t"

#: In a run of :data:`FULL_SECONDS`: conversations that a person takes over and hands back, and
#: posts that a person plans. Each costs the start of a program or two.
TAKE_OVERS, POSTS = 20, 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessFault:
    """One fault of processes; as soon after ``at`` as the one before is over."""

    at: float
    kind: ProcessKind
    which: int


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """One fault of the network. ``seed`` decides which connections are cut."""

    at: float
    kind: NetworkKind
    lasts: float
    by: float
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run does. The same seed, the same plan."""

    seed: int
    seconds: float
    users: int
    processes: tuple[ProcessFault, ...]
    network: tuple[NetworkFault, ...]
    requests: tuple[RequestKind, ...]
    #: Conversations that are taken over and handed back, and posts that are planned.
    take_overs: int
    posts: int
    #: Late requests of the scenario that follows, 0 for none.
    late: int

    @property
    def actors(self) -> int:
        """Of each kind. With two, partitions move; short runs have no time for their start."""
        return 2 if self.seconds >= FULL_SECONDS / 2 else 1

    @property
    def lanes(self) -> tuple[tuple[ProcessFault, ...], tuple[ProcessFault, ...]]:
        """The faults of processes that are made one after the other: those of the scheduler alone,
        beside all others.
        """
        alone = tuple(one for one in self.processes if one.kind.marks == (SCHEDULER,))
        return alone, tuple(one for one in self.processes if one not in alone)

    @property
    def habits(self) -> Habits:
        """How the users write."""
        return Habits(
            self.seed,
            users=self.users,
            burst_probability=0.15,
            wish_probability=0.03,
            picture_probability=0.02,
            prefix=BUSY_USERS,
            newcomers=NEWCOMERS,
        )

    def least(self) -> dict[str, int]:
        """How often each kind must have happened, by name."""
        share = self.seconds / FULL_SECONDS
        wanted = {kind.name: int(kind.least * share) for kind in self.requests}
        if self.requests:
            wanted |= {f"webhook {name}": int(least * share) for name, least in _WEBHOOKS}
        # One after the other, each through outages: on a busy machine there is no time for all.
        wanted["conversation taken over"] = (self.take_overs + 3) // 4
        # Each post brings one of them with it; a long outage may leave no time for some.
        for place, kind in enumerate(POST_FAULTS):
            wanted[kind.name] = (self.posts + 2 * place) // 4
        names = [one.kind.name for one in self.processes] + [one.kind.name for one in self.network]
        for name in names:
            wanted[name] = wanted.get(name, 0) + 1
        return wanted


_WEBHOOKS = tuple(WEBHOOK_KINDS.items())


def drawn(
    seed: int,
    seconds: float,
    *,
    users: int = 200,
    servers: bool = True,
    only: str = "",
    late: int | None = None,
) -> Plan:
    """The plan of a seed. Without ``servers`` (the embedded pair) none is restarted, and what
    leads to one is left in peace. Of the faults of processes there are only those in whose name
    the expression ``only`` is found, each at least once then.
    """
    chance = random.Random(seed)  # noqa: S311 - reproducible
    share = seconds / FULL_SECONDS
    kinds: list[ProcessKind] = []
    for kind in PROCESS_KINDS:
        if kind.act is not Act.RESTART or servers:
            least = int(kind.in_short_runs or bool(only))
            if re.search(only, kind.name):
                kinds += [kind] * max(int(kind.times * share), least)
    chance.shuffle(kinds)
    places = [place for place in Place if servers or place not in (Place.BUS, Place.STORE)]
    networks = [kind for kind in NETWORK_KINDS if kind.place in places]
    chosen = [kind for kind in networks for _ in range(int(kind.times * share))] or chance.sample(
        networks, max(1, round(len(networks) * 3 * share))
    )
    network = _network(chosen, seconds, chance)
    return Plan(
        seed=seed,
        seconds=seconds,
        users=users,
        processes=tuple(
            ProcessFault(at, kind, chance.randrange(8))
            for at, kind in _spread(kinds, seconds, chance)
        ),
        network=network,
        requests=REQUEST_KINDS,
        take_overs=max(1, round(TAKE_OVERS * share)),
        posts=max(len(POST_FAULTS), round(POSTS * share)),
        late=late if late is not None else round(20 * share) if share >= 0.5 else 0,
    )


def _network(
    kinds: list[NetworkKind], seconds: float, chance: random.Random
) -> tuple[NetworkFault, ...]:
    """Draws moments until no fault of Graph's follows so soon on a blackhole of Graph's that both
    would hit the same sends.
    """
    while True:
        chance.shuffle(kinds)
        faults = tuple(
            NetworkFault(
                at,
                kind,
                chance.uniform(*kind.lasts),
                chance.uniform(0.3, LONGEST_DELAY),
                chance.randrange(1 << 30),
            )
            for at, kind in _spread(kinds, seconds, chance)
        )
        graph = [
            one
            for one in faults
            if one.kind.place is Place.GRAPH and one.kind.trouble is not Trouble.DELAY
        ]
        if not any(
            first.kind.trouble is Trouble.BLACKHOLE
            and second.at - first.at < SECOND_TRY_SECONDS + first.lasts
            for first, second in pairwise(graph)
        ):
            return faults


def _spread(kinds: list[T], seconds: float, chance: random.Random) -> Iterable[tuple[float, T]]:
    """Each at a drawn moment of its own slice of the time."""
    slice_ = 0.9 * seconds / max(1, len(kinds))
    begin = 0.03 * seconds
    return [(begin + (place + chance.random()) * slice_, kind) for place, kind in enumerate(kinds)]
