"""The queues of a partition's accounts, and how much of each account's backlog is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from publishers.lane import Lane
from publishers.rate import AccountBudget
from publishers.rules import SendingRules
from vestlus.clock import Clock
from vestlus.store.ledger import SendState
from vestlus.store.rows import Origin, SendRow


class Lanes(Mapping[str, Lane]):
    """Lanes by account.

    Memory is bounded for each account apart, so that no backlog crowds out another account. Of
    an account that is stopped only one waiting row is kept, for the next probe, and those whose
    windows are about to close; the others stay in the ledger until the account goes on.
    """

    def __init__(
        self,
        rules: SendingRules,
        clock: Clock,
        monotonic: Callable[[], float],
        *,
        stopped: Callable[[Lane], None],
        opened: Callable[[], None],
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._monotonic = monotonic
        self._on_stopped = stopped
        self._opened = opened
        self._since = monotonic()
        self._lanes: dict[str, Lane] = {}

    def __getitem__(self, account: str) -> Lane:
        return self._lanes[account]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lanes)

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def in_flight(self) -> int:
        """Rows whose attempt is under way."""
        return sum(lane.in_flight for lane in self._lanes.values())

    @property
    def waiting(self) -> int:
        """Rows in memory that wait for their turn."""
        return sum(lane.waiting for lane in self._lanes.values())

    @property
    def looking(self) -> int:
        """Ambiguous sends."""
        return sum(len(lane.readings.looks) for lane in self._lanes.values())

    def held_up_seconds(self) -> float:
        """How long the oldest row has been due that only this process or the store holds up."""
        now_ms = self._clock()
        return max((lane.held_up_seconds(now_ms) for lane in self._lanes.values()), default=0.0)

    def new(self, account: str) -> Lane:
        """Makes the lane of an account."""
        budget = AccountBudget(
            self._rules.limits_of(account).calls, self._monotonic, since=self._since
        )
        lane = Lane(account, budget, self._rules, stopped=self._on_stopped, opened=self._opened)
        self._lanes[account] = lane
        return lane

    def dying_ms(self) -> int:
        """Windows that close before this time are waited for in memory, milliseconds.

        Two sweeps ahead, so that a sweep that comes late misses none.
        """
        return self._clock() + round(2000 * self._rules.sweep_seconds)

    def has_room(self, account: str) -> bool:
        """Whether one more row of the account should be taken into memory."""
        lane = self._lanes.get(account)
        return lane is None or lane.has_room(self._clock())

    def takes(self, row: SendRow) -> bool:
        """Whether a row should be taken into memory, as it stands in the ledger."""
        lane = self._lanes.get(row.account)
        if lane is None or row.deadline_ms < self.dying_ms():
            return True
        if row.state is SendState.PENDING:
            # Of what people write there is never much; the bot's backlog must not keep it out.
            is_person = row.origin is Origin.PERSON and not lane.stopped
            return is_person or lane.takes(row, self._clock())
        # Looking goes on while an account may not send: echoes arrive all the same.
        return len(lane.readings.looks) < self._rules.known

    def without_room(self) -> set[str]:
        """The accounts of which no more rows should be read."""
        now_ms = self._clock()
        return {account for account, lane in self._lanes.items() if not lane.has_room(now_ms)}

    def stopped(self) -> set[str]:
        """The accounts that may not send, or are only tried; one row each is in memory."""
        return {account for account, lane in self._lanes.items() if lane.stopped}

    def is_busy(self, account: str) -> bool:
        """Whether an account can do without more rows for a moment: it has some, or is stopped."""
        lane = self._lanes.get(account)
        return lane is not None and bool(lane.waiting or lane.in_flight or lane.stopped)
