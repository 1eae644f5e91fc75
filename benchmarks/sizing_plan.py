"""From what a message costs to how much of everything a rate needs. All of it is worked out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.sizing_costs import PRETEND, Measured

DAY_SECONDS = 86_400
CONVERSATIONS = "service: conversations (ConversationActor)"
PUBLISHERS = "service: publishers (PublisherActor)"
WEBHOOK = "service: webhook (Serve replicas)"
BUS, STORE = "RabbitMQ", "PostgreSQL"

#: Accounts are spread over so many outbox partitions: more PublisherActors have nothing to do.
MOST_PUBLISHERS = 4
#: So that one may be lost.
LEAST_ACTORS = 2
SPARE_REPLICAS = 1
#: The default, and the most that is sensible (docs/scaling.md, "The knobs").
PARTITIONS, MOST_PARTITIONS = 16, 64
#: Of a process: at most, by `vestlus/store/postgres.py`; one to publish and one to consume, by
#: `vestlus/bus/rabbitmq.py`. The SchedulerActor and the registry have them too.
STORE_CONNECTIONS, BUS_CONNECTIONS = 8, 2
OTHER_PROCESSES = 2
#: Each quorum queue is copied to all of them.
BUS_NODES = 3
#: Of a node's processors AKS keeps 140 millicores; 0.5 more and 3 in all are assumed for its own
#: pods, ingress controllers and operators, as docs/operations.md, "Sizes and cost", has it.
NODE_CPUS, NODE_OWN_CPUS, CLUSTER_OWN_CPUS = 4, 0.64, 3.0
SPARE_NODES = 1
#: Sizes of Azure Database for PostgreSQL, general purpose, in vCPUs, and of its disks in GB.
STORE_CPUS = (2, 4, 8, 16, 32, 48, 64, 96)
STORE_DISKS = (128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384)
#: Of a disk, what data may fill: the log and what vacuum has not yet given back need the rest.
DISK_FILLED = 0.8
#: Tables whose rows have a period of their own in `[retention]`; the others go with the messages.
PERIODS = {"inbox_event": "events_days", "ledger": "sends_days"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be served. ``busy`` is the share of a core that is planned for."""

    messages_a_day: float
    peak: float
    model_seconds: float
    busy: float
    messages_days: float
    events_days: float
    sends_days: float
    accounts: int = 300

    @property
    def mean_rate(self) -> float:
        """Messages a second, over the day."""
        return self.messages_a_day / DAY_SECONDS

    @property
    def peak_rate(self) -> float:
        """Messages a second, at the worst."""
        return self.mean_rate * self.peak

    @property
    def largest_account(self) -> float:
        """Messages a second at the worst of the first account, if the k-th has 1/k of its."""
        return self.peak_rate / sum(1 / rank for rank in range(1, self.accounts + 1))


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything; processors are whole, and ``busy`` at the peak."""

    conversation_actors: int
    publisher_actors: int
    replicas: int
    partitions: int
    service_cpus: int
    #: Of each RabbitMQ node.
    bus_cpus: int
    store_cpus: int
    nodes: int
    rows_a_day: float
    bytes_a_day: float
    bytes_at_rest: float

    @property
    def processes(self) -> int:
        """Those with connections, at the peak."""
        return self.conversation_actors + self.publisher_actors + self.replicas + OTHER_PROCESSES

    @property
    def most_actors(self) -> int:
        """The upper bound for `auto`: partitions can still be spread evenly."""
        return self.partitions // 2

    @property
    def most_processes(self) -> int:
        """Those with connections, with both pools at their upper bounds."""
        return self.most_actors + MOST_PUBLISHERS + self.replicas + OTHER_PROCESSES


def plan(one: Measured, wanted: Wanted, copies: float) -> Plan:
    """What costs like these call for.

    ``copies`` is what a RabbitMQ node does of the work that was measured on one alone: a third of
    it if copying costs nothing, all of it if a copy costs as much as the first.
    """

    def busy(milliseconds: float) -> float:
        return wanted.peak_rate * milliseconds / 1000 / wanted.busy

    actors = processes(one.cpu_ms.get(CONVERSATIONS, 0.0), wanted, LEAST_ACTORS, None)
    own = sum(
        ms for part, ms in one.cpu_ms.items() if part not in PRETEND and part not in {BUS, STORE}
    )
    service = busy(own) + sum(one.fixed.values()) / wanted.busy
    bus = busy(one.cpu_ms.get(BUS, 0.0)) * copies
    node = NODE_CPUS - NODE_OWN_CPUS
    a_day, at_rest = stored_bytes(one, wanted)
    return Plan(
        actors,
        processes(one.cpu_ms.get(PUBLISHERS, 0.0), wanted, LEAST_ACTORS, MOST_PUBLISHERS),
        processes(one.cpu_ms.get(WEBHOOK, 0.0), wanted, 1, None) + SPARE_REPLICAS,
        partitions(actors),
        up(service),
        up(bus),
        up(busy(one.cpu_ms.get(STORE, 0.0))),
        up((service + BUS_NODES * bus + CLUSTER_OWN_CPUS) / node) + SPARE_NODES,
        wanted.messages_a_day * sum(one.rows.values()),
        a_day,
        at_rest,
    )


def disk(one: Plan) -> int:
    """GB of the smallest disk for PostgreSQL that data fill no further than ``DISK_FILLED``."""
    return size(STORE_DISKS, one.bytes_at_rest / 1e9 / DISK_FILLED)


def up(value: float) -> int:
    """Rounded up; what only floating point made larger stays."""
    return math.ceil(value - 1e-9)


def partitions(actors: int) -> int:
    """Two at least for each ConversationActor, a power of two within bounds."""
    found = PARTITIONS
    while found < 2 * actors and found < MOST_PARTITIONS:
        found *= 2
    return found


def processes(milliseconds: float, wanted: Wanted, least: int, most: int | None) -> int:
    """Processes of one event loop each, for the peak."""
    found = max(least, up(wanted.peak_rate * milliseconds / 1000 / wanted.busy))
    return found if most is None else min(most, found)


def stored_bytes(one: Measured, wanted: Wanted) -> tuple[float, float]:
    """Bytes that a day adds, and that are there once as much goes as comes."""
    a_day = wanted.messages_a_day * sum(one.stored.values())
    at_rest = wanted.messages_a_day * sum(
        size * _days(name, wanted) for name, size in one.stored.items()
    )
    return a_day, at_rest


def _days(table: str, wanted: Wanted) -> float:
    days: Mapping[str, float] = {
        "events_days": wanted.events_days,
        "sends_days": wanted.sends_days,
        "messages_days": wanted.messages_days,
    }
    return days[PERIODS.get(table, "messages_days")]


def size(sizes: tuple[int, ...], least: float) -> int:
    """The smallest that suffices, or the largest that there is."""
    return next((each for each in sizes if each >= least), sizes[-1])
