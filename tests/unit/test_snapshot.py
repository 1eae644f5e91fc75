"""Measures of a process as bytes, read by others, and put together."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vestlus.measuring.processes import Identity, families_of_processes
from vestlus.measuring.snapshot import collected, merged, read_snapshot, snapshot
from vestlus.store.measure_rows import Heard

MINE = Identity(process="webhook.1", name="webhook.1", kind="webhook", node="host-a")


def registry(sent: int = 3) -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("sent_total", "Sent.", ["account"], registry=made).labels("a").inc(sent)
    Gauge("held", "Held.", registry=made).set(2.5)
    Histogram("took_seconds", "Took.", buckets=(1, 2), registry=made).observe(1.5)
    return made


def heard(process: str, body: bytes, silent_ms: int = 0) -> Heard:
    return Heard(
        process=process,
        name=process,
        kind="publisher",
        node="host-b",
        body=body,
        silent_ms=silent_ms,
    )


def values(families: list[object]) -> dict[str, float]:
    return {
        "/".join((sample.name, *sample.labels.values())): sample.value
        for family in families
        for sample in family.samples  # type: ignore[attr-defined]
    }


def test_what_was_measured_is_read_as_it_was() -> None:
    made = registry()
    read = read_snapshot(snapshot(made))
    assert [(one.name, one.type, one.documentation) for one in read] == [
        ("sent", "counter", "Sent."),
        ("held", "gauge", "Held."),
        ("took_seconds", "histogram", "Took."),
    ]
    assert [one.samples for one in read] == [one.samples for one in collected(made)]
    assert values(list(read)) == {
        "sent_total/a": 3,
        "held": 2.5,
        "took_seconds_bucket/1.0": 0,
        "took_seconds_bucket/2.0": 1,
        "took_seconds_bucket/+Inf": 1,
        "took_seconds_count": 1,
        "took_seconds_sum": 1.5,
    }


def test_processes_are_told_apart_by_a_label() -> None:
    one, other = collected(registry(1)), read_snapshot(snapshot(registry(5)))
    together = values(list(merged([("p1", one), ("p2", other)])))
    assert together["sent_total/a/p1"] == 1
    assert together["sent_total/a/p2"] == 5
    assert together["held/p1"] == together["held/p2"] == 2.5


def test_of_a_family_that_two_versions_call_differently_the_first_one_counts() -> None:
    other = CollectorRegistry()
    Gauge("sent", "A number.", registry=other).set(9)
    (family,) = merged([("p1", list(collected(registry()))[:1]), ("p2", collected(other))])
    assert family.type == "counter"
    assert [sample.labels["process"] for sample in family.samples] == ["p1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no snapshot",
        zlib.compress(b"no JSON"),
        zlib.compress(json.dumps([2, []]).encode()),
        zlib.compress(json.dumps({"a": 1}).encode()),
        zlib.compress(json.dumps([1, [["a", "gauge", "", [["a", [], "x"]]]]]).encode()),
        zlib.compress(json.dumps([1, [["a", "no such type", "", []]]]).encode()),
        zlib.compress(json.dumps([1, [["a"]]]).encode()),
        zlib.compress(b"[" * 100_000),
        zlib.compress(b" " * 100_000_000),
    ],
)
def test_what_is_no_snapshot_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"snapshot|JSON|Expecting|Invalid|unpack"):
        read_snapshot(body)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_nothing_else_than_a_refusal_comes_of_them(body: bytes) -> None:
    for given_body in (body, zlib.compress(body)):
        with pytest.raises(ValueError):  # noqa: PT011 - any of them
            read_snapshot(given_body)


def test_a_process_that_is_silent_for_long_is_only_said_to_be_silent() -> None:
    families = families_of_processes(
        MINE,
        list(collected(registry())),
        [
            heard("webhook.1", snapshot(registry(99))),
            heard("publisher-0.1", snapshot(registry(7)), silent_ms=29_000),
            heard("publisher-1.1", snapshot(registry(8)), silent_ms=31_000),
        ],
    )
    told = values(list(families))
    # Its own are those of now, whatever it told the store.
    assert told["sent_total/a/webhook.1"] == 3
    assert told["sent_total/a/publisher-0.1"] == 7
    assert "sent_total/a/publisher-1.1" not in told
    assert told["vestlus_process_info/publisher-0.1/publisher/host-b"] == 1
    assert "vestlus_process_info/publisher-1.1/publisher/host-b" not in told
    assert told["vestlus_process_silent_seconds/publisher-0.1/publisher/host-b"] == 29
    assert told["vestlus_process_silent_seconds/publisher-1.1/publisher/host-b"] == 31
    assert told["vestlus_process_silent_seconds/webhook.1/webhook/host-a"] == 0


def test_of_a_process_that_tells_in_another_form_it_is_told_that_it_is_there() -> None:
    families = families_of_processes(
        MINE, list(collected(registry())), [heard("publisher-0.1", b"of another version")]
    )
    told = values(list(families))
    assert told["vestlus_process_info/publisher-0.1/publisher/host-b"] == 1
    assert told["sent_total/a/webhook.1"] == 3
