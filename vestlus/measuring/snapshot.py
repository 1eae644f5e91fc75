"""The measures of a registry as bytes, and read again by another process, of any version."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

#: Of the form of a snapshot. Others are not read.
_VERSION: Final = 1

#: A snapshot is some kilobytes; this keeps a broken one from taking memory.
_MOST_BYTES: Final = 32 * 1024 * 1024

#: When a series began is of no use to anybody here: processes come and go by name.
_LEFT_OUT: Final = "_created"

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def snapshot(registry: CollectorRegistry) -> bytes:
    """What the registry has now. Takes milliseconds where there are many accounts; may be called
    beside the event loop.
    """
    families = [
        [
            family.name,
            family.type,
            family.documentation,
            [[one.name, one.labels, one.value] for one in family.samples],
        ]
        for family in collected(registry)
    ]
    return zlib.compress(_encode([_VERSION, families]).encode(), 1)


def collected(registry: CollectorRegistry) -> Iterator[Metric]:
    """The families of a registry, without the times at which series began."""
    for family in registry.collect():
        family.samples = [one for one in family.samples if not one.name.endswith(_LEFT_OUT)]
        yield family


def read_snapshot(body: bytes) -> list[Metric]:
    """The families of a snapshot. Raises ValueError for what is none."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(body, _MOST_BYTES)
        version, families = json.loads(text)
        if version != _VERSION:
            message = "a snapshot of another form"
            raise ValueError(message)
        return [_family(*one) for one in families]
    except (zlib.error, TypeError, AttributeError, RecursionError) as error:
        message = "no snapshot of measures"
        raise ValueError(message) from error


def merged(parts: Iterable[tuple[str, Iterable[Metric]]]) -> list[Metric]:
    """The families of several processes together, each sample with its ``process``, by name.

    Where processes of two versions differ in what a family is, the first one's counts.
    """
    families: dict[str, Metric] = {}
    for process, theirs in parts:
        for one in theirs:
            family = families.get(one.name)
            if family is None:
                family = Metric(one.name, one.documentation, one.type)
                families[one.name] = family
            if family.type != one.type:
                continue
            for sample in one.samples:
                labels = {**sample.labels, "process": process}
                family.add_sample(sample.name, labels, sample.value)
    return [families[name] for name in sorted(families)]


def _family(name: str, kind: str, means: str, samples: list[list[object]]) -> Metric:
    family = Metric(str(name), str(means), kind)
    for of, labels, value in samples:
        if not isinstance(labels, dict) or not isinstance(value, int | float):
            message = "no sample"
            raise TypeError(message)
        family.add_sample(str(of), {str(key): str(its) for key, its in labels.items()}, value)
    return family
