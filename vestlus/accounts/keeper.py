"""Keeps the store's tokens fresh: by time and not by use, in one process at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from vestlus.accounts.cipher import TokenCipher, TokenUnreadable
from vestlus.accounts.rules import (
    DAY_MS,
    RefreshRules,
    is_alarming,
    may_be_too_young,
    not_refreshed,
    refresh_due_ms,
    refreshed,
    seeded,
)
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import GraphError, Refused, StoreUnavailable, TokenRejected
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.token_api import LongLivedToken
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
#: Between two tries of a token that Graph rejected: what blocked it may have been lifted.
RECHECK_SECONDS: Final = 300.0


class KeeperStore(Leases, Tokens, Protocol):
    """What the keeper needs of the store."""


class TokenCalls(Protocol):
    """What is asked of Meta. See :class:`~vestlus.instagram.token_api.TokenApi`."""

    async def refresh(self, token: str) -> LongLivedToken:
        """A token that lives longer. Raises the GraphError family."""
        ...

    async def me(self, token: str) -> Me:
        """Whose token it is. Raises the GraphError family."""
        ...


class TokenKeeper:
    """Puts the settings' tokens into the store, and refreshes those that are due, for ever.

    Whoever holds the lease ``tokens`` does it. That lease only saves Meta's calls and doubled
    alarms: what decides is that a row is replaced only by its next version, so that a refresh
    that was slower than a person's `accounts connect` changes nothing.

    A refresh that fails is tried again, and says so in the log as ``token_refresh_failed``: a
    warning, and an error once the token is about to end or does not work.
    """

    def __init__(
        self,
        *,
        store: KeeperStore,
        member: Member,
        calls: TokenCalls,
        cipher: TokenCipher,
        values: Mapping[str, str],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        rules: RefreshRules | None = None,
    ) -> None:
        """``values`` has the tokens of the settings, by account."""
        self._store = store
        self._member = member
        self._calls = calls
        self._cipher = cipher
        self._values = values
        self._clock = clock
        self._monotonic = monotonic
        self._rules = rules or RefreshRules()
        self._lease: Lease | None = None
        self._rechecked: dict[str, float] = {}

    async def run(self) -> None:
        """Rounds for ever; a round in which the store is away is only put off."""
        while True:
            try:
                await self.round()
            except StoreUnavailable:
                _log.warning("tokens_not_kept")
            await asyncio.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """Does what is due, if this process may. Raises StoreUnavailable."""
        taken_over = self._lease is None
        if not await self._may():
            return
        if taken_over:
            await self._take_from_settings()
        for row in await self._store.tokens():
            due = refresh_due_ms(row, self._rules) <= self._clock()
            recheck = row.state is TokenState.REJECTED and self._recheck_is_due(row.account)
            if not (due or recheck):
                continue
            if not await self._may():
                return
            if due:
                await self.refresh(row)
            else:
                await self._recheck(row)

    async def refresh(self, row: TokenRow) -> TokenRow | None:
        """Refreshes one token now; returns its new row, which may tell of a failure.

        None where somebody else changed it meanwhile. Raises StoreUnavailable.
        """
        try:
            gained = await self._calls.refresh(self._cipher.decrypt(row.account, row.token))
        except TokenUnreadable:
            return await self._failed(row, "token_unreadable", rejected=True)
        except GraphError as error:
            rejected = isinstance(error, TokenRejected)
            young = isinstance(error, Refused) and not rejected
            return await self._failed(row, error.reason, rejected=rejected, perhaps_young=young)
        after = refreshed(
            row,
            sealed=self._cipher.encrypt(row.account, gained.token),
            lives_ms=gained.seconds * 1000,
            now_ms=self._clock(),
        )
        # The answer is the only copy of the new token.
        if not await until_available(lambda: self._store.put_token(after)):
            _log.info("token_changed_meanwhile", account=row.account)
            return None
        _log.info("token_refreshed", account=row.account, days=gained.seconds // 86_400)
        return after

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

    async def _take_from_settings(self) -> None:
        rows = {row.account: row for row in await self._store.tokens()}
        for account, value in self._values.items():
            row = seeded(
                rows.get(account),
                account=account,
                sealed=self._cipher.encrypt(account, value),
                digest=self._cipher.digest(value),
                now_ms=self._clock(),
            )
            if row is not None and await self._store.put_token(row):
                _log.info("token_taken_from_settings", account=account)

    def _recheck_is_due(self, account: str) -> bool:
        now = self._monotonic()
        if now - self._rechecked.get(account, -RECHECK_SECONDS) < RECHECK_SECONDS:
            return False
        self._rechecked[account] = now
        return True

    async def _recheck(self, row: TokenRow) -> None:
        """A token works again when its owner has answered Instagram's questions, say."""
        try:
            await self._calls.me(self._cipher.decrypt(row.account, row.token))
        except (GraphError, TokenUnreadable):
            return
        works = replace(row, version=row.version + 1, state=TokenState.USABLE, reason="")
        if await self._store.put_token(works):
            _log.info("token_works_again", account=row.account)

    async def _failed(
        self, row: TokenRow, reason: str, *, rejected: bool, perhaps_young: bool = False
    ) -> TokenRow | None:
        now_ms = self._clock()
        after = not_refreshed(row, reason=reason, rejected=rejected, now_ms=now_ms)
        if not await self._store.put_token(after):
            return None
        left = round((row.expires_ms - now_ms) / DAY_MS, 1) if row.expires_ms else None
        if perhaps_young and may_be_too_young(row, now_ms, self._rules):
            say = _log.info
        else:
            say = _log.error if is_alarming(after, now_ms, self._rules) else _log.warning
        say(
            "token_refresh_failed",
            account=row.account,
            reason=reason,
            failures=after.failures,
            days_left=left,
        )
        return after
