"""Taking tokens from the settings, refreshing them, and finding that they work again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from vestlus.accounts.cipher import TokenCipher, TokenUnreadable
from vestlus.accounts.rules import (
    DAY_MS,
    RefreshRules,
    is_alarming,
    may_be_too_young,
    not_refreshed,
    refreshed,
    seeded,
)
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import GraphError, Refused, TokenRejected
from vestlus.instagram.graph_answers import Me
from vestlus.instagram.token_api import LongLivedToken
from vestlus.store.port import Tokens
from vestlus.store.token_rows import TokenRow, TokenState

_log = structlog.get_logger(__name__)


class TokenCalls(Protocol):
    """What is asked of Meta. See :class:`~vestlus.instagram.token_api.TokenApi`."""

    async def refresh(self, token: str) -> LongLivedToken:
        """A token that lives longer. Raises the GraphError family."""
        ...

    async def me(self, token: str) -> Me:
        """Whose token it is. Raises the GraphError family."""
        ...


class TokenRefresher:
    """What is done with one token at a time. Anybody may, at any time: a row is replaced only by
    its next version, so a refresh that was slower than a person's `accounts connect` changes
    nothing.

    A refresh that fails says so in the log as ``token_refresh_failed``: a warning, and an error
    once the token is about to end or does not work.
    """

    def __init__(
        self,
        *,
        store: Tokens,
        calls: TokenCalls,
        cipher: TokenCipher,
        values: Mapping[str, str],
        clock: Clock,
        rules: RefreshRules | None = None,
    ) -> None:
        """``values`` has the tokens of the settings, by account."""
        self._store = store
        self._calls = calls
        self._cipher = cipher
        self._values = values
        self._clock = clock
        self._rules = rules or RefreshRules()

    async def take_from_settings(self) -> None:
        """Puts the settings' tokens into the store where they are new. Raises StoreUnavailable."""
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

    async def refresh(self, row: TokenRow) -> TokenRow | None:
        """Refreshes one token now; returns a row that tells how it went, which is kept unless the
        token was only too young.

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

    async def check(self, row: TokenRow) -> None:
        """Sees whether Graph takes a token, and notes it where that is news: a password may have
        been changed, and an owner may have answered Instagram's questions since.

        Raises StoreUnavailable.
        """
        scoped = row.app_scoped_id
        try:
            me = await self._calls.me(self._cipher.decrypt(row.account, row.token))
        except TokenUnreadable:
            state, reason = TokenState.REJECTED, "token_unreadable"
        except TokenRejected as error:
            state, reason = TokenState.REJECTED, error.reason
        except GraphError:
            return  # it says nothing about the token
        else:
            state, reason, scoped = TokenState.USABLE, "", me.id
        if state is row.state and scoped == row.app_scoped_id:
            return
        after = replace(
            row,
            version=row.version + 1,
            state=state,
            reason=reason if state is not row.state else row.reason,
            app_scoped_id=scoped,
        )
        if not await self._store.put_token(after) or state is row.state:
            return
        if state is TokenState.USABLE:
            _log.info("token_works_again", account=row.account)
        else:
            _log.error("token_rejected", account=row.account, reason=reason)

    async def _failed(
        self, row: TokenRow, reason: str, *, rejected: bool, perhaps_young: bool = False
    ) -> TokenRow | None:
        now_ms = self._clock()
        after = not_refreshed(row, reason=reason, rejected=rejected, now_ms=now_ms)
        young = perhaps_young and may_be_too_young(row, now_ms, self._rules)
        if young and row.expires_ms:
            # Asked for by hand, long before it is due: nothing is wrong with the token.
            return after
        if not await self._store.put_token(after):
            return None
        left = round((row.expires_ms - now_ms) / DAY_MS, 1) if row.expires_ms else None
        if young:
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
