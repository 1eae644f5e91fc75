"""The searches for missed messages of a partition's accounts, and who asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import structlog

from publishers.lane import Lane
from publishers.missed import MissedSearch
from publishers.missed_reading import SearchParts
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus.clock import Clock
from vestlus.messages import SearchRequest
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)


class Searches:
    """Gives each account's lane its search. Without ``parts`` there are none."""

    def __init__(
        self,
        parts: SearchParts | None,
        *,
        lease: Lease,
        clock: Clock,
        rules: SendingRules,
        tally: Tally,
    ) -> None:
        self._parts = parts
        self._lease = lease
        self._clock = clock
        self._rules = rules
        self._tally = tally
        self._lanes: dict[str, Lane] = {}
        #: What was asked for before the lanes were there: a bell may ring so early.
        self._early: list[SearchRequest] = []

    async def restored(self) -> int:
        """When the store was restored from a backup; 0 for never, and where nothing is searched."""
        return await self._parts.store.restored() if self._parts is not None else 0

    def begin(self, lane_of: Callable[[str], Lane], restored_ms: int) -> None:
        """Begins to look for missed messages of the accounts that this partition serves.

        They send nothing before they were looked through from ``restored_ms`` on.
        """
        if self._parts is None:
            return
        for account in self._parts.accounts:
            lane = self._lanes[account] = lane_of(account)
            lane.readings.search = MissedSearch(
                account,
                lease=self._lease,
                parts=self._parts,
                clock=self._clock,
                rules=self._rules,
                tally=self._tally,
                restored_ms=restored_ms,
            )
            lane.changed.set()
        early, self._early = self._early, []
        self.ask(early)

    def heard(self, accounts: Collection[str]) -> None:
        """Users of these accounts are being answered: their webhooks come."""
        for account in accounts:
            lane = self._lanes.get(account)
            if lane is not None and lane.readings.search is not None:
                lane.readings.search.heard()
                lane.changed.set()

    def suspect(self, sign: str) -> None:
        """Webhooks of any account may have been lost."""
        now_ms = self._clock()
        self.ask(
            SearchRequest(account=account, since_ms=now_ms, sign=sign)
            for account in (self._parts.accounts if self._parts else ())
        )

    def ask(self, requests: Iterable[SearchRequest]) -> None:
        """Somebody wants missed messages to be looked for; of other accounts nobody can."""
        for request in requests:
            if self._parts is None or request.account not in self._parts.accounts:
                _log.warning("no_such_account_to_search", account=request.account)
                continue
            lane = self._lanes.get(request.account)
            if lane is None or lane.readings.search is None:
                self._early.append(request)
                continue
            if request.sign:
                lane.readings.search.suspect(request.sign)
            else:
                lane.readings.search.ask(request.since_ms)
            lane.changed.set()
