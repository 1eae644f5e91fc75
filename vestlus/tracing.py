"""Traces of messages, by OpenTelemetry: one trace a message, from its webhook to its answers.

A message has a trace where its webhook was sampled: then, and only then, it carries a context
(W3C, "Trace Context", ``traceparent``), over the bus and through the store. What carries none
costs a comparison in every later step. While no exporter is configured nothing is.

Attributes hold no text, no id of a user and no id of a message. What goes wrong is told by our own
words and by names of exception classes, never by their messages.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextvars import Token
from types import TracebackType
from typing import Final, Self

from opentelemetry import context, trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
)
from opentelemetry.util.types import AttributeValue

#: What has no parent: not even a span that happens to be under way.
_NOWHERE: Final = context.Context()

#: The only version of the format, and the flag of what is sampled.
_PREFIX: Final = "00-"
_PARTS: Final = 4

#: HTTP's first status of an error.
_FIRST_ERROR: Final = 400

_tracer: Tracer | None = None


def use_tracer(tracer: Tracer | None) -> None:
    """Makes spans with this tracer from now on; with ``None``, none. For a process, not a task."""
    global _tracer  # noqa: PLW0603 - one per process, as OpenTelemetry's own
    _tracer = tracer


def is_on() -> bool:
    """Whether there may be spans at all."""
    return _tracer is not None


def moment() -> int:
    """Now, for :func:`root`; 0 while tracing is off."""
    return time.time_ns() if _tracer is not None else 0


class Span:
    """A step of a message's way. This one is of a message that is not traced: nothing happens.

    ``with`` makes it the current one, to which :func:`here` adds others, and ends it.
    """

    __slots__ = ()

    #: What carries the context on; empty without one.
    traceparent = ""

    def note(self, **attributes: AttributeValue) -> None:
        """Sets attributes, ``vestlus.`` before their names and dots for double underscores."""

    def set(self, attributes: dict[str, AttributeValue]) -> None:
        """Sets attributes with names of OpenTelemetry's semantic conventions."""

    def answered(self, method: str, status: int, host: str) -> None:
        """Says what came of an HTTP request, which was the step."""

    def fail(self, reason: str) -> None:
        """Says that the step failed, by a stable word: no message of an exception."""

    def end(self) -> None:
        """Ends it. Safe to call twice."""

    def ended(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Ends it, failed by the name of an exception if there is one. For exit stacks."""
        del error, trace
        if kind is not None:
            self.fail(kind.__name__)
        self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends it; an exception counts as a failure, and is not held back."""


NOTHING: Final = Span()


class _Recorded(Span):
    """A step that is recorded."""

    __slots__ = ("_span", "_token", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._token: Token[context.Context] | None = None
        its = span.get_span_context()
        self.traceparent = f"00-{its.trace_id:032x}-{its.span_id:016x}-01"

    def note(self, **attributes: AttributeValue) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(f"vestlus.{name.replace('__', '.')}", value)

    def set(self, attributes: dict[str, AttributeValue]) -> None:
        self._span.set_attributes(attributes)

    def answered(self, method: str, status: int, host: str) -> None:
        self._span.set_attributes(
            {
                "http.request.method": method,
                "http.response.status_code": status,
                "server.address": host,
            }
        )
        if status >= _FIRST_ERROR:
            self.fail(str(status))

    def fail(self, reason: str) -> None:
        self._span.set_attribute("error.type", reason)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        if self._span.is_recording():
            self._span.end()

    def child(self, name: str, kind: SpanKind) -> Span:
        """A step of this one, whether or not it is the current one."""
        assert _tracer is not None  # noqa: S101 - there is a span
        within = trace.set_span_in_context(self._span, _NOWHERE)
        return _Recorded(_tracer.start_span(name, within, kind))

    def __enter__(self) -> Self:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            context.detach(self._token)
            self._token = None
        self.ended(kind, error, trace)


def root(name: str, *, began: int = 0) -> Span:
    """A new trace, if it is sampled. ``began``: a :func:`moment`, 0 for now."""
    if _tracer is None:
        return NOTHING
    span = _tracer.start_span(name, _NOWHERE, SpanKind.SERVER, start_time=began or None)
    return _Recorded(span) if span.is_recording() else NOTHING


def begun(name: str, account: str = "") -> str:
    """The context of a new trace of something that is done by and by; empty if not sampled."""
    with root(name) as span:
        if account:
            span.note(account=account)
        return span.traceparent


def continued(
    name: str,
    traceparent: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    others: Sequence[str] = (),
    began_ms: int = 0,
) -> Span:
    """A further step of a message that carries a context.

    ``others``: contexts of other messages that it is a step of too. ``began_ms``: milliseconds
    since 1970, 0 for now. What is no context counts as none.
    """
    if _tracer is None or not traceparent:
        return NOTHING
    parent = parsed(traceparent)
    if parent is None:
        return NOTHING
    links = [Link(one) for one in map(parsed, others) if one is not None]
    within = trace.set_span_in_context(NonRecordingSpan(parent), _NOWHERE)
    began = began_ms * 1_000_000 or None
    span = _tracer.start_span(name, within, kind, links=links, start_time=began)
    return _Recorded(span) if span.is_recording() else NOTHING


def here(name: str, kind: SpanKind = SpanKind.INTERNAL) -> Span:
    """A step of what is under way in this task."""
    if _tracer is None or not trace.get_current_span().is_recording():
        return NOTHING
    return _Recorded(_tracer.start_span(name, kind=kind))


def current() -> Span:
    """The step that is under way in this task, to note something of it; not to be ended."""
    if _tracer is None:
        return NOTHING
    span = trace.get_current_span()
    return _Recorded(span) if span.is_recording() else NOTHING


def step_of(span: Span, name: str, kind: SpanKind) -> Span:
    """A step of a span that is not the current one."""
    return span.child(name, kind) if isinstance(span, _Recorded) else NOTHING


def parsed(traceparent: str) -> SpanContext | None:
    """The context that a message carries; ``None`` for what is none, or is not sampled."""
    parts = traceparent.split("-")
    if len(parts) != _PARTS or not traceparent.startswith(_PREFIX):
        return None
    try:
        trace_id, span_id, flags = (int(part, 16) for part in parts[1:])
    except ValueError:
        return None
    found = SpanContext(
        trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags), trace_state=TraceState()
    )
    return found if found.is_valid and found.trace_flags.sampled else None
