"""What all processes told, with this one's own as it is now, as families of measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from vestlus.measuring.snapshot import merged, read_snapshot
from vestlus.store.measure_rows import Heard

_log = structlog.get_logger(__name__)

#: What a process told longer ago is not shown: its gauges are not true any more. It tells every
#: five seconds, so that some may come late.
SHOWN_SECONDS: Final = 30.0

#: It is still said for so long that it is silent; then it is forgotten.
REMEMBERED_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who tells: see :class:`vestlus.store.measure_rows.Told`."""

    process: str
    name: str
    kind: str
    node: str


def families_of_processes(
    mine: Identity, own: Sequence[Metric], heard: Sequence[Heard]
) -> list[Metric]:
    """Each sample with its ``process``. ``own`` are this process's families of now.

    A process's counters begin at nothing with it and its label is never used again, so that none
    ever falls. Of what cannot be read it is only said that there is such a process.
    """
    others = [one for one in heard if one.process != mine.process]
    parts = [(mine.process, own)]
    for one in others:
        if one.silent_ms > SHOWN_SECONDS * 1000:
            continue
        try:
            parts.append((one.process, read_snapshot(one.body)))
        except ValueError:
            # Of another version, which told more or other things.
            _log.warning("measures_not_readable", process=one.process)
    info = GaugeMetricFamily(
        "vestlus_process_info", "The processes there are.", labels=["process", "kind", "node"]
    )
    silent = GaugeMetricFamily(
        "vestlus_process_silent_seconds",
        "How long ago a process last told of its measures.",
        labels=["process", "kind", "node"],
    )
    info.add_metric([mine.process, mine.kind, mine.node], 1)
    silent.add_metric([mine.process, mine.kind, mine.node], 0)
    for one in others:
        labels = [one.process, one.kind, one.node]
        if one.silent_ms <= SHOWN_SECONDS * 1000:
            info.add_metric(labels, 1)
        silent.add_metric(labels, max(0, one.silent_ms) / 1000)
    return [*merged(parts), info, silent]
