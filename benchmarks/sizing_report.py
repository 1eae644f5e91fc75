"""What sizes are worked out, and from what, as two tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.comparison.figures import MEASURING
from benchmarks.sizing_costs import Measured, described, measured, span
from benchmarks.sizing_plan import (
    BUS_CONNECTIONS,
    BUS_NODES,
    LEAST_ACTORS,
    MOST_PUBLISHERS,
    NODE_CPUS,
    SPARE_NODES,
    SPARE_REPLICAS,
    STORE_CONNECTIONS,
    STORE_CPUS,
    Plan,
    Wanted,
    disk,
    plan,
    size,
    up,
)

#: Tables that take less of each message do not grow with messages.
LEAST_BYTES = 10
#: Webhook events of a message where nothing counted them: itself, and the echo of one send.
EVENTS = 2.0

#: By the least of each cost, and by the most.
Both = tuple[Plan, Plan]


def report(found: Sequence[Mapping[str, Any]], wanted: Wanted) -> Iterator[str]:
    """The two tables, line by line. Raises ValueError where a run answered nothing."""
    low, high = span([measured(each) for each in found])
    answered = " and ".join(f"{each['throughput']['answered']:,}" for each in found)
    yield f"| M: a message (of {answered}) | CPU ms |"
    yield "|---|---|"
    yield from _costs(low, high)
    yield ""
    for each in found:
        yield f"- {described(each)}"
    yield ""
    yield "| E: worked out | |"
    yield "|---|---|"
    for said, value in _worked_out(low, high, wanted):
        yield f"| {said} | {value} |"


def _costs(low: Measured, high: Measured) -> Iterator[str]:
    for name, most in sorted(high.cpu_ms.items(), key=lambda each: -each[1]):
        if name in MEASURING:
            continue
        yield f"| {name} | {_range(f'{low.cpu_ms[name]:.2f}', f'{most:.2f}')} |"
    for name, most in high.fixed.items():
        cores = _range(f"{low.fixed[name]:.3f}", f"{most:.3f}")
        yield f"| {name}, whoever writes | {cores} cores |"
    for name, most in sorted(high.stored.items(), key=lambda each: -each[1]):
        if most >= LEAST_BYTES:
            rows = _range(f"{low.rows[name]:.2f}", f"{high.rows[name]:.2f}")
            stored = _range(f"{low.stored[name]:,.0f}", f"{most:,.0f}")
            yield f"| table `{name}` | {rows} rows, {stored} bytes |"


def _worked_out(low: Measured, high: Measured, wanted: Wanted) -> Iterator[tuple[str, str]]:
    peak = wanted.peak_rate
    yield "messages a day", f"{wanted.messages_a_day:,.0f}"
    yield "messages a second: mean, peak", f"{wanted.mean_rate:.0f}, {peak:.0f}"
    events = peak * high.rows.get("inbox_event", EVENTS)
    yield "webhook events a second at the peak, with echoes", f"{up(events):,}"
    yield (
        "publishes a second at the peak, without a bell and with one for each answer",
        f"{up(events):,} to {up(events + peak):,}",
    )
    in_flight = up(peak * wanted.model_seconds)
    yield f"answers in the model, at {wanted.model_seconds:g} s each", f"{in_flight:,}"
    yield "model calls a minute at the peak", f"{up(60 * peak):,}"
    yield (
        f"answers a second of an account at the peak, of {wanted.accounts:,} alike",
        f"{peak / wanted.accounts:.1f}",
    )
    yield (
        "the same of the largest account, if the k-th has 1/k of its messages",
        f"{wanted.largest_account:.0f}",
    )
    # A node of three does between a third of what one alone did and all of it.
    yield from _plans((plan(low, wanted, 1 / BUS_NODES), plan(high, wanted, 1.0)), wanted)


def _plans(both: Both, wanted: Wanted) -> Iterator[tuple[str, str]]:
    actors = _over(both, lambda each: f"{each.conversation_actors}")
    bounds = _over(both, lambda each: f"auto:{LEAST_ACTORS}-{each.most_actors}")
    yield f"ConversationActors, {wanted.busy:.0%} busy at the peak", f"{actors} (`{bounds}`)"
    publishers = _over(both, lambda each: f"{each.publisher_actors}")
    yield (
        f"PublisherActors, {wanted.busy:.0%} busy at the peak",
        f"{publishers} (`auto:{LEAST_ACTORS}-{MOST_PUBLISHERS}`)",
    )
    yield (
        f"webhook replicas, {SPARE_REPLICAS} of which may be lost",
        _over(both, lambda each: f"{each.replicas}"),
    )
    yield "partitions", _over(both, lambda each: f"{each.partitions}")
    yield (
        "cores for the service, ingress and Ray's own included, rounded up",
        _over(both, lambda each: f"{each.service_cpus}"),
    )
    yield (
        f"RabbitMQ: {BUS_NODES} nodes, every queue copied to all; cores of each",
        _over(both, lambda each: f"{each.bus_cpus}"),
    )
    yield (
        "PostgreSQL: cores, and as many for its standby",
        _over(both, lambda each: f"{each.store_cpus}"),
    )
    yield from _connections(both)
    yield (
        f"nodes of {NODE_CPUS} vCPUs for service and RabbitMQ, {SPARE_NODES} of which may be lost",
        _over(both, lambda each: f"{each.nodes}"),
    )
    if both[1].bytes_a_day:
        cpus = _over(both, lambda each: f"{size(STORE_CPUS, each.store_cpus)}")
        gigabytes = _over(both, lambda each: f"{disk(each):,}")
        told = f"{cpus} vCPUs, disk of {gigabytes} GB"
        yield "Azure Database for PostgreSQL, general purpose", told
        rows = _over(both, lambda each: f"{up(each.rows_a_day / 1e6):,}")
        yield "rows a day, rounded up", f"{rows} million"
        yield (
            "GB a day in PostgreSQL, rounded up, and about as much again of log",
            _over(both, lambda each: f"{up(each.bytes_a_day / 1e9):,}"),
        )
        days = (
            f"messages {wanted.messages_days:g} days, sends {wanted.sends_days:g}, "
            f"events {wanted.events_days:g}"
        )
        yield (
            f"GB at rest ({days}), rounded up",
            _over(both, lambda each: f"{up(each.bytes_at_rest / 1e9):,}"),
        )
    room = 1 / wanted.busy
    yield (
        "headroom: what comes before those cores are full",
        f"{room:.2f} times the peak, {up(wanted.peak_rate * room)} a second",
    )
    yield (
        "of ConversationActors, how busy the others are at the peak while one is lost",
        _range(
            *(
                f"{wanted.busy * each.conversation_actors / (each.conversation_actors - 1):.0%}"
                for each in both
            )
        ),
    )


def _connections(both: Both) -> Iterator[tuple[str, str]]:
    counts: tuple[tuple[str, Callable[[Plan], int]], ...] = (
        ("at the peak", lambda each: each.processes),
        ("with both pools at their bounds", lambda each: each.most_processes),
    )
    for said, count in counts:
        cells = [
            _times(both, count, factor)
            for factor in (
                1,
                STORE_CONNECTIONS,
                BUS_CONNECTIONS,
            )
        ]
        yield f"processes with connections, {said}", cells[0]
        yield "their connections to PostgreSQL, at most", cells[1]
        yield "their connections to RabbitMQ", cells[2]


def _times(both: Both, count: Callable[[Plan], int], factor: int) -> str:
    return _over(both, lambda each: f"{factor * count(each)}")


def _over(both: Both, say: Callable[[Plan], str]) -> str:
    return _range(say(both[0]), say(both[1]))


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
