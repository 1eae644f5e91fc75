"""A small provider of OpenID Connect that is served over HTTP: it does what RFC 6749, RFC 7636 and
OpenID Connect Core ask of one, or what a test makes it do instead.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from vestlus.clock import Clock

CLIENT: Final = "vestlus-console"
SECRET: Final = "the provider's secret for us"


class OidcProvider:
    """One provider. Whoever is sent to it is signed in at once, as ``person``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.issuer = ""
        self.person: dict[str, Any] = {
            "sub": "subject-1",
            "name": "Mari Maasikas",
            "email": "mari@example.ee",
            "roles": ["Vestlus.Agent"],
        }
        self.key = RSAKey.generate_key(2048, {"kid": "key-1"})
        #: What signs, where that is not the published key.
        self.signer: RSAKey | OctKey | None = None
        #: Changes what a token says, before it is signed.
        self.claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        #: Makes the whole token, where no signer would.
        self.token: Callable[[dict[str, Any]], str] | None = None
        self.algorithm = "RS256"
        self.is_away = False
        self.metadata: dict[str, Any] = {}
        #: Paths that were asked for.
        self.asked: list[str] = []
        self._codes: dict[str, Mapping[str, str]] = {}

    def application(self) -> web.Application:
        """What is served."""
        served = web.Application(middlewares=[self._noted])
        served.router.add_get("/.well-known/openid-configuration", self._describe)
        served.router.add_get("/keys", self._show_keys)
        served.router.add_get("/authorize", self._authorize)
        served.router.add_post("/token", self._redeem)
        served.router.add_get("/logout", self._log_out)
        return served

    @web.middleware
    async def _noted(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.is_away:
            raise web.HTTPServiceUnavailable
        response: web.StreamResponse = await handler(request)
        return response

    async def _describe(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/logout",
                # As some do.
                "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
                **self.metadata,
            }
        )

    async def _show_keys(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: web.Request) -> web.Response:
        query = request.query
        fit = (
            query["client_id"] == CLIENT
            and query["response_type"] == "code"
            and query["code_challenge_method"] == "S256"
            and "openid" in query["scope"].split()
        )
        if not fit:
            raise web.HTTPBadRequest
        code = secrets.token_urlsafe(16)
        self._codes[code] = dict(query)
        back = urlencode({"code": code, "state": query["state"], "iss": self.issuer})
        raise web.HTTPFound(f"{query['redirect_uri']}?{back}")

    async def _redeem(self, request: web.Request) -> web.Response:
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {known}":
            return web.json_response({"error": "invalid_client"}, status=401)
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)
        verifier = str(form.get("code_verifier", "")).encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != digest
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        answer = {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self._id_token(asked["nonce"]),
        }
        return web.json_response(answer)

    def _id_token(self, nonce: str) -> str:
        now = self.clock() // 1000
        claims = self.claims(
            {
                "iss": self.issuer,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 3600,
                "nonce": nonce,
                **self.person,
            }
        )
        if self.token is not None:
            return self.token(claims)
        header = {"alg": self.algorithm, "kid": self.key.kid}
        signer = self.signer or self.key
        return jwt.encode(header, claims, signer, algorithms=[self.algorithm])

    async def _log_out(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["post_logout_redirect_uri"])


@asynccontextmanager
async def provided(clock: Clock) -> AsyncIterator[OidcProvider]:
    """A provider on a free port of this machine."""
    provider = OidcProvider(clock)
    runner = web.AppRunner(provider.application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        provider.issuer = f"http://{host}:{port}"
        yield provider
    finally:
        await runner.cleanup()
