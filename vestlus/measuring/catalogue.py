"""Everything that a process measures of itself, by name. ``docs/measures.md`` lists it.

The registry is the process's: what is counted here is not passed from hand to hand, because it
belongs to no one part, and nothing decides by it. Labels have few values: accounts, and words of
ours; never a user, a conversation or a message. Durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from vestlus.store.measure_rows import ANSWER_BOUNDS

REGISTRY: Final = CollectorRegistry()

#: Of what takes milliseconds: a confirm of the broker, a transaction.
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0)
#: Of what takes as long as another server does.
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
#: Of what may lie for hours.
_AGES: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)


def _counter(name: str, means: str, *labels: str) -> Counter:
    return Counter(name, means, labels, registry=REGISTRY)


def _gauge(name: str, means: str, *labels: str) -> Gauge:
    return Gauge(name, means, labels, registry=REGISTRY)


def _histogram(
    name: str, means: str, *labels: str, buckets: tuple[float, ...] = _QUICK
) -> Histogram:
    return Histogram(name, means, labels, buckets=buckets, registry=REGISTRY)


# The way in.
WEBHOOK: Final = _counter(
    "vestlus_webhook_total", "What webhooks brought, and what requests came to.", "what"
)
EVENT_REQUESTS: Final = _counter(
    "vestlus_event_requests_total", "What requests with other systems' events came to.", "what"
)
PUBLISH_SECONDS: Final = _histogram(
    "vestlus_bus_publish_seconds",
    "How long the bus took to confirm a publish, or to fail.",
    *("queue", "outcome"),
)
DELIVERIES: Final = _counter(
    "vestlus_bus_deliveries_total", "Messages received from the bus.", "queue"
)
INTERRUPTIONS: Final = _counter(
    "vestlus_bus_interruptions_total", "Times a queue was lost or not reachable.", "queue"
)
RECONNECTS: Final = _counter(
    "vestlus_bus_reconnects_total", "Connections to the broker made anew.", "connection"
)
RECORDED: Final = _counter(
    "vestlus_events_recorded_total", "Events recorded that were new.", "account", "kind"
)
RECORDING_LAG: Final = _histogram(
    "vestlus_recording_lag_seconds",
    "From Meta's timestamp of an event until it was recorded.",
    buckets=_AGES,
)
BUS_WAIT: Final = _histogram(
    "vestlus_bus_wait_seconds",
    "How long the oldest of a batch had been on the bus when it was recorded.",
    buckets=_AGES,
)
GROUP_ITEMS: Final = _histogram(
    "vestlus_group_items",
    "Items that shared a transaction or a round trip.",
    "group",
    buckets=_SIZES,
)
GROUP_SECONDS: Final = _histogram(
    "vestlus_group_seconds", "How long such a group took, by whether it failed.", "group", "outcome"
)

# Turns.
TURNS: Final = _counter("vestlus_turns_total", "What turns came to.", "account", "outcome")
TURN_SECONDS: Final = _histogram(
    "vestlus_turn_seconds",
    "How long turns were queued, waited for the rest of a burst, thought and committed.",
    "phase",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0),
)
TURNS_IN_FLIGHT: Final = _gauge("vestlus_turns_in_flight", "Turns under way.")
TURNS_QUEUED: Final = _gauge("vestlus_turns_queued", "Conversations that wait for a place.")
TURNS_QUEUED_AGE: Final = _gauge(
    "vestlus_turns_queued_age_seconds", "How long the first of those has waited."
)
LIVE: Final = _gauge("vestlus_conversations_live", "Conversations in memory.")
TAKEN_OVER: Final = _counter(
    "vestlus_conversations_taken_over_total", "Unanswered conversations found in a partition taken."
)
NOT_SUMMED_UP: Final = _counter(
    "vestlus_messages_not_summed_up_total",
    "Messages that are in no summary because the model would not sum them up.",
    "account",
)

# The model. What is spent is counted for budgets, and read off: see vestlus.measuring.spent.
MODEL_CALLS: Final = _counter(
    "vestlus_model_calls_total",
    "Calls of models that were answered.",
    *("account", "model", "purpose"),
)
MODEL_TOKENS: Final = _counter(
    "vestlus_model_tokens_total",
    "Tokens of such calls.",
    *("account", "model", "purpose", "kind"),
)
MODEL_COST: Final = _counter(
    "vestlus_model_cost_total",
    "What such calls cost, in the currency of the settings.",
    *("account", "model", "purpose"),
)
MODEL_UNPRICED: Final = _counter(
    "vestlus_model_calls_unpriced_total",
    "Calls of models without a price, whose cost is not counted.",
    *("account", "model", "purpose"),
)
BUDGET_USED: Final = _gauge(
    "vestlus_daily_budget_used_ratio",
    "The part of an account's budget of this day that is used up.",
    "account",
)
MODEL_SECONDS: Final = _histogram(
    "vestlus_model_call_seconds",
    "How long a question to a model took, all its attempts, by what came of it.",
    *("call", "outcome"),
    buckets=_SLOW,
)
MODEL_ATTEMPTS: Final = _counter(
    "vestlus_model_attempts_total", "Attempts at such questions.", "outcome"
)
BREAKERS_OPEN: Final = _gauge(
    "vestlus_model_breakers_open", "Circuit breakers that let nothing through.", "of"
)
BREAKERS_OPENED: Final = _counter(
    "vestlus_model_breakers_opened_total", "Times that a circuit breaker opened.", "of"
)

# The way out.
SENDS_FINISHED: Final = _counter(
    "vestlus_sends_finished_total", "Sends that ended.", "account", "kind", "outcome"
)
SEND_AGE: Final = _histogram(
    "vestlus_send_age_seconds",
    "From the decision to send until Instagram took it.",
    "kind",
    buckets=_AGES,
)
ANSWER_SECONDS: Final = _histogram(
    "vestlus_answer_seconds",
    "From when the oldest message was durable that an answer is to, until its last part was sent.",
    "account",
    buckets=ANSWER_BOUNDS,
)
MESSAGES_ANSWERED: Final = _counter(
    "vestlus_messages_answered_total", "Users' messages whose answer went out whole.", "account"
)
GRAPH_SECONDS: Final = _histogram(
    "vestlus_graph_call_seconds",
    "How long a call of the Graph API took, by what came of it.",
    *("call", "outcome"),
    buckets=_SLOW,
)
GRAPH_THROTTLED: Final = _counter(
    "vestlus_graph_throttled_total", "Calls that Graph refused as too many.", "account"
)
GRAPH_USAGE: Final = _gauge(
    "vestlus_graph_usage_ratio", "The fullest of Meta's limits, as told last.", "account"
)
SENDING: Final = _gauge("vestlus_publisher_sends", "Sends in this publisher's hands.", "state")

# Posts and their planning.
POSTS_FINISHED: Final = _counter(
    "vestlus_posts_finished_total", "Posts that ended.", "account", "outcome"
)
POST_LATENESS: Final = _histogram(
    "vestlus_post_lateness_seconds", "How late posts were published.", buckets=_AGES
)
OCCURRENCE_STEPS: Final = _counter(
    "vestlus_occurrence_steps_total", "Steps of what is planned, by the state it came to.", "state"
)
OCCURRENCE_LATENESS: Final = _histogram(
    "vestlus_occurrence_lateness_seconds", "How late posts were handed over.", buckets=_AGES
)

# Missed webhooks.
MISSED_LOOKS: Final = _counter(
    "vestlus_missed_looks_total", "Looks for messages without a webhook.", "account", "outcome"
)
MISSED_MESSAGES: Final = _counter(
    "vestlus_missed_messages_total", "Messages that such looks found.", "account"
)
MISSED_UNREADABLE: Final = _counter(
    "vestlus_missed_unreadable_total",
    "Conversations that such looks left out because Instagram would not show them.",
    "account",
)
MISSED_UNTIL: Final = _gauge(
    "vestlus_missed_looked_until_timestamp_seconds",
    "Until when it is known that no message was missed.",
    "account",
)

# Operators.
SIGN_IN_REFUSALS: Final = _counter(
    "vestlus_sign_in_refusals_total",
    "Times that somebody was not let into the console or the API.",
    *("way", "outcome"),
)
AUDIT_ENTRIES_LOST: Final = _counter(
    "vestlus_audit_entries_lost_total", "Entries of the audit that were not written.", "reason"
)

# The service.
LEASE_CHANGES: Final = _counter(
    "vestlus_lease_changes_total", "Leases acquired, released and lost.", "of", "change"
)
LEASES_HELD: Final = _gauge("vestlus_leases_held", "Leases that this process holds.")
ACTORS: Final = _gauge("vestlus_actors", "Actors by how they are.", "kind", "state")
ACTORS_ENDED: Final = _counter(
    "vestlus_actor_failures_total", "Actors found dead or frozen, which start again.", "kind", "how"
)
LOOP_LAG: Final = _gauge(
    "vestlus_loop_lag_seconds", "How much too late the event loop woke a task, the last time."
)
NOT_TOLD: Final = _counter(
    "vestlus_measures_not_told_total",
    "Times that telling the measures broke; a store that is away does not count.",
)
ProcessCollector(namespace="vestlus", registry=REGISTRY)

_M = TypeVar("_M", Counter, Gauge, Histogram)

_CHILDREN: Final[dict[tuple[object, ...], Any]] = {}

#: Series of one process. Labels have few values; should one ever have many, the rest is one series.
_MOST_SERIES: Final = 50_000

_REST: Final = "other"


def of(family: _M, *labels: str) -> _M:
    """The series of these labels, in their order. Quicker than asking the family each time."""
    key = (family, *labels)
    child: _M | None = _CHILDREN.get(key)
    if child is None:
        if len(_CHILDREN) >= _MOST_SERIES:
            return family.labels(*(_REST for _ in labels))
        child = _CHILDREN[key] = family.labels(*labels)
    return child


def count(family: Counter, counts: Mapping[str, int]) -> None:
    """Adds what happened, by the one label of the family."""
    for what, number in counts.items():
        of(family, what).inc(number)
