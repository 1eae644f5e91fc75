"""Where traces begin: with each message that a webhook brings, or a look for missed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from opentelemetry.trace import SpanKind

from vestlus import tracing
from vestlus.conversation.events import Event, calls_for_answer


@contextmanager
def taken_in(
    events: tuple[Event, ...], began: int = 0, *, name: str = "webhook"
) -> Iterator[tuple[Event, ...]]:
    """The same events; messages whose trace is sampled carry a context on.

    Each message begins a trace of its own, at ``began`` (:func:`vestlus.tracing.moment`). Nothing
    that came with the request is believed to be a context: Meta sends none. What is no message
    and no pressed button is not traced. Leaving ends the first steps; an exception fails them.
    """
    if not tracing.is_on():
        yield events
        return
    with ExitStack() as stack:
        # Its steps end before it does.
        yield tuple([_begun(event, name, began, stack) for event in events])


def _begun(event: Event, name: str, began: int, stack: ExitStack) -> Event:
    if not calls_for_answer(event):
        return event
    began_here = tracing.root(name, began=began)
    if began_here is tracing.NOTHING:
        return event
    began_here.note(account=event.account, event=str(event.kind))
    stack.push(began_here.ended)
    publish = tracing.step_of(began_here, "publish inbox", SpanKind.PRODUCER)
    stack.push(publish.ended)
    return replace(event, traceparent=publish.traceparent)


def envelope_context(events: Sequence[Event]) -> str:
    """What a message on the bus carries: the context of its only event. Several have their own."""
    return events[0].traceparent if len(events) == 1 else ""
