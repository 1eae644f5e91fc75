"""One message, one trace: from the webhook to Graph, in spans that are really made."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from structlog.testing import capture_logs

from tests.fakes.assistant import ScriptedAssistant
from tests.fakes.openai_server import fails, says
from tests.integration.hosting_support import ACCOUNT
from tests.integration.whole_way import GRAPH_TOKEN, OPENAI_KEY, USER, whole_way
from vestlus import tracing
from vestlus.assistant.retrying import MAX_ATTEMPTS
from vestlus.settings_account import Account
from vestlus.tracing_setup import traced


def recorder(sampler: Sampler = ALWAYS_ON) -> InMemorySpanExporter:
    """Spans of this process go there, until :func:`tracing.use_tracer` says otherwise."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(sampler), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use_tracer(provider.get_tracer("test"))
    return exporter


@pytest.fixture(autouse=True)
def _off_afterwards() -> Iterator[None]:
    yield
    tracing.use_tracer(None)


def tree(spans: tuple[ReadableSpan, ...]) -> dict[str, str | None]:
    """Name of each span → name of its parent."""
    names = {one.context.span_id: one.name for one in spans if one.context}
    return {one.name: names.get(one.parent.span_id) if one.parent else None for one in spans}


def named(spans: tuple[ReadableSpan, ...], name: str) -> ReadableSpan:
    (found,) = (one for one in spans if one.name == name)
    return found


def kept(folder: Path) -> bytes:
    """Everything that bus and store have written."""
    return b"".join(one.read_bytes() for one in folder.iterdir() if one.is_file())


async def ended(exporter: InMemorySpanExporter, name: str, count: int = 1) -> None:
    """Waits until so many spans of this name have ended."""
    async with asyncio.timeout(20):
        while sum(one.name == name for one in exporter.get_finished_spans()) < count:
            await asyncio.sleep(0.01)


WAY = {
    "webhook": None,
    "publish inbox": "webhook",
    "record": "publish inbox",
    "turn": "record",
    "chat small-model": "turn",
    "commit": "turn",
    "publish outbox": "turn",
    "send": "turn",
    "graph": "send",
}


async def test_a_message_is_one_trace_from_the_webhook_to_graph(tmp_path: Path) -> None:
    exporter = recorder()
    async with whole_way(tmp_path) as way:
        assert await way.writes("Mis kell te avate?") == 200
        await way.graph.took(1)
        for name in WAY:
            await ended(exporter, name)
    spans = exporter.get_finished_spans()
    assert tree(spans) == WAY
    assert len({one.context.trace_id for one in spans if one.context}) == 1
    model = named(spans, "chat small-model").attributes or {}
    assert model["gen_ai.operation.name"] == "chat"
    assert (model["gen_ai.request.model"], model["gen_ai.response.model"]) == (
        "small-model",
        "fake",
    )
    assert (model["gen_ai.usage.input_tokens"], model["gen_ai.usage.output_tokens"]) == (1, 1)
    assert (named(spans, "graph").attributes or {})["http.response.status_code"] == 200
    assert (named(spans, "turn").attributes or {})["vestlus.turn.outcome"] == "committed"


async def test_spans_hold_no_text_no_token_and_no_id_of_a_user_or_message(tmp_path: Path) -> None:
    exporter = recorder()
    async with whole_way(tmp_path) as way:
        way.model.script.append(says("Kell üheksa.", note="Küsib aega."))
        way.graph.statuses.append(400)
        await way.writes("Mis kell te avate?", mid="mid-of-the-message")
        await ended(exporter, "send")
    told = " ".join(one.to_json() for one in exporter.get_finished_spans())
    for secret in (
        *("Mis kell", "üheksa", "Küsib", USER, "mid-of-the-message", "out-1"),
        *(GRAPH_TOKEN, OPENAI_KEY),
    ):
        assert secret not in told
    assert "error.type" in told


async def test_a_message_that_is_not_sampled_leaves_nothing_and_carries_nothing(
    tmp_path: Path,
) -> None:
    exporter = recorder(ALWAYS_OFF)
    async with whole_way(tmp_path) as way:
        await way.writes("Mis kell te avate?")
        await way.graph.took(1)
        assert not exporter.get_finished_spans()
        async with asyncio.timeout(20):
            while not (await way.world.store.counts()).sends.get("sent"):
                await asyncio.sleep(0.02)
    assert not re.search(rb"00-[0-9a-f]{32}-", kept(tmp_path))


async def test_messages_answered_together_are_one_turn_linked_to_each(tmp_path: Path) -> None:
    exporter = recorder()
    async with whole_way(tmp_path) as way:
        await way.writes("Tere!", "Mis kell te avate?", "Ja millal sulgete?")
        await way.graph.took(1)
        await ended(exporter, "send")
    spans = exporter.get_finished_spans()
    turn = named(spans, "turn")
    recorded = [one for one in spans if one.name == "record"]
    assert len({one.context.trace_id for one in recorded if one.context}) == 3
    first, *others = sorted(recorded, key=lambda one: one.start_time or 0)
    assert turn.parent is not None
    assert turn.parent.span_id in {one.context.span_id for one in recorded if one.context}
    linked = {link.context.span_id for link in turn.links} | {turn.parent.span_id}
    assert linked == {one.context.span_id for one in (first, *others) if one.context}
    assert len(turn.links) == 2


async def test_a_turn_that_fails_says_why_and_the_next_try_is_in_the_same_trace(
    tmp_path: Path,
) -> None:
    exporter = recorder()
    async with whole_way(tmp_path) as way:
        way.model.script.extend(fails(400, code="nope") for _ in range(MAX_ATTEMPTS))
        await way.writes("Mis kell te avate?")
        await way.graph.took(1)
        await ended(exporter, "send")
    spans = exporter.get_finished_spans()
    assert len({one.context.trace_id for one in spans if one.context}) == 1
    turns = [one for one in spans if one.name == "turn"]
    assert {(one.attributes or {})["vestlus.turn.try"] for one in turns} >= {1, 2}
    failed = [one for one in turns if (one.attributes or {}).get("error.type")]
    assert (failed[0].attributes or {})["error.type"] == "bad_request"


async def test_the_trace_goes_on_with_the_next_owner_from_what_the_store_has(
    tmp_path: Path,
) -> None:
    exporter = recorder()
    async with whole_way(tmp_path) as way:
        way.model.script.append(way.model.hangs)
        await way.writes("Mis kell te avate?")
        await way.model.hanging.wait()
        # Another incarnation takes the partitions over, while the first one's model hangs.
        account = Account(id=ACCOUNT, disclosure=False)
        await way.world.host(ScriptedAssistant(), account=account)
        await way.graph.took(1)
        await ended(exporter, "send")
        spans = exporter.get_finished_spans()
    assert len({one.context.trace_id for one in spans if one.context}) == 1
    record = named(spans, "record").context
    answered = [
        one for one in spans if (one.attributes or {}).get("vestlus.turn.outcome") == "committed"
    ]
    assert [one.parent.span_id for one in answered if one.parent] == [record and record.span_id]
    assert named(spans, "send").parent


class Collector:
    """A real receiver of OTLP over HTTP, or one that answers nothing."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.services: set[str] = set()
        self.deaf = False

    async def take(self, request: web.Request) -> web.Response:
        if self.deaf:
            await asyncio.Event().wait()
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            self.services |= {
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            }
            for scope in resource.scope_spans:
                self.names += [one.name for one in scope.spans]
        return web.Response()


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    collector = Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield collector, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_spans_reach_a_collector_when_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", _without_otel())
    async with collecting() as (collector, url):
        async with (
            traced({"OTEL_EXPORTER_OTLP_ENDPOINT": url}, "everything"),
            whole_way(tmp_path) as way,
        ):
            await way.writes("Mis kell te avate?")
            await way.graph.took(1)
        assert set(collector.names) == set(WAY)
        assert collector.services == {"vestlus"}
    assert not tracing.is_on()


async def test_a_deaf_collector_holds_up_no_message_and_the_end_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", _without_otel())
    monkeypatch.setattr("vestlus.tracing_setup.FLUSH_SECONDS", 0.2)
    async with collecting() as (collector, url):
        collector.deaf = True
        with capture_logs() as logs:
            environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
            async with traced(environ, "everything"), whole_way(tmp_path) as way:
                for number in range(5):
                    await way.writes("Mis kell te avate?", mid=f"m{number}")
                    await way.graph.took(number + 1)
    assert "last_spans_not_taken" in {line["event"] for line in logs}
    await asyncio.to_thread(_wait_for_last_spans)


def _wait_for_last_spans() -> None:
    """The exporter draws random numbers, which Hypothesis takes for a strategy's in other tests."""
    for thread in threading.enumerate():
        if thread.name in {"last spans", "OtelBatchSpanRecordProcessor"}:
            thread.join(30)
            assert not thread.is_alive()


def _without_otel() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}


async def test_without_an_exporter_nothing_is_traced(tmp_path: Path) -> None:
    async with traced({"OTEL_SERVICE_NAME": "x"}, "everything"), whole_way(tmp_path) as way:
        assert not tracing.is_on()
        await way.writes("Tere!")
        assert await way.graph.took(1)
