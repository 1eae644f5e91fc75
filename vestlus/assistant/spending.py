"""Counts what calls of models take: tokens and money, by account, model and purpose."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import NamedTuple, Protocol

from vestlus.assistant.token_usage import TokenUsage
from vestlus.conversation.budget import Day, Spent, day_at
from vestlus.settings_account import DEFAULT_ZONE, Account
from vestlus.settings_prices import Price, Prices
from vestlus.store.usage_rows import UsageRow


class Purpose(StrEnum):
    """What a model was called for. Moderation is not among them: it costs nothing."""

    #: Pictures that a user sent, and what the model thought, are part of it.
    ANSWER = "answer"
    SUMMARY = "summary"
    CAPTION = "caption"
    #: Vectors, of questions and of what they are compared with.
    EMBEDDING = "embedding"


class Labels(NamedTuple):
    """What a sum is of."""

    account: str
    model: str
    purpose: str


class Count(NamedTuple):
    """What was taken since the process started."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0
    unpriced: int = 0


class Spender(Protocol):
    """Is told of each call of a model that was answered, and says whether there may be more."""

    def spent(
        self, account: str, model: str, purpose: Purpose, usage: TokenUsage | None
    ) -> int | None:
        """Counts a call; what it cost, in billionths, ``None`` where there is no price. ``usage``
        is ``None`` where the server does not say. Returns at once.
        """
        ...

    def spent_until(self, account: str) -> int:
        """Until when the account may spend nothing more, milliseconds since 1970; 0 if it may."""
        ...


class Nobody:
    """Counts nothing: for commands that try a model out."""

    def spent(
        self, account: str, model: str, purpose: Purpose, usage: TokenUsage | None
    ) -> int | None:
        """See Spender."""
        del account, model, purpose, usage
        return None

    def spent_until(self, account: str) -> int:
        """See Spender."""
        del account
        return 0


_payer: ContextVar[str] = ContextVar("vestlus payer", default="")


@contextmanager
def paid_by(account: str) -> Iterator[None]:
    """Whose calls those are that are made meanwhile by what serves several accounts at once.

    Work that was begun for one account and is waited for by others is paid by the first.
    """
    token = _payer.set(account)
    try:
        yield
    finally:
        _payer.reset(token)


def payer() -> str:
    """Whose a call is that is made now; empty when it is nobody's."""
    return _payer.get()


class Spending:
    """The sums of this process: since its start, and of what is in the store not yet.

    ``clock``: milliseconds since 1970. Touched by the tasks of one loop only.
    """

    def __init__(
        self, prices: Prices, account_of: Callable[[str], Account | None], clock: Callable[[], int]
    ) -> None:
        self._prices: Mapping[str, Price] = prices.models
        self._account_of = account_of
        self._clock = clock
        self._since_start: dict[Labels, Count] = {}
        #: By account and day: each account's are asked for by themselves.
        self._pending: dict[tuple[str, str], dict[Labels, Count]] = {}
        self._days: dict[str, Day] = {}

    def spent(
        self, account: str, model: str, purpose: Purpose, usage: TokenUsage | None
    ) -> int | None:
        """See Spender."""
        taken = usage or TokenUsage()
        price = self._prices.get(model)
        cost: int | None = None
        if price is not None and usage is not None:
            cost = price.cost_nano(
                input_tokens=taken.input, cached_tokens=taken.cached, output_tokens=taken.output
            )
        count = Count(1, taken.input, taken.cached, taken.output, cost or 0, int(cost is None))
        labels = Labels(account, model, str(purpose))
        _add(self._since_start, labels, count)
        self._add_pending(labels, self.today(account).name, count)
        return cost

    def today(self, account: str) -> Day:
        """The day that it is for an account."""
        now_ms, day = self._clock(), self._days.get(account)
        if day is None or not day.has(now_ms):
            found = self._account_of(account)
            day = day_at(now_ms, found.timezone if found else DEFAULT_ZONE)
            self._days[account] = day
        return day

    def counts(self) -> Mapping[Labels, Count]:
        """What was taken since the start, for measures: a copy."""
        return dict(self._since_start)

    def pending(self, account: str, day: str) -> Spent:
        """What of a day is not in the store yet."""
        return spent_in(self._pending.get((account, day), {}).values())

    def take(self) -> tuple[UsageRow, ...]:
        """Hands over what is not in the store yet, to be written there."""
        rows = tuple(
            UsageRow(day=day, **labels._asdict(), **count._asdict())
            for (_, day), counts in self._pending.items()
            for labels, count in counts.items()
        )
        self._pending.clear()
        return rows

    def give_back(self, rows: tuple[UsageRow, ...]) -> None:
        """What could not be written is to be written later."""
        for row in rows:
            labels = Labels(row.account, row.model, row.purpose)
            self._add_pending(labels, row.day, _count_of(row))

    def _add_pending(self, labels: Labels, day: str, more: Count) -> None:
        _add(self._pending.setdefault((labels.account, day), {}), labels, more)


def spent_in(rows: Iterable[UsageRow | Count]) -> Spent:
    """What several sums come to."""
    total = Spent()
    for row in rows:
        tokens = row.input_tokens + row.output_tokens
        total += Spent(row.calls, tokens, row.cost_nano, row.unpriced)
    return total


def _count_of(row: UsageRow) -> Count:
    return Count(*(getattr(row, name) for name in Count._fields))


def _add(sums: dict[Labels, Count], key: Labels, more: Count) -> None:
    known = sums.get(key)
    if known is not None:
        # Made anew, not changed: whoever has read the sums keeps what they were.
        more = Count(*map(operator.add, known, more))
    sums[key] = more
