"""How often the operator token may be guessed, counted by all replicas together.

After OWASP's "Slow Down Online Guessing Attacks with Device Cookies": a browser that signed in
before has a count of its own, so that no stranger's guesses keep it out.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vestlus.clock import Clock
from vestlus.console.addresses import source
from vestlus.console.grounds import Grounds, key_for
from vestlus.console.sessions import cookie_name, set_cookie
from vestlus.measuring.catalogue import of
from vestlus.measuring.catalogue_edges import TOKEN_TRIES
from vestlus.settings import Settings
from vestlus.store.operator_rows import SignInTry
from vestlus.store.port import Store

WINDOW_MS: Final = 15 * 60 * 1000
#: Wrong tries within that time from one address, of one known browser, and of all strangers.
MOST_OF_ONE: Final = 10
MOST_OF_ALL: Final = 60

KNOWN: Final = "vestlus-known"
_KNOWN_SECONDS: Final = 90 * 24 * 60 * 60

#: Full buckets that a replica remembers, so that a flood of tries does not reach the store.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Try:
    """A try of signing in: admitted where ``again_ms`` is 0, else from then on."""

    id: str
    again_ms: int


class Throttle:
    """The limits of signing in with the token."""

    def __init__(self, settings: Settings, grounds: Grounds, clock: Clock) -> None:
        self._settings = settings
        self._grounds = grounds
        self._clock = clock
        self._key = key_for(settings, "sign-in tries")
        self._full: dict[str, int] = {}

    async def admit(self, store: Store, request: Request) -> Try:
        """Counts a try, before anything is compared."""
        now_ms = self._clock()
        buckets = self._buckets(request)
        full_ms = max(self._full.get(name, 0) for name, _ in buckets)
        if full_ms > now_ms:
            of(TOKEN_TRIES, "locked").inc()
            return Try("", full_ms)
        id_ = secrets.token_urlsafe(16)
        again_ms = await store.admit_try(SignInTry(id_, now_ms, WINDOW_MS, buckets))
        of(TOKEN_TRIES, "locked" if again_ms else "admitted").inc()
        if again_ms:
            if len(self._full) >= _REMEMBERED:
                self._full.clear()
            # Which of them is full is not said; the first one is the narrower.
            self._full[buckets[0][0]] = again_ms
        return Try(id_, again_ms)

    async def forgive(self, store: Store, tried: Try) -> None:
        """The try was right."""
        await store.forgive_try(tried.id)
        of(TOKEN_TRIES, "right").inc()

    def know(self, request: Request, response: Response) -> None:
        """Gives the browser a count of its own from now on."""
        mark = secrets.token_urlsafe(16)
        value = f"{mark}.{self._sealed(mark)}"
        set_cookie(response, request, KNOWN, value, seconds=_KNOWN_SECONDS)

    def _buckets(self, request: Request) -> tuple[tuple[str, int], ...]:
        mark, _, seal = request.cookies.get(cookie_name(request, KNOWN), "").partition(".")
        if mark and hmac.compare_digest(seal.encode(), self._sealed(mark).encode()):
            return ((self._name(f"browser {mark}"), MOST_OF_ONE),)
        all_ = (self._name("strangers"), MOST_OF_ALL)
        address = source(request, self._settings.sign_in.proxies)
        # Where nobody can tell them apart, they are only counted together.
        return ((self._name(f"from {address}"), MOST_OF_ONE), all_) if address else (all_,)

    def _sealed(self, mark: str) -> str:
        """Holds for as long as the token with which the browser signed in."""
        return self._name(f"known {mark} {self._grounds.token}")

    def _name(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()
