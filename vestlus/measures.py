"""Measures in Prometheus' text format (its page "Text-based format", version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vestlus.counting import Sums
from vestlus.store.token_rows import TokenRow, TokenState


def exposition(
    sums: Sums, requests: Mapping[str, int], told: Mapping[str, int] | None = None
) -> str:
    """The body of ``/metrics``. ``told`` is what other systems' events came to.

    What was not counted, because the store does not answer or never could be counted, is left out.
    """
    counts = sums.counts
    lines = [
        "# HELP vestlus_store_up Whether the store answered.",
        "# TYPE vestlus_store_up gauge",
        f"vestlus_store_up {int(sums.up)}",
        "# HELP vestlus_webhook_total What webhooks of this replica brought, and their outcome.",
        "# TYPE vestlus_webhook_total counter",
        *(f'vestlus_webhook_total{{what="{_label(k)}"}} {v}' for k, v in sorted(requests.items())),
        "# HELP vestlus_event_requests_total What requests with other systems' events came to.",
        "# TYPE vestlus_event_requests_total counter",
        *(
            f'vestlus_event_requests_total{{what="{_label(k)}"}} {v}'
            for k, v in sorted((told or {}).items())
        ),
    ]
    if counts is not None:
        lines += [
            "# HELP vestlus_events Recorded events by kind and state.",
            "# TYPE vestlus_events gauge",
            *(_event(name, count) for name, count in sorted(counts.events.items())),
            "# HELP vestlus_sends Ledger rows by state.",
            "# TYPE vestlus_sends gauge",
            *(f'vestlus_sends{{state="{_label(k)}"}} {v}' for k, v in sorted(counts.sends.items())),
            "# HELP vestlus_dead_letters Dead letters that nobody has seen to.",
            "# TYPE vestlus_dead_letters gauge",
            f"vestlus_dead_letters {counts.dead_letters}",
            "# HELP vestlus_conversations_waiting Conversations that wait for a person.",
            "# TYPE vestlus_conversations_waiting gauge",
            f"vestlus_conversations_waiting {counts.waiting}",
            "# HELP vestlus_windows_closing Those with something open that end within two hours.",
            "# TYPE vestlus_windows_closing gauge",
            f"vestlus_windows_closing {counts.closing}",
            *_tokens(counts.tokens),
            "# HELP vestlus_posts Posts by state.",
            "# TYPE vestlus_posts gauge",
            *(f'vestlus_posts{{state="{_label(k)}"}} {v}' for k, v in sorted(counts.posts.items())),
            "# HELP vestlus_occurrences Times of schedules and outcomes of events by state.",
            "# TYPE vestlus_occurrences gauge",
            *(
                f'vestlus_occurrences{{state="{_label(k)}"}} {v}'
                for k, v in sorted(counts.occurrences.items())
            ),
        ]
    return "\n".join(lines) + "\n"


def _tokens(rows: Sequence[TokenRow]) -> Iterator[str]:
    """Of each account's token; one whose end is not known has no measure of it."""
    yield "# HELP vestlus_token_expires_timestamp_seconds When an account's token ends."
    yield "# TYPE vestlus_token_expires_timestamp_seconds gauge"
    for row in rows:
        if row.expires_ms:
            yield _of_account(
                "vestlus_token_expires_timestamp_seconds", row, row.expires_ms // 1000
            )
    yield "# HELP vestlus_token_usable Whether Graph accepted an account's token when last used."
    yield "# TYPE vestlus_token_usable gauge"
    for row in rows:
        yield _of_account("vestlus_token_usable", row, int(row.state is TokenState.USABLE))
    yield "# HELP vestlus_token_refresh_failed Refreshes that failed since the last that did not."
    yield "# TYPE vestlus_token_refresh_failed gauge"
    for row in rows:
        yield _of_account("vestlus_token_refresh_failed", row, row.failures)


def _of_account(name: str, row: TokenRow, value: int) -> str:
    return f'{name}{{account="{_label(row.account)}"}} {value}'


def _event(name: str, count: int) -> str:
    kind, _, state = name.partition("/")
    return f'vestlus_events{{kind="{_label(kind)}",state="{_label(state)}"}} {count}'


def _label(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
