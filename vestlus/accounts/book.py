"""The accounts' tokens as one process knows them, read anew from the store all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from vestlus.accounts.cipher import TokenCipher, TokenUnreadable
from vestlus.errors import StoreUnavailable
from vestlus.store.port import Tokens
from vestlus.store.token_rows import TokenRow, TokenState

_log = structlog.get_logger(__name__)

#: Between two looks at the store: a new token is in use within this time.
POLL_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Known:
    """A row with its token in plain text, which is empty where it cannot be read."""

    row: TokenRow
    token: str = field(default="", repr=False)


class TokenBook:
    """Gives the current token of each account: the store's, or else the one in the settings.

    :meth:`read` looks once, :meth:`run` for ever. ``renewed`` hears of an account whose token is
    another one, or works again. What Graph rejects is handed to :meth:`rejected`, and noted in the
    store for whoever looks after accounts.
    """

    def __init__(
        self,
        *,
        store: Tokens,
        cipher: TokenCipher,
        values: Mapping[str, str],
        renewed: Callable[[str], None],
    ) -> None:
        """``values`` has the tokens of the settings, by account."""
        self._store = store
        self._cipher = cipher
        self._values = values
        self._renewed = renewed
        self._known: dict[str, _Known] = {}
        #: By account, the token that Graph rejected, and why; until the store knows.
        self._rejections: dict[str, tuple[str, str]] = {}
        self._read_once = False

    def token_of(self, account: str) -> str:
        """The account's token at this moment. Raises LookupError where it has none."""
        known = self._known.get(account)
        if known is not None and known.row.state is TokenState.STOPPED:
            raise LookupError("the account is stopped")
        token = (known.token if known else "") or self._values.get(account, "")
        if not token:
            raise LookupError("the account has no token")
        return token

    def rejected(self, account: str, token: str, reason: str) -> None:
        """Notes that Graph did not accept a token; the store is told with the next reading."""
        self._rejections[account] = (token, reason)

    async def read(self) -> None:
        """Reads the tokens of all accounts, and tells the store what was rejected.

        Raises StoreUnavailable; then what was known stays in use.
        """
        rows = await self._store.tokens()
        await self._note_rejections({row.account: row for row in rows})
        first, self._read_once = not self._read_once, True
        for row in rows:
            before = self._known.get(row.account)
            if before is not None and before.row.version == row.version:
                continue
            after = self._known[row.account] = _Known(row, self._in_plain_text(row))
            works_again = before is not None and (
                before.row.state is not TokenState.USABLE and row.state is TokenState.USABLE
            )
            differs = after.token != (before.token if before else "")
            if not first and (differs or works_again):
                _log.info("token_taken_up", account=row.account)
                self._renewed(row.account)

    async def run(self) -> None:
        """Reads for ever; while the store is away, what is known stays in use."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.read()
            except StoreUnavailable:
                _log.warning("tokens_not_read")

    async def _note_rejections(self, rows: Mapping[str, TokenRow]) -> None:
        for account, (token, reason) in tuple(self._rejections.items()):
            row = rows.get(account)
            kept = self._in_plain_text(row) if row is not None else ""
            if row is not None and kept == token:
                if row.state is TokenState.USABLE:
                    rejected = replace(
                        row, version=row.version + 1, state=TokenState.REJECTED, reason=reason
                    )
                    # Unless somebody changed it meanwhile: then it is not this one any more.
                    await self._store.put_token(rejected)
            elif token != (kept or self._values.get(account)):
                # The answer to a request from before the renewal: it stopped the account, and the
                # token of now was not tried.
                self._renewed(account)
            # Another may have come while the store answered.
            if self._rejections.get(account) == (token, reason):
                del self._rejections[account]

    def _in_plain_text(self, row: TokenRow) -> str:
        try:
            return self._cipher.decrypt(row.account, row.token)
        except TokenUnreadable:
            return ""
