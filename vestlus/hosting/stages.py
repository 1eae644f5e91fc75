"""The steps of a message's way through a host, as traces show them: see :mod:`vestlus.tracing`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from opentelemetry.trace import SpanKind

from vestlus import tracing
from vestlus.conversation.events import Event
from vestlus.hosting.composing import Burst
from vestlus.hosting.mailbox import Mailbox
from vestlus.messages import InboxMessage
from vestlus.store.rows import NewSend


def traced_events(message: InboxMessage) -> tuple[Event, ...]:
    """The events of a message from the bus, each with its context, if it has one.

    The message's own is that of its only event: of several, each has its own or is not traced.
    """
    if not message.traceparent or len(message.events) != 1:
        return message.events
    return (replace(message.events[0], traceparent=message.traceparent),)


@contextmanager
def being_recorded(events: list[Event]) -> Iterator[list[Event]]:
    """The same events, within the step of recording them, which is what they carry on.

    They are stored with it: a turn goes on from there, also after a restart and elsewhere.
    """
    if not (tracing.is_on() and any(event.traceparent for event in events)):
        yield events
        return
    with ExitStack() as stack:
        yield [_being_recorded(event, stack) for event in events]


def _being_recorded(event: Event, stack: ExitStack) -> Event:
    span = tracing.continued("record", event.traceparent, SpanKind.CONSUMER)
    if span is tracing.NOTHING:
        return event
    stack.push(span.ended)
    return replace(event, traceparent=span.traceparent)


def turn(box: Mailbox, burst: Burst) -> tracing.Span:
    """The step of answering messages together, from when the first of them was recorded on.

    It belongs to the trace of the first message that has one, and is linked to the others'.
    """
    if not tracing.is_on():
        return tracing.NOTHING
    contexts = [event.traceparent for event in burst.events if event.traceparent]
    if not contexts:
        return tracing.NOTHING
    tries = box.failures + box.outages + box.restarts
    # Only the first try has waited for the rest of the burst.
    began_ms = 0 if tries else min(burst.taken_in)
    span = tracing.continued("turn", contexts[0], others=contexts[1:], began_ms=began_ms)
    span.note(account=box.account, turn__messages=len(burst.events), turn__try=tries + 1)
    return span


@contextmanager
def being_rung(sends: Sequence[NewSend]) -> Iterator[None]:
    """The step of ringing the publishers' bell for sends."""
    if not (tracing.is_on() and any(send.traceparent for send in sends)):
        yield
        return
    contexts = dict.fromkeys(send.traceparent for send in sends if send.traceparent)
    with ExitStack() as stack:
        for one in contexts:
            stack.push(tracing.continued("publish outbox", one, SpanKind.PRODUCER).ended)
        yield
