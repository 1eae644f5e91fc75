"""Sets up tracing for a process, from the standard environment of OpenTelemetry.

Off unless an exporter is configured (OpenTelemetry, "SDK environment variables" and "OTLP exporter
configuration"). The SDK reads its variables itself: sampler, limits, batches, headers.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog

from vestlus.tracing import is_on, use_tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_log = structlog.get_logger(__name__)

#: How long an ending process waits for its last spans to be taken. A collector that is away costs
#: so much of the drain and no more.
FLUSH_SECONDS: Final = 3.0

_NAME: Final = "vestlus"

#: What the SDK calls a service without a name.
_UNKNOWN: Final = "unknown_service"


def exporters_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Which exporters the environment asks for; none where tracing is off."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if named:
        return tuple(one for one in (part.strip() for part in named.split(",")) if one != "none")
    wanted = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return ("otlp",) if any(environ.get(name) for name in wanted) else ()


@asynccontextmanager
async def traced(environ: Mapping[str, str], process: str) -> AsyncIterator[None]:
    """Traces for as long as the context is open, and hands in the last spans at its end.

    ``environ``: the ``OTEL_`` variables that the service was started with; where this process has
    one of its own, that one holds. ``process`` says in the spans where they were made. A second
    one in the same process changes nothing.
    """
    names = exporters_of({**environ, **os.environ})
    if not names or is_on():
        yield
        return
    for name, value in environ.items():
        os.environ.setdefault(name, value)
    provider = _provider(names, process)
    if provider is None:
        yield
        return
    use_tracer(provider.get_tracer(_NAME))
    try:
        yield
    finally:
        use_tracer(None)
        await _closed(provider)


def _provider(names: tuple[str, ...], process: str) -> TracerProvider | None:
    # Here: who does not trace need not load it, which takes a tenth of a second.
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    exporters = [one for one in map(_exporter, names) if one is not None]
    if not exporters:
        return None
    resource = Resource.create({"vestlus.process": process})
    if str(resource.attributes.get("service.name") or _UNKNOWN).startswith(_UNKNOWN):
        resource = resource.merge(Resource({"service.name": _NAME}))
    # Its own end at the process's exit waits for a collector without a bound.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter(name: str) -> SpanExporter | None:
    if name == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        return OTLPSpanExporter()
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter()
    _log.error("no_such_trace_exporter", name=name, known=["otlp", "console", "none"])
    return None


async def _closed(provider: TracerProvider) -> None:
    """Ends it in a thread that nobody waits for longer than FLUSH_SECONDS."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        provider.shutdown()
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=end, name="last spans", daemon=True).start()
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await done.wait()
    except TimeoutError:
        _log.warning("last_spans_not_taken", seconds=FLUSH_SECONDS)
