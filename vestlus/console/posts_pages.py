"""``/console/posts``: the calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from babel.dates import format_date, format_interval
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.content import chosen_account, zone_of
from vestlus.console.guarding import Guard
from vestlus.console.post_views import day_cell
from vestlus.console.tools import Tools
from vestlus.console.visits import Visit
from vestlus.desk.calendar import Span, calendar, month_of, week_of
from vestlus.scheduling.walltime import wall_at
from vestlus.store.occurrences import OccurrenceState

#: Drafts that are counted as waiting; more are told as so many.
_MOST_WAITING: Final = 100
#: Years that the calendar can show: what a date can be, with room for its weeks.
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


class PostsPages:
    """What is looked at: the days, with what went out and what is to."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [self._guard.page("/console/posts", self._calendar)]

    async def _calendar(self, visit: Visit) -> Response:
        account = chosen_account(visit)
        zone = zone_of(account)
        today = wall_at(visit.now_ms, zone).date()
        weekly = visit.query("view") == "week"
        on = _day(visit.query("on")) or today
        span = week_of(on) if weekly else month_of(on)
        days = await calendar(
            self._tools.store,
            self._tools.settings,
            span,
            zone,
            now_ms=visit.now_ms,
            account=account.id if account else None,
        )
        waiting = await self._tools.store.occurrences(
            limit=_MOST_WAITING,
            account=account.id if account else None,
            states=(OccurrenceState.WAITING,),
        )
        month = None if weekly else on.month
        return visit.page(
            "posts.html",
            zone=zone,
            account=account,
            accounts=self._tools.settings.accounts,
            days=[day_cell(one, visit.language, zone, today=today, month=month) for one in days],
            any=any(one.entries for one in days),
            weekly=weekly,
            on=on,
            title=_title(visit, span, on, weekly=weekly),
            before=_shifted(on, span, weekly=weekly, forward=False),
            after=_shifted(on, span, weekly=weekly, forward=True),
            waiting=waiting,
            first_waiting=min(waiting, key=lambda one: one.due_ms, default=None),
        )


def _title(visit: Visit, span: Span, on: date, *, weekly: bool) -> str:
    locale = str(visit.language)
    if not weekly:
        return format_date(on, "LLLL y", locale=locale)
    return format_interval(span.first, span.end - timedelta(days=1), "yMMMd", locale=locale)


def _shifted(on: date, span: Span, *, weekly: bool, forward: bool) -> date:
    if weekly:
        return span.end if forward else span.first - timedelta(days=7)
    first = on.replace(day=1)
    return (first + timedelta(days=31) if forward else first - timedelta(days=1)).replace(day=1)


def _day(text: str) -> date | None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day of a calendar
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
