"""An account's access token as the store keeps it. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TokenState(StrEnum):
    """What is known of a token."""

    USABLE = "usable"
    #: Graph did not accept it when it was last used.
    REJECTED = "rejected"
    #: Nothing is called with it, by the account owner's wish; see :mod:`vestlus.accounts.stopping`.
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One account's token. ``token`` is encrypted; the store cannot read it."""

    account: str
    #: 1 for the first row of an account, and one more with every change of it.
    version: int
    token: bytes
    #: Digest of the value in the settings that was current when this token was taken; empty
    #: where there was none.
    seed: str = ""
    username: str = ""
    state: TokenState = TokenState.USABLE
    #: Why it is rejected, or why it could not be refreshed; a stable word.
    reason: str = ""
    obtained_ms: int = 0
    #: 0 while it is not known: Meta tells it only with an exchange or a refresh.
    expires_ms: int = 0
    #: Refreshes that failed since the last one that succeeded, and when the last one did.
    failures: int = 0
    failed_ms: int = 0
    #: The id by which this app knows the account, which Meta's callbacks name; empty where unknown.
    app_scoped_id: str = ""
