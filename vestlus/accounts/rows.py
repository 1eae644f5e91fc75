"""One account's row among the tokens."""

from __future__ import annotations

from vestlus.store.port import Tokens
from vestlus.store.token_rows import TokenRow


async def row_of(store: Tokens, account: str) -> TokenRow | None:
    """``None`` where nobody has given the account a token. Raises StoreUnavailable."""
    return next((one for one in await store.tokens() if one.account == account), None)
