"""How often the operator token may be guessed, counted by all replicas together.

After OWASP's "Slow Down Online Guessing Attacks with Device Cookies": a browser that signed in
before has a count of its own, so that no stranger's guesses keep it out. Programs have no such
cookie: the API counts wrong tokens alone, and refuses all that comes from an address with too many.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vestlus.clock import Clock
from vestlus.console import guesses
from vestlus.console.addresses import source
from vestlus.console.grounds import Grounds, key_for
from vestlus.console.guesses import Buckets, Guesses, Try
from vestlus.console.sessions import cookie_name, set_cookie
from vestlus.settings import Settings
from vestlus.store.port import Store

KNOWN: Final = "vestlus-known"
_KNOWN_SECONDS: Final = 90 * 24 * 60 * 60
#: Wrong tokens that a replica knows again.
_REMEMBERED: Final = 1_000


class Throttle:
    """The limits of signing in with the token."""

    def __init__(self, settings: Settings, grounds: Grounds, clock: Clock) -> None:
        self._settings = settings
        self._grounds = grounds
        self._key = key_for(settings, "sign-in tries")
        self._guesses = Guesses(clock)

    async def admit(self, store: Store, request: Request) -> Try:
        """Counts a try, before anything is compared. Raises StoreUnavailable."""
        return await self._guesses.admit(store, self._buckets(request))

    async def forgive(self, store: Store, tried: Try) -> None:
        """The try was right."""
        await store.forgive_try(tried.id)

    def know(self, request: Request, response: Response) -> None:
        """Gives the browser a count of its own from now on."""
        mark = secrets.token_urlsafe(16)
        value = f"{mark}.{self._sealed(mark)}"
        set_cookie(response, request, KNOWN, value, seconds=_KNOWN_SECONDS)

    def _buckets(self, request: Request) -> Buckets:
        mark, _, seal = request.cookies.get(cookie_name(request, KNOWN), "").partition(".")
        if mark and hmac.compare_digest(seal.encode(), self._sealed(mark).encode()):
            return ((self._name(f"browser {mark}"), guesses.MOST_OF_ONE),)
        address = source(request, self._settings)
        return _of_strangers(self._key, address)

    def _sealed(self, mark: str) -> str:
        """Holds for as long as the token with which the browser signed in."""
        return self._name(f"known {mark} {self._grounds.token}")

    def _name(self, text: str) -> str:
        return _digest(self._key, text)


class BearerThrottle:
    """The limits of guessing the token at the API. A right token costs no call of the store."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._key = key_for(settings, "wrong bearers")
        self._guesses = Guesses(clock)
        # Keyed digests, in memory only; the one that came last stands last.
        self._counted: dict[str, None] = {}

    def locked_ms(self, request: Request) -> int:
        """Until when nothing is compared that comes from there, for all that this replica knows;
        0 where it is compared.

        Where it cannot be told where requests come from, a right token is let in whatever others
        guess: else any stranger could keep all programs out.
        """
        address = source(request, self._settings)
        return self._guesses.full_ms(_of_strangers(self._key, address)[:1]) if address else 0

    async def wrong(self, store: Store, request: Request, given: bytes) -> int:
        """Counts a wrong token. Until when there is no room for another, 0 where there was room for
        this one. Raises StoreUnavailable.

        One that comes again is no guess, and counts once in each replica: a program that goes on
        with an old token shuts nobody out. What there is no room for among all strangers counts at
        its address all the same: else whoever filled that count could guess there without end.
        """
        digest = hmac.new(self._key, given, "sha256").hexdigest()
        known = digest in self._counted
        # At once: it may come again while the store is asked.
        self._remember(digest)
        if known:
            return 0
        counted = False
        try:
            for bucket in _of_strangers(self._key, source(request, self._settings)):
                # One by one: that all strangers have no room is held against no address.
                tried = await self._guesses.admit(store, (bucket,))
                if tried.again_ms:
                    return tried.again_ms
                counted = True
        finally:
            if not counted:
                self._counted.pop(digest, None)
        return 0

    def _remember(self, digest: str) -> None:
        self._counted.pop(digest, None)
        if len(self._counted) >= _REMEMBERED:
            self._counted.pop(next(iter(self._counted)))
        self._counted[digest] = None


def _of_strangers(key: bytes, address: str | None) -> Buckets:
    all_ = (_digest(key, "strangers"), guesses.MOST_OF_ALL)
    # Where nobody can tell them apart, they are only counted together.
    return ((_digest(key, f"from {address}"), guesses.MOST_OF_ONE), all_) if address else (all_,)


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()
