"""Stopping an account, because its owner took the app's rights away, and starting it again.

Nothing is called with a stopped account's token: nothing is sent, published, looked for or
refreshed. What users write is recorded, should Meta still bring it, and what is decided waits in
the ledger until its window closes. A new token, connected or in the settings, starts it too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import structlog

from vestlus.accounts.rows import row_of
from vestlus.errors import StoreUnavailable
from vestlus.store.port import Tokens
from vestlus.store.token_rows import TokenRow, TokenState

_log = structlog.get_logger(__name__)

#: Why an account is stopped.
DEAUTHORISED: Final = "deauthorised"
DELETION_ASKED: Final = "deletion_asked"

#: How often a row is written anew that others change at the same time.
_TRIES: Final = 5


async def stop_account(
    store: Tokens, account: str, reason: str, *, forget_token: bool = False
) -> bool:
    """Stops an account within two seconds; False where nobody has given it a token.

    Its PublisherActor makes no further request. ``forget_token``: the token goes too, and only a
    new one starts the account again. Raises StoreUnavailable; nothing is promised then.
    """

    def stopped(row: TokenRow) -> TokenRow:
        token = b"" if forget_token else row.token
        return replace(row, state=TokenState.STOPPED, reason=reason, token=token)

    for _ in range(_TRIES):
        row = await row_of(store, account)
        if row is None:
            return False
        if await store.put_token(replace(stopped(row), version=row.version + 1)):
            _log.error("account_stopped", account=account, reason=reason)
            return True
    raise StoreUnavailable("the account's token kept changing")


async def start_account(store: Tokens, account: str) -> bool:
    """Starts a stopped account with the token that it had; False where it is not stopped, or has
    none any more. Raises StoreUnavailable.
    """
    for _ in range(_TRIES):
        row = await row_of(store, account)
        if row is None or row.state is not TokenState.STOPPED or not row.token:
            return False
        after = replace(row, version=row.version + 1, state=TokenState.USABLE, reason="")
        if await store.put_token(after):
            return True
    raise StoreUnavailable("the account's token kept changing")
