"""What the measures of one direct message cost, in CPU: ``python -m benchmarks.measures``.

Makes every call to the measures that a message, its answer of one part and its echo make on their
way through webhook, host and publisher, and nothing else, as if each went alone through every
group. ``python -m benchmarks.turns --against TREE`` shows the same in a whole process, where it is
less than two runs differ by.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from prometheus_client import Histogram

from publishers.measured import note_step
from vestlus.conversation.events import Event, EventKind
from vestlus.hosting.recorded import note_recorded
from vestlus.instagram.graph_measures import GraphCall
from vestlus.measuring import catalogue
from vestlus.measuring.catalogue import of
from vestlus.measuring.snapshot import snapshot
from vestlus.store.ledger import SendState
from vestlus.store.rows import EventState, Kind, RecordedEvent, SendRow

MESSAGES = 20_000
ROUNDS = 5

ACCOUNT = "17841400000000001"
NOW_MS = 1_780_000_000_000


def event(kind: EventKind) -> RecordedEvent:
    """As it was recorded."""
    what = Event(
        key="k",
        kind=kind,
        account=ACCOUNT,
        user="u",
        conversation="c",
        mid="m",
        timestamp_ms=NOW_MS - 400,
    )
    return RecordedEvent(seq=1, event=what, state=EventState.PENDING, recorded_ms=NOW_MS)


MESSAGE, ECHO = event(EventKind.MESSAGE), event(EventKind.ECHO)

SENT = SendRow(
    id="c.1.0",
    account=ACCOUNT,
    user="u",
    conversation="c",
    position=1,
    text="Tere!",
    answers=("m",),
    state=SendState.SENDING,
    due_ms=0,
    deadline_ms=NOW_MS,
    attempts=1,
    resends=0,
    attempted_ms=NOW_MS,
    traceparent="",
    kind=Kind.TEXT,
    created_ms=NOW_MS - 300,
    asked_ms=NOW_MS - 900,
)


def timed(series: Histogram) -> None:
    """A duration, as it is taken."""
    began = time.perf_counter()
    series.observe(time.perf_counter() - began)


def group(name: str) -> None:
    """A transaction or round trip with one item."""
    timed(of(catalogue.GROUP_SECONDS, name, "done"))
    of(catalogue.GROUP_ITEMS, name).observe(1)


def webhook(kind: EventKind) -> None:
    """A POST with one event."""
    of(catalogue.WEBHOOK, "request_accepted").inc()
    of(catalogue.WEBHOOK, f"event_{kind}").inc()
    timed(of(catalogue.PUBLISH_SECONDS, "inbox", "confirmed"))


def recorded(one: RecordedEvent) -> None:
    """Received and recorded."""
    of(catalogue.DELIVERIES, "inbox").inc()
    group("recorder")
    catalogue.BUS_WAIT.observe(0.01)
    note_recorded((one,), NOW_MS)


def turn() -> None:
    """Thought and committed."""
    for phase in ("queued", "waiting", "thinking", "committing"):
        timed(of(catalogue.TURN_SECONDS, phase))
    for call in ("model", "moderation"):
        timed(of(catalogue.MODEL_SECONDS, call, "done"))
    of(catalogue.MODEL_ATTEMPTS, "done").inc()
    of(catalogue.TURNS, ACCOUNT, "answered").inc()
    for name in ("loader", "turn-commits", "doorbell"):
        group(name)
    timed(of(catalogue.PUBLISH_SECONDS, "outbox", "confirmed"))


def sent() -> None:
    """Read, claimed, written and done, with a sign that somebody types."""
    of(catalogue.DELIVERIES, "outbox").inc()
    for name in ("ledger readings", "ledger steps", "ledger steps"):
        group(name)
    for call in ("messages", "action"):
        with GraphCall(call, ACCOUNT):
            of(catalogue.GRAPH_USAGE, ACCOUNT).set(0.2)
    note_step(SENT, SendState.SENT, NOW_MS)


def whole() -> None:
    """One message, answered, and its echo."""
    webhook(EventKind.MESSAGE)
    recorded(MESSAGE)
    turn()
    sent()
    webhook(EventKind.ECHO)
    recorded(ECHO)


def microseconds(work: Callable[[], object], times: int) -> float:
    """Of CPU for one time; the best of some rounds, which others disturbed least."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


def main() -> None:
    """Prints what was measured."""
    say = sys.stdout.write
    say(f"measures of one message: {microseconds(whole, MESSAGES):.0f} us of CPU\n")
    for name, accounts in (("one account", 1), ("100 accounts", 100)):
        for number in range(accounts):
            of(catalogue.ANSWER_SECONDS, str(number)).observe(1)
            for outcome in ("answered", "restarted", "conflict", "handed_over"):
                of(catalogue.TURNS, str(number), outcome).inc()
        took = microseconds(lambda: snapshot(catalogue.REGISTRY), 20)
        size = len(snapshot(catalogue.REGISTRY))
        say(f"a snapshot, {name}: {took / 1000:.1f} ms of CPU every 5 s, {size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
