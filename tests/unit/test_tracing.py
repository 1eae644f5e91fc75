"""Contexts of traces: who gets one, what is believed, and what is done without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.contract.store_support import message
from vestlus import tracing
from vestlus.conversation.events import EventKind
from vestlus.hosting.stages import being_recorded, traced_events
from vestlus.instagram.webhook_traces import envelope_context, taken_in
from vestlus.messages import decode_inbox, encode, inbox_message
from vestlus.tracing_setup import exporters_of


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use_tracer(provider.get_tracer("test"))
    yield exporter
    tracing.use_tracer(None)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ("otlp", "console")),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, ()),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "otlp"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ()),
    ],
)
def test_tracing_is_off_unless_an_exporter_is_configured(
    environ: dict[str, str], wanted: tuple[str, ...]
) -> None:
    assert exporters_of(environ) == wanted


def test_a_context_is_w3c_s_and_new_each_time(spans: InMemorySpanExporter) -> None:
    one, other = tracing.begun("event"), tracing.begun("event")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", one)
    assert one[3:35] != other[3:35]
    assert len(spans.get_finished_spans()) == 2


@given(st.text())
def test_whatever_stands_where_a_context_should_does_no_harm(text: str) -> None:
    found = tracing.parsed(text)
    assert found is None or found.is_valid


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'1' * 16}-00",
        f"01-{'1' * 32}-{'1' * 16}-01",
        "00-a-b-01-",
        "00-x-y-z",
    ],
)
def test_what_is_no_sampled_context_begins_no_span(spans: InMemorySpanExporter, text: str) -> None:
    with tracing.continued("turn", text) as span:
        assert span is tracing.NOTHING
        assert tracing.here("commit") is tracing.NOTHING
    assert not spans.get_finished_spans()


def test_each_message_of_a_webhook_begins_a_trace_and_nothing_else_does(
    spans: InMemorySpanExporter,
) -> None:
    events = (message(), message(kind=EventKind.ECHO), message(), message(kind=EventKind.READ))
    with taken_in(events) as traced:
        contexts = [one.traceparent for one in traced]
    assert [bool(one) for one in contexts] == [True, False, True, False]
    assert contexts[0][3:35] != contexts[2][3:35]
    assert [one.name for one in spans.get_finished_spans()].count("webhook") == 2


def test_a_message_alone_carries_its_context_outside_and_several_each_their_own(
    spans: InMemorySpanExporter,
) -> None:
    with taken_in((message(), message())) as traced:
        pass
    for group in (traced[:1], traced):
        sent = inbox_message(group, at_ms=0, traceparent=envelope_context(group))
        arrived = traced_events(decode_inbox(encode(sent)))
        assert [one.traceparent for one in arrived] == [one.traceparent for one in group]
    # One that came before contexts stood in events.
    old = inbox_message((message(),), at_ms=0, traceparent=traced[0].traceparent)
    assert traced_events(old)[0].traceparent == traced[0].traceparent
    assert spans.get_finished_spans()


def test_a_step_that_fails_says_so_by_the_name_of_the_exception_alone(
    spans: InMemorySpanExporter,
) -> None:
    with pytest.raises(ValueError, match="words"), taken_in((message(),)):
        raise ValueError("a user's words")
    ended = spans.get_finished_spans()
    assert ended
    for span in ended:
        assert (span.attributes or {})["error.type"] == "ValueError"
        assert "words" not in span.to_json()


def test_while_tracing_is_off_messages_stay_the_very_same() -> None:
    events = (message(),)
    with taken_in(events, tracing.moment()) as traced, being_recorded(list(traced)) as recorded:
        assert traced is events
        assert recorded[0] is events[0]
    assert tracing.begun("event") == ""
