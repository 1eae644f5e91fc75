"""``/api/v1/overview``: what the console's overview shows. ``docs/api.md`` documents it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Final

from pydantic import Field

from vestlus.console.operations import Call, Operation, Shape
from vestlus.conversation.budget import NANO
from vestlus.desk.accounts_today import accounts_today
from vestlus.measuring.series import KEPT_MS, series
from vestlus.store.measure_rows import MINUTE_MS, minute_of
from vestlus.store.token_rows import TokenRow

_WEEK_MINUTES: Final = KEPT_MS // MINUTE_MS
#: Points in one answer.
_MOST: Final = 1_440


class OverviewAsked(Shape):
    """Which span, and whose."""

    account: Annotated[str, Field(description="Only this account's `work` and `series`.")] = ""
    minutes: Annotated[int, Field(ge=1, le=_WEEK_MINUTES, description="How far back.")] = 60
    step: Annotated[int, Field(ge=1, le=_WEEK_MINUTES, description="Minutes of one point.")] = 1


class PointTold(Shape):
    """What happened in ``step`` minutes from ``at_ms`` on."""

    at_ms: int
    received: int
    answered: int
    failed: int
    backlog: Annotated[int, Field(description="The most that was unanswered.")]
    median_seconds: Annotated[float | None, Field(description="Of answers that went out then.")]
    p95_seconds: float | None


class WorkTold(Shape):
    """What is not done yet. Moments are milliseconds since 1970, or null without any."""

    events: Annotated[dict[str, int], Field(description="By `kind/state`.")]
    unanswered_since_ms: int | None
    undetermined_since_ms: int | None
    sends: Annotated[dict[str, int], Field(description="Unfinished ones and drafts, by state.")]
    due_since_ms: int | None
    deadline_ms: Annotated[int | None, Field(description="The nearest of unfinished sends.")]
    draft_deadline_ms: Annotated[int | None, Field(description="The nearest of drafts.")]
    waiting: Annotated[int, Field(description="Conversations that wait for a person.")]
    waiting_since_ms: int | None
    closing: int
    dead_letters: Annotated[dict[str, int], Field(description="Open ones, by reason.")]
    posts: dict[str, int]
    occurrences: dict[str, int]


class TokenTold(Shape):
    """How an account's access token is; never the token."""

    account: str
    username: str
    state: str
    reason: str
    expires_ms: Annotated[int | None, Field(description="Null while it is not known.")]
    failed_refreshes: int


class LimitsTold(Shape):
    """How far an account's limits are used up. Parts are 1 for all of it."""

    account: str
    graph_used: Annotated[
        float | None, Field(description="Of Meta's limits, last told; null while nobody knows.")
    ]
    posts: Annotated[int, Field(description="Out within 24 hours.")]
    posts_allowed: int
    model_calls: Annotated[int, Field(description="Since midnight in the account's zone.")]
    model_tokens: int
    model_cost: Annotated[float, Field(description="Without calls that have no price.")]
    model_calls_without_price: int
    currency: str
    budget_used: Annotated[float | None, Field(description="Null without a daily budget.")]


class OverviewTold(Shape):
    """Now, and the last minutes."""

    at_ms: int
    work: WorkTold
    accounts: list[TokenTold]
    limits: list[LimitsTold]
    series: list[PointTold]


async def _overview(call: Call) -> dict[str, Any]:
    asked: OverviewAsked = call.query
    store, now_ms = call.tools.store, call.tools.clock()
    until_ms = minute_of(now_ms)
    step = max(asked.step, -(-asked.minutes // _MOST))
    since_ms = until_ms - asked.minutes * MINUTE_MS
    rows = await store.minutes(since_ms, until_ms, account=asked.account or None)
    points = await asyncio.to_thread(series, rows, since_ms, until_ms, step_minutes=step)
    work = asdict(await store.open_work(account=asked.account or None))
    del work["tokens"]
    return {
        "at_ms": now_ms,
        "work": work,
        "accounts": [_token(row) for row in await store.tokens()],
        "limits": await _limits(call, now_ms),
        "series": [asdict(one) for one in points],
    }


async def _limits(call: Call, now_ms: int) -> list[dict[str, Any]]:
    settings = call.tools.settings
    found = await accounts_today(settings, call.tools.store, now_ms)
    return [
        {
            "account": account,
            "graph_used": one.graph_used,
            "posts": one.posts,
            "posts_allowed": one.posts_allowed,
            "model_calls": one.spent.calls,
            "model_tokens": one.spent.tokens,
            "model_cost": one.spent.cost_nano / NANO,
            "model_calls_without_price": one.spent.unpriced,
            "currency": settings.prices.currency,
            "budget_used": one.budget_used,
        }
        for account, one in found.items()
    ]


def _token(row: TokenRow) -> dict[str, Any]:
    return {
        "account": row.account,
        "username": row.username,
        "state": str(row.state),
        "reason": row.reason,
        "expires_ms": row.expires_ms or None,
        "failed_refreshes": row.failures,
    }


OPERATIONS: Final = (
    Operation(
        "GET", "/overview", "overview", "What happens now, and what waits", _overview,
        OverviewTold, query=OverviewAsked,
    ),
)  # fmt: skip
