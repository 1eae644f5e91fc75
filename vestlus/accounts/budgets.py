"""Keeps accounts to their daily budgets: over all processes, and over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType, TracebackType
from typing import Final, Protocol, Self

import structlog

from vestlus.assistant.spending import Purpose, Spending, spent_in
from vestlus.assistant.token_usage import TokenUsage
from vestlus.conversation.budget import Budget, Day, Spent, Stage, stage_of, used_of
from vestlus.errors import StoreError, StoreUnavailable
from vestlus.settings import Settings
from vestlus.settings_account import Account
from vestlus.store.usage_port import ModelUsage
from vestlus.store.usage_rows import UsageRow

_log = structlog.get_logger(__name__)

#: Between two writings. What is not written yet is lost with a process that is killed; and what
#: other processes spend is known here so much later, and so much again.
WRITE_SECONDS: Final = 2.0

#: The last writing of a process that ends waits no longer for the store.
LAST_SECONDS: Final = 3.0

#: Sums by day are kept so long: a year, and the same month of the year before.
KEPT_DAYS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetNotice:
    """An account's budget of a day is used up as far as ``stage`` says, or further."""

    account: str
    day: str
    stage: Stage
    spent: Spent
    budget: Budget
    at_ms: int


class Tells(Protocol):
    """Notes that people are to be told; returns at once."""

    def __call__(self, notice: BudgetNotice, /) -> None:
        """Of each stage of a day, one process tells once."""
        ...


class Budgets:
    """Counts calls of models (a Spender), writes the counts, and says when a budget is used up.

    ``async with`` runs it. Nobody waits for the store: counts are written every two seconds, in
    groups, and what all processes have spent is read then. So an account may spend more than its
    budget by what its calls take within some four seconds, and by the answers that are under way.
    A process that is killed takes the counts of two seconds with it; where the store breaks off
    in the middle of a writing, those of two seconds may be counted twice.
    """

    def __init__(
        self,
        spending: Spending,
        store: ModelUsage,
        accounts: Iterable[Account],
        *,
        clock: Callable[[], int],
        tell: Tells | None = None,
    ) -> None:
        """Without ``tell``, others tell people."""
        self.spending = spending
        self._store = store
        self._clock = clock
        self._tell = tell
        self._budgets: Mapping[str, Budget] = {
            one.id: one.daily_budget.budget for one in accounts if one.daily_budget
        }
        #: What all processes had spent when the store was read, by account, and on which day.
        self._read: dict[str, tuple[str, Spent]] = {}
        #: What was written since then, by account and day.
        self._unread: Mapping[tuple[str, str], Spent] = {}
        self._forgotten = ""
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        with suppress(StoreUnavailable):  # what was spent is known a little later then
            await self.look()
        self._running = asyncio.create_task(self._run(), name="budgets")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=LAST_SECONDS)
            self._running.cancel()
            await asyncio.wait({self._running})

    def failed(self, tell: Callable[[asyncio.Task[None]], None]) -> None:
        """Tells of a defect that ended the work in the background, by its task; within ``async
        with``.
        """
        assert self._running is not None  # noqa: S101 - see above
        self._running.add_done_callback(lambda task: None if self._stop.is_set() else tell(task))

    def spent(
        self, account: str, model: str, purpose: Purpose, usage: TokenUsage | None
    ) -> int | None:
        """See Spender."""
        return self.spending.spent(account, model, purpose, usage)

    def spent_until(self, account: str) -> int:
        """See Spender."""
        budget = self._budgets.get(account)
        if budget is None:
            return 0
        today = self.spending.today(account)
        spent = self._known(account, today)
        return today.ends_ms if stage_of(budget, spent) is Stage.SPENT else 0

    def used(self) -> Mapping[str, float]:
        """How much of today's budgets is used up, as far as it is known here; 1 for all."""
        parts = {
            account: used_of(budget, self._known(account, self.spending.today(account)))
            for account, budget in self._budgets.items()
        }
        return {account: part for account, part in parts.items() if part is not None}

    async def look(self) -> None:
        """Writes, reads what all processes have spent, and tells people of what is news.

        Raises StoreError.
        """
        await self.write()
        if not self._budgets:
            self._unread = {}
            return
        days = {account: self.spending.today(account) for account in self._budgets}
        since = min(day.name for day in days.values())
        rows = await self._store.usage(since, self._budgets.keys())
        self._unread = {}
        read = _by_day(rows)
        for account, day in days.items():
            self._read[account] = (day.name, read.get((account, day.name), Spent()))
        for account, day in days.items():
            await self._told(account, day)

    async def write(self) -> None:
        """Adds to the store what is not there. Raises StoreError."""
        rows = self.spending.take()
        before, self._unread = self._unread, _by_day(rows, self._unread)
        if rows:
            try:
                await self._store.add_usage(rows)
            except BaseException:
                self._unread = before
                self.spending.give_back(rows)
                raise
        await self._forget()

    def _known(self, account: str, day: Day) -> Spent:
        """What is spent of the day, as far as it is known here."""
        read_day, spent = self._read.get(account, ("", Spent()))
        if read_day != day.name:
            spent = Spent()
        unread = self._unread.get((account, day.name), Spent())
        return spent + unread + self.spending.pending(account, day.name)

    async def _told(self, account: str, day: Day) -> None:
        budget, (_, spent) = self._budgets[account], self._read[account]
        stage = stage_of(budget, spent)
        if self._tell is None or stage is Stage.WITHIN:
            return
        if not await self._store.budget_told(account, day.name, int(stage)):
            return
        _log.warning("daily_budget", account=account, day=day.name, percent=int(stage))
        self._tell(
            BudgetNotice(
                account=account,
                day=day.name,
                stage=stage,
                spent=spent,
                budget=budget,
                at_ms=self._clock(),
            )
        )

    async def _forget(self) -> None:
        """Once a day: sums that are older than anybody looks at."""
        today = self.spending.today("").name
        if self._forgotten == today:
            return
        before = date.fromisoformat(today) - timedelta(days=KEPT_DAYS)
        await self._store.forget_usage(before.isoformat())
        self._forgotten = today

    async def _run(self) -> None:
        last = False
        while not last:
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._stop.wait()
            last = self._stop.is_set()
            try:
                await self.look()
            except StoreError as error:
                _log.warning("usage_not_written_yet", error=type(error).__name__)


def _by_day(
    rows: Iterable[UsageRow], before: Mapping[tuple[str, str], Spent] = MappingProxyType({})
) -> Mapping[tuple[str, str], Spent]:
    """What the rows come to by account and day, added to what was ``before``."""
    sums = dict(before)
    for row in rows:
        key = (row.account, row.day)
        sums[key] = sums.get(key, Spent()) + spent_in((row,))
    return sums


def open_budgets(
    settings: Settings, store: ModelUsage, clock: Callable[[], int], tell: Tells | None = None
) -> Budgets:
    """The budgets and prices of the settings; ``async with`` runs it."""
    accounts = settings.accounts_by_id()
    spending = Spending(settings.prices, accounts.get, clock)
    return Budgets(spending, store, accounts.values(), clock=clock, tell=tell)
