"""Keeps the store's tokens fresh: by time and not by use, in one process at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from vestlus.accounts.refreshing import TokenRefresher
from vestlus.accounts.rules import RefreshRules, refresh_is_due
from vestlus.clock import Clock
from vestlus.errors import StoreUnavailable
from vestlus.store.names import TOKENS
from vestlus.store.port import Leases, Tokens
from vestlus.store.rows import Lease, Member
from vestlus.store.token_rows import TokenRow, TokenState

_log = structlog.get_logger(__name__)

#: Between two looks at what is due.
ROUND_SECONDS: Final = 5.0
#: How long the right to refresh outlives its holder. One request takes 10 s at most, and the right
#: is renewed before each.
LEASE_SECONDS: Final = 20.0
#: Between two looks at whether Graph takes a token that it rejected: what blocked it may have been
#: lifted.
RECHECK_SECONDS: Final = 300.0
#: The same for one that worked: an account to which nobody writes has no sends that would tell.
CHECK_SECONDS: Final = 6 * 3600.0


class KeeperStore(Leases, Tokens, Protocol):
    """What the keeper needs of the store."""


class TokenKeeper:
    """Puts the settings' tokens into the store, and refreshes those that are due, for ever.

    Whoever holds the lease ``tokens`` does it. That lease saves Meta calls and doubled alarms; what
    keeps rivals from each other's rows is the refresher. A refresh that failed is tried again.
    """

    def __init__(
        self,
        *,
        store: KeeperStore,
        member: Member,
        refresher: TokenRefresher,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        rules: RefreshRules | None = None,
    ) -> None:
        self._store = store
        self._member = member
        self._refresher = refresher
        self._clock = clock
        self._monotonic = monotonic
        self._rules = rules or RefreshRules()
        self._lease: Lease | None = None
        self._checked: dict[str, float] = {}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Rounds until :meth:`stop`; a round in which the store is away is only put off."""
        while not self._stop.is_set():
            try:
                await self.round()
            except StoreUnavailable:
                _log.warning("tokens_not_kept")
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._stop.wait()

    def stop(self) -> None:
        """Begins no more refreshes. One under way should be waited for: its answer is the only
        copy of a token.
        """
        self._stop.set()

    async def round(self) -> None:
        """Does what is due, if this process may. Raises StoreUnavailable."""
        taken_over = self._lease is None
        if not await self._may():
            return
        if taken_over:
            await self._refresher.take_from_settings()
        for row in await self._store.tokens():
            if self._stop.is_set():
                return
            refresh = refresh_is_due(row, self._clock(), self._rules)
            if not (refresh or self._check_is_due(row)):
                continue
            if not await self._may():
                return
            self._checked[row.account] = self._monotonic()
            if refresh:
                await self._refresher.refresh(row)
            else:
                await self._refresher.check(row)

    async def _may(self) -> bool:
        """Whether this process holds the lease, renewed just now."""
        if self._lease is not None:
            kept = await self._store.renew([self._lease], self._member, LEASE_SECONDS)
            if self._lease.name in kept:
                return True
        self._lease = (await self._store.acquire([TOKENS], self._member, LEASE_SECONDS)).get(TOKENS)
        return self._lease is not None

    async def release(self) -> None:
        """Lets somebody else go on at once. Raises StoreUnavailable."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await self._store.release([lease], self._member)

    def _check_is_due(self, row: TokenRow) -> bool:
        if row.state is TokenState.STOPPED:
            return False
        seconds = RECHECK_SECONDS if row.state is TokenState.REJECTED else CHECK_SECONDS
        checked = self._checked.get(row.account)
        return checked is None or self._monotonic() - checked >= seconds
