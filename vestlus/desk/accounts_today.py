"""How accounts stand with what limits them: Meta's limits, posts of a day, money for models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from vestlus.assistant.spending import spent_in
from vestlus.conversation.budget import Budget, Spent, Stage, day_at, stage_of, used_of
from vestlus.measuring.processes import SHOWN_SECONDS
from vestlus.measuring.snapshot import read_snapshot
from vestlus.settings import Settings
from vestlus.store.measure_port import PostsOfDay, ProcessMeasures
from vestlus.store.measure_rows import Heard
from vestlus.store.usage_port import ModelUsage
from vestlus.store.usage_rows import UsageRow

#: Within which Instagram counts posts (Instagram Platform, "Content Publishing: rate limit").
DAY_MS: Final = 24 * 60 * 60 * 1000

_USAGE: Final = "vestlus_graph_usage_ratio"


class TodayStore(ProcessMeasures, PostsOfDay, ModelUsage, Protocol):
    """What is asked of the store."""


@dataclass(frozen=True, slots=True)
class AccountToday:
    """How far an account's limits are used up. Parts are 1 for all of it."""

    #: Of Meta's limits, as the headers of its last answers said; None where no process knows.
    graph_used: float | None
    #: Out within 24 hours, and how many may be.
    posts: int
    posts_allowed: int
    #: What models took since midnight in the account's zone.
    spent: Spent
    budget: Budget
    #: Of the limit of the budget that is used up furthest; None without a budget.
    budget_used: float | None

    @property
    def budget_stage(self) -> Stage:
        """What follows from that."""
        return stage_of(self.budget, self.spent)


async def accounts_today(
    settings: Settings, store: TodayStore, now_ms: int
) -> dict[str, AccountToday]:
    """Of each account of the settings. Raises StoreUnavailable.

    What processes told is read beside the event loop: some kilobytes of each.
    """
    accounts = settings.accounts
    if not accounts:
        return {}
    ids = [one.id for one in accounts]
    days = {one.id: day_at(now_ms, one.timezone).name for one in accounts}
    heard, posts, rows = await asyncio.gather(
        store.measures(SHOWN_SECONDS),
        store.posts_since(ids, now_ms - DAY_MS),
        store.usage(min(days.values()), ids),
    )
    used = await asyncio.to_thread(graph_usage, heard)
    spent = _spent(rows, days)
    found = {}
    for one in accounts:
        budget = one.daily_budget.budget if one.daily_budget else Budget()
        theirs = spent.get(one.id, Spent())
        found[one.id] = AccountToday(
            graph_used=used.get(one.id),
            posts=posts.get(one.id, 0),
            posts_allowed=one.limits.posts_per_day,
            spent=theirs,
            budget=budget,
            budget_used=used_of(budget, theirs),
        )
    return found


def graph_usage(heard: Iterable[Heard]) -> dict[str, float]:
    """The part of Meta's limits that is used up, by account: of several processes that tell of one,
    the largest. What cannot be read is passed over: it is of another version.
    """
    used: dict[str, float] = {}
    for one in heard:
        try:
            families = read_snapshot(one.body)
        except ValueError:
            continue
        for family in families:
            if family.name != _USAGE:
                continue
            for sample in family.samples:
                account = sample.labels.get("account", "")
                used[account] = max(used.get(account, 0.0), sample.value)
    return used


def _spent(rows: Sequence[UsageRow], days: Mapping[str, str]) -> dict[str, Spent]:
    by_account: dict[str, list[UsageRow]] = {}
    for row in rows:
        if days.get(row.account) == row.day:
            by_account.setdefault(row.account, []).append(row)
    return {account: spent_in(iter(theirs)) for account, theirs in by_account.items()}
