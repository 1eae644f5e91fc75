"""What the store says is open, as families of measures. Plain code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from vestlus.counting import Sums
from vestlus.store.measure_rows import OpenWork
from vestlus.store.token_rows import TokenRow, TokenState

#: Reasons of dead letters are words of ours, but for what a server said that is told as one.
_WORD: Final = re.compile(r"[a-z0-9_.:-]{1,60}")

#: Reasons that are told apart, those with most letters first.
_MOST_REASONS: Final = 30

_OTHER: Final = "other"


def families_of_store(sums: Sums, now_ms: int) -> Iterator[Metric]:
    """What was not counted, because the store does not answer or never could be counted, is left
    out. An age is left out where there is nothing of the kind.
    """
    yield _one("vestlus_store_up", "Whether the store answered.", int(sums.up))
    work = sums.work
    if work is None:
        return
    events = GaugeMetricFamily(
        "vestlus_events", "Recorded events that wait, by kind and state.", labels=["kind", "state"]
    )
    for name, count in sorted(work.events.items()):
        kind, _, state = name.partition("/")
        events.add_metric([kind, state], count)
    yield events
    yield _by("vestlus_sends", "Sends that are not finished, by state.", "state", work.sends)
    yield from _ages(work, now_ms)
    yield _one(
        "vestlus_dead_letters",
        "Dead letters that nobody has seen to.",
        sum(work.dead_letters.values()),
    )
    yield _by(
        "vestlus_dead_letters_by_reason",
        "The same by reason.",
        "reason",
        bounded(work.dead_letters),
    )
    yield _one(
        "vestlus_conversations_waiting", "Conversations that wait for a person.", work.waiting
    )
    yield _one(
        "vestlus_windows_closing",
        "Conversations with something open, or that wait for a person, that end within two hours.",
        work.closing,
    )
    yield from _tokens(work.tokens)
    yield _by("vestlus_posts", "Posts by state.", "state", work.posts)
    yield _by(
        "vestlus_occurrences",
        "Times of schedules and outcomes of events by state.",
        "state",
        work.occurrences,
    )


def bounded(reasons: Mapping[str, int]) -> dict[str, int]:
    """The commonest reasons, and what is no word of ours or is seldom, as ``other``."""
    kept: dict[str, int] = {}
    commonest = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    for reason, count in commonest:
        is_told = _WORD.fullmatch(reason) and len(kept) < _MOST_REASONS
        word = reason if is_told else _OTHER
        kept[word] = kept.get(word, 0) + count
    return kept


def _ages(work: OpenWork, now_ms: int) -> Iterator[Metric]:
    for name, means, since_ms in (
        (
            "vestlus_unanswered_age_seconds",
            "How long ago the oldest unanswered message was recorded that is not left to people.",
            work.unanswered_since_ms,
        ),
        (
            "vestlus_undetermined_age_seconds",
            "How long ago the oldest echo was recorded of which it is not told whose it is.",
            work.undetermined_since_ms,
        ),
        (
            "vestlus_due_send_age_seconds",
            "For how long the send has been due that has been due for longest.",
            work.due_since_ms,
        ),
        (
            "vestlus_waiting_for_person_age_seconds",
            "For how long the conversation has waited for a person that has waited for longest.",
            work.waiting_since_ms,
        ),
    ):
        yield _maybe(name, means, None if since_ms is None else max(0, now_ms - since_ms) / 1000)
    left = None if work.deadline_ms is None else (work.deadline_ms - now_ms) / 1000
    yield _maybe(
        "vestlus_send_deadline_seconds",
        "How much time is left for the send whose deadline is nearest.",
        left,
    )


def _tokens(rows: Iterable[TokenRow]) -> Iterator[Metric]:
    """Of each account, and of its token while it is called with.

    A token whose end is not known has no measure of it. Nothing is called with a stopped account's:
    that it ends, or that it is not refreshed, is nothing to mend.
    """
    expires = GaugeMetricFamily(
        "vestlus_token_expires_timestamp_seconds",
        "When an account's token ends.",
        labels=["account"],
    )
    usable = GaugeMetricFamily(
        "vestlus_token_usable",
        "Whether Graph accepted an account's token when last used.",
        labels=["account"],
    )
    failed = GaugeMetricFamily(
        "vestlus_token_refresh_failed",
        "Refreshes that failed since the last that did not.",
        labels=["account"],
    )
    stopped = GaugeMetricFamily(
        "vestlus_account_stopped",
        "Whether nothing is called for an account, because its owner took the app's rights away.",
        labels=["account"],
    )
    for row in rows:
        is_stopped = row.state is TokenState.STOPPED
        stopped.add_metric([row.account], int(is_stopped))
        if is_stopped:
            continue
        if row.expires_ms:
            expires.add_metric([row.account], row.expires_ms // 1000)
        usable.add_metric([row.account], int(row.state is TokenState.USABLE))
        failed.add_metric([row.account], row.failures)
    yield from (stopped, expires, usable, failed)


def _one(name: str, means: str, value: float) -> Metric:
    return GaugeMetricFamily(name, means, value=value)


def _maybe(name: str, means: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(name, means)
    if value is not None:
        family.add_metric([], value)
    return family


def _by(name: str, means: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, means, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family
