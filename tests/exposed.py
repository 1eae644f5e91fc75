"""Everything that ``/metrics`` can tell, with a sample of each: for tests and for promtool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vestlus.counting import Sums
from vestlus.measuring import catalogue, catalogue_edges
from vestlus.measuring.exposition import bus_family
from vestlus.measuring.inbox import families_of_inbox
from vestlus.measuring.processes import Identity, families_of_processes
from vestlus.measuring.snapshot import collected
from vestlus.measuring.store_families import families_of_store
from vestlus.store.measure_rows import OpenWork
from vestlus.store.token_rows import TokenRow

#: What the names of a family's samples end with.
ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
}

FULL = OpenWork(
    events={"message/pending": 1},
    unanswered_since_ms=0,
    undetermined_since_ms=0,
    sends={"pending": 1},
    due_since_ms=0,
    deadline_ms=0,
    waiting=1,
    waiting_since_ms=0,
    closing=1,
    dead_letters={"window_closed": 1},
    posts={"dead": 1},
    occurrences={"waiting": 1},
    tokens=(TokenRow(account="1", version=1, token=b"", expires_ms=1),),
)

MINE = Identity(process="webhook.1", name="webhook.1", kind="webhook", node="host")


@dataclass(frozen=True)
class Exposed:
    """A family, as it is documented."""

    name: str
    type: str
    labels: frozenset[str]

    @property
    def samples(self) -> frozenset[str]:
        """The names of its samples."""
        stem = self.name.removesuffix("_total")
        return frozenset(stem + ending for ending in ENDINGS[self.type])


def measures() -> Iterator[MetricWrapperBase]:
    """What the catalogues name, but for the process's own."""
    for module in (catalogue, catalogue_edges):
        for one in vars(module).values():
            if isinstance(one, MetricWrapperBase):
                yield one


def families() -> list[Metric]:
    """A sample of everything, as a replica tells it."""
    for one in measures():
        if one._labelnames:
            series = one.labels(*("none" for _ in one._labelnames))
            if isinstance(series, Histogram):
                series.observe(1)
    own = list(collected(catalogue.REGISTRY))
    return [
        *families_of_store(Sums(up=True, work=FULL), 0),
        bus_family(up=True),
        *families_of_inbox(1),
        *families_of_processes(MINE, own, []),
    ]


def exposed() -> dict[str, Exposed]:
    """By the name under which it is documented."""
    labels = {one._name: frozenset(one._labelnames) for one in measures()}
    found = {}
    for family in families():
        seen = {name for sample in family.samples for name in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        known = labels.get(family.name, frozenset()) | {"process"}
        assert family.name not in labels or seen <= known, family.name
        found[name] = Exposed(name, family.type, frozenset(seen))
    return found


class All(Collector):
    """All of it as the library's writer takes it."""

    def collect(self) -> Iterator[Metric]:
        """A sample of everything."""
        yield from families()


if __name__ == "__main__":
    sys.stdout.write(generate_latest(All()).decode())
