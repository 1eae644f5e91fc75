"""Measures in Prometheus' text format (its page "Text-based format", version 0.0.4)."""

from __future__ import annotations

from collections.abc import Mapping

from vestlus.store.rows import Counts


def exposition(counts: Counts | None, requests: Mapping[str, int]) -> str:
    """The body of ``/metrics``. Without ``counts`` the store does not answer, and it says so."""
    lines = [
        "# HELP vestlus_store_up Whether the store answered.",
        "# TYPE vestlus_store_up gauge",
        f"vestlus_store_up {int(counts is not None)}",
        "# HELP vestlus_webhook_total What webhooks of this replica brought, and their outcome.",
        "# TYPE vestlus_webhook_total counter",
        *(f'vestlus_webhook_total{{what="{_label(k)}"}} {v}' for k, v in sorted(requests.items())),
    ]
    if counts is not None:
        lines += [
            "# HELP vestlus_events Recorded events by kind and state.",
            "# TYPE vestlus_events gauge",
            *(_event(name, count) for name, count in sorted(counts.events.items())),
            "# HELP vestlus_sends Ledger rows by state.",
            "# TYPE vestlus_sends gauge",
            *(f'vestlus_sends{{state="{_label(k)}"}} {v}' for k, v in sorted(counts.sends.items())),
            "# HELP vestlus_dead_letters Dead letters.",
            "# TYPE vestlus_dead_letters gauge",
            f"vestlus_dead_letters {counts.dead_letters}",
            "# HELP vestlus_conversations_waiting Conversations that wait for a person.",
            "# TYPE vestlus_conversations_waiting gauge",
            f"vestlus_conversations_waiting {counts.waiting}",
            "# HELP vestlus_windows_closing Those with something open that end within two hours.",
            "# TYPE vestlus_windows_closing gauge",
            f"vestlus_windows_closing {counts.closing}",
            "# HELP vestlus_posts Posts by state.",
            "# TYPE vestlus_posts gauge",
            *(f'vestlus_posts{{state="{_label(k)}"}} {v}' for k, v in sorted(counts.posts.items())),
        ]
    return "\n".join(lines) + "\n"


def _event(name: str, count: int) -> str:
    kind, _, state = name.partition("/")
    return f'vestlus_events{{kind="{_label(kind)}",state="{_label(state)}"}} {count}'


def _label(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
