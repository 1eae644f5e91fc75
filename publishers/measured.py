"""What sends and posts tell traces, and their ends the measures."""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from vestlus import tracing
from vestlus.measuring.catalogue import (
    ANSWER_SECONDS,
    MESSAGES_ANSWERED,
    POST_LATENESS,
    POSTS_FINISHED,
    SEND_AGE,
    SENDS_FINISHED,
    of,
)
from vestlus.measuring.minutes import MINUTES
from vestlus.store.ledger import FINISHED, SendState
from vestlus.store.post_rows import PostStep
from vestlus.store.posts import ENDED, PostState
from vestlus.store.rows import SendRow


def send_span(row: SendRow) -> tracing.Span:
    """The step of one attempt to send, as traces show it."""
    span = tracing.continued("send", row.traceparent, SpanKind.CONSUMER)
    span.note(account=row.account, send__kind=str(row.kind), send__attempt=row.attempts + 1)
    return span


def note_step(row: SendRow, after: SendState, now_ms: int) -> None:
    """A step of a send was made, from the state that ``row`` shows."""
    if after not in FINISHED and after is not SendState.UNKNOWN:
        return
    of(SENDS_FINISHED, row.account, row.kind, after).inc()
    if after is SendState.SENT:
        # One that was found by looking had been sent when it was last tried.
        sent_ms = row.attempted_ms if row.state is SendState.LOOKING else now_ms
        if row.created_ms:
            of(SEND_AGE, row.kind).observe(max(0, sent_ms - row.created_ms) / 1000)
        if row.asked_ms:
            seconds = max(0, sent_ms - row.asked_ms) / 1000
            of(ANSWER_SECONDS, row.account).observe(seconds)
            of(MESSAGES_ANSWERED, row.account).inc(len(row.answers))
            MINUTES.answered(row.account, sent_ms, seconds, len(row.answers))
    elif after is not SendState.CANCELLED:
        MINUTES.failed(row.account, now_ms)


def note_post(step: PostStep) -> None:
    """A step of a post was made."""
    if step.after not in ENDED:
        return
    of(POSTS_FINISHED, step.of.account, step.after).inc()
    if step.after is PostState.PUBLISHED:
        POST_LATENESS.observe(max(0, step.at_ms - step.of.planned_ms) / 1000)
