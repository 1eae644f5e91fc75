"""The overview: what happens now, what waits, how the accounts are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.content import zone_of
from vestlus.console.guarding import Guard
from vestlus.console.live import Streams
from vestlus.console.plots import Line, plot
from vestlus.console.rendering import number
from vestlus.console.shared_look import SharedLook
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit
from vestlus.conversation.budget import NANO
from vestlus.desk.accounts_today import AccountToday, accounts_today
from vestlus.measuring.series import Point, series
from vestlus.store.ledger import SendState
from vestlus.store.measure_rows import MINUTE_MS, MinuteRow, OpenWork, minute_of
from vestlus.store.port import Store
from vestlus.store.token_rows import TokenRow

#: Name in the query → minutes that are shown, minutes of one point, how a moment is written.
SPANS: Final = {
    "hour": (60, 1, "HH:mm"),
    "day": (24 * 60, 15, "HH:mm"),
    "week": (7 * 24 * 60, 120, "d.MM HH:mm"),
}
#: What "now" is: so many whole minutes before this one.
RECENT_MINUTES: Final = 5
#: Readers of one replica share a look at the store for so long, seconds.
FRESH_SECONDS: Final = 2.0
#: An open page is fetched again after so long, milliseconds, though nothing happened: the ages of
#: what waits grow all the same, and whatever counts may be what stands still.
CLOCK_MS: Final = 20_000
#: A deadline that comes so soon is worth a look, milliseconds.
SOON_MS: Final = 60 * MINUTE_MS
#: The same of what accounts have used up, which processes tell every five seconds.
TODAY_SECONDS: Final = 10.0
_DAY_MS: Final = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the settings or of the store, and its token."""

    id: str
    name: str
    token: TokenRow | None

    def days_left(self, now_ms: int) -> int | None:
        """Whole days until the token ends; None while that is not known."""
        if self.token is None or not self.token.expires_ms:
            return None
        return max(0, (self.token.expires_ms - now_ms) // _DAY_MS)


def stamp(work: OpenWork, minutes: Sequence[MinuteRow], now_ms: int) -> str:
    """A word that changes when what the page shows does: with time alone, too."""
    return f"{hash((repr(work), tuple(minutes), now_ms // CLOCK_MS)):x}"


class Overview:
    """The page, its live part, and the stream that says when to fetch it."""

    def __init__(self, tools: Tools, guard: Guard, streams: Streams) -> None:
        self._tools = tools
        self._guard = guard
        self._streams = streams
        #: By account, as many as there are, and that of all.
        self._works: dict[str, SharedLook[OpenWork]] = {}
        self._today = SharedLook(
            self._look_today, seconds=TODAY_SECONDS, name="looking at accounts"
        )

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            self._guard.page("/console", self._page),
            self._guard.page("/console/overview/now", self._now),
            self._guard.page("/console/overview/live", self._live),
        ]

    async def _page(self, visit: Visit) -> Response:
        return await self._rendered(visit, "overview.html")

    async def _now(self, visit: Visit) -> Response:
        return await self._rendered(visit, "overview_now.html")

    async def _live(self, visit: Visit) -> Response:
        store = self._tools.store
        account = self._chosen(visit.query("account"), self._accounts(await store.tokens()))

        async def look() -> str:
            now_ms = visit.tools.clock()
            work = await self._work(account)
            minutes = await self._minutes(store, now_ms, RECENT_MINUTES, account)
            return stamp(work, minutes, now_ms)

        return self._streams.follow(look)

    async def _rendered(self, visit: Visit, template: str) -> Response:
        store = self._tools.store
        span = visit.query("span") if visit.query("span") in SPANS else "hour"
        accounts = self._accounts(await store.tokens())
        account = self._chosen(visit.query("account"), accounts)
        work = await self._work(account)
        minutes, step, _ = SPANS[span]
        rows = await self._minutes(store, visit.now_ms, max(minutes, 60), account)
        # Whole minutes: of the one that runs there is too little yet.
        until_ms = minute_of(visit.now_ms)
        since_ms = until_ms - minutes * MINUTE_MS
        # A week of many accounts is many rows, and webhooks do not wait for them.
        points = await asyncio.to_thread(series, rows, since_ms, until_ms, step_minutes=step)
        recently_ms = until_ms - RECENT_MINUTES * MINUTE_MS
        recent = series(rows, recently_ms, until_ms, step_minutes=RECENT_MINUTES)
        hour_ago = visit.now_ms - 60 * MINUTE_MS
        zone = self._zone(account)
        return visit.page(
            template,
            zone=zone,
            span=span,
            spans=tuple(SPANS),
            account=account,
            accounts=accounts,
            work=work,
            soon_ms=visit.now_ms + SOON_MS,
            today=await self._today(),
            currency=self._tools.settings.prices.currency,
            NANO=NANO,
            unsent=sum(n for state, n in work.sends.items() if state != SendState.DRAFT),
            drafts=work.sends.get(SendState.DRAFT, 0),
            recent=recent[0],
            recent_minutes=RECENT_MINUTES,
            failed=sum(row.failed for row in rows if row.minute_ms >= hour_ago),
            plots=self._plots(visit, points, step, SPANS[span][2], zone),
        )

    def _plots(
        self, visit: Visit, points: Sequence[Point], step: int, pattern: str, zone: ZoneInfo
    ) -> list[Markup]:
        language = visit.language

        def clock(at_ms: int) -> str:
            at = datetime.fromtimestamp(at_ms / 1000, UTC)
            return format_datetime(at, pattern, tzinfo=zone, locale=str(language))

        said = lambda name, value: visit.words("overview.at_most", name=name, value=value)  # noqa: E731
        drawn = partial(
            plot,
            moments=[point.at_ms for point in points],
            clock=clock,
            number=lambda value: number(round(value, 2), language),
            said=said,
        )
        words = visit.words
        traffic = (
            Line(words("overview.received"), [one.received / step for one in points]),
            Line(words("overview.answered"), [one.answered / step for one in points]),
            Line(words("overview.failed_line"), [one.failed / step for one in points]),
        )
        times = (
            Line(words("overview.median"), [one.median_seconds for one in points]),
            Line(words("overview.p95"), [one.p95_seconds for one in points]),
        )
        backlog = (Line(words("overview.backlog"), [one.backlog for one in points]),)
        return [
            drawn("plot-traffic", words("overview.traffic"), lines=traffic),
            drawn("plot-times", words("overview.times"), lines=times),
            drawn("plot-backlog", words("overview.backlog_plot"), lines=backlog),
        ]

    async def _minutes(
        self, store: Store, now_ms: int, minutes: int, account: str
    ) -> tuple[MinuteRow, ...]:
        since_ms = now_ms - (minutes + 1) * MINUTE_MS
        return await store.minutes(since_ms, now_ms + MINUTE_MS, account=account or None)

    async def _work(self, account: str) -> OpenWork:
        if account not in self._works:
            look = partial(self._look, account)
            self._works[account] = SharedLook(
                look, seconds=FRESH_SECONDS, name="looking at open work"
            )
        return await self._works[account]()

    async def _look(self, account: str) -> OpenWork:
        return await self._tools.store.open_work(account=account or None)

    async def _look_today(self) -> dict[str, AccountToday]:
        tools = self._tools
        return await accounts_today(tools.settings, tools.store, tools.clock())

    def _accounts(self, tokens: Sequence[TokenRow]) -> list[Account]:
        rows = {row.account: row for row in tokens}
        ids = [one.id for one in self._tools.settings.accounts]
        ids += [one for one in sorted(rows) if one not in ids]
        return [
            Account(one, rows[one].username if one in rows else "", rows.get(one)) for one in ids
        ]

    @staticmethod
    def _chosen(asked: str, accounts: Sequence[Account]) -> str:
        """That account, or none, which is all, where there is no such account."""
        return asked if asked in {one.id for one in accounts} else ""

    def _zone(self, account: str) -> ZoneInfo:
        """The zone of that account, or of the first: theirs who work with it."""
        settings = self._tools.settings
        return zone_of(settings.account(account) or next(iter(settings.accounts), None))
