"""Signing in at a provider, under way: what is remembered of it, in a sealed cookie.

The cookie binds what comes back to the browser that began (RFC 6749, 10.12), keeps the nonce and
the PKCE verifier, and is worth nothing after ten minutes. No row is kept of who only began.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from vestlus.console.grounds import key_for
from vestlus.settings import Settings

FLOW: Final = "vestlus-flow"
FLOW_SECONDS: Final = 10 * 60


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to a provider and back."""

    provider: str
    state: str
    nonce: str
    verifier: str
    #: Where the provider sends the browser back to.
    back: str
    #: The page to show then.
    to: str


def begun(provider: str, back: str, to: str) -> Flow:
    """A new one."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(provider, state, nonce, verifier, back, to)


class Seal:
    """Seals flows, with a key of their own."""

    def __init__(self, settings: Settings) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key_for(settings, "sign-in flows")))

    def sealed(self, flow: Flow, at_ms: int) -> str:
        """The cookie's value."""
        plain = json.dumps(asdict(flow)).encode()
        return self._fernet.encrypt_at_time(plain, at_ms // 1000).decode()

    def opened(self, value: str, at_ms: int) -> Flow | None:
        """What was sealed within the last ten minutes; None for anything else."""
        try:
            plain = self._fernet.decrypt_at_time(value.encode(), FLOW_SECONDS, at_ms // 1000)
            return Flow(**json.loads(plain))
        except (InvalidToken, ValueError, TypeError):  # not ours, or of another version
            return None
