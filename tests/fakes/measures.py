"""What the measures of this process say, read as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from vestlus.measuring.catalogue import REGISTRY


def samples(body: bytes | str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of an exposition, by its name and labels. Raises ValueError for a broken one."""
    text = body.decode() if isinstance(body, bytes) else body
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(body: bytes | str, name: str, **labels: str) -> float:
    """The sum of a name's samples that have these labels, whatever others they have."""
    wanted = labels.items()
    return sum(
        value
        for (of, its), value in samples(body).items()
        if of == name and wanted <= dict(its).items()
    )


def measured(name: str, **labels: str) -> float:
    """What one series of this process is at; 0 before it is there."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
