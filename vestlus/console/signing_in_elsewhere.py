"""Signing in at a provider of OpenID Connect: the way there, the way back, and out of it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from vestlus.console import sessions
from vestlus.console.addresses import console_address, local
from vestlus.console.entries import written
from vestlus.console.guarding import SIGN_IN, Guard
from vestlus.console.oidc.directory import Directory
from vestlus.console.oidc.errors import NotLetIn, ProviderAway, ProviderUnfit
from vestlus.console.oidc.flow import FLOW, FLOW_SECONDS, Flow, Seal, begun
from vestlus.console.oidc.redeeming import Answer, address_to, redeemed
from vestlus.console.oidc.roles import name_of, role_of
from vestlus.console.people import Person
from vestlus.console.rendering import rendered
from vestlus.console.tools import Tools
from vestlus.console.visits import language_of
from vestlus.console.words import known, words
from vestlus.measuring.catalogue import SIGN_IN_REFUSALS, of
from vestlus.settings_sign_in import Provider
from vestlus.store.operator_rows import AuditEntry, ConsoleSession

_log = structlog.get_logger(__name__)

_OUT: Final = "/console/sign-out"


class Elsewhere:
    """The providers of ``[sign_in.oidc]``."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard
        self._seal = Seal(tools.settings)
        self._directories = {
            one.name: Directory(one, tools.clock) for one in tools.settings.sign_in.oidc
        }

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        served = (
            (f"{SIGN_IN}/{{name}}", self._leave),
            (f"{SIGN_IN}/{{name}}/back", self._come_back),
            (f"{_OUT}/{{name}}", self._leave_for_good),
        )
        return [Route(path, self._guard.open(handler), methods=["GET"]) for path, handler in served]

    def provider_of(self, session: ConsoleSession) -> Provider | None:
        """Where somebody signed in."""
        grounds = self._guard.grounds
        every = self._tools.settings.sign_in.oidc
        return next((one for one in every if grounds.of(one) == session.grounds), None)

    async def let_in(self, request: Request, arrival: sessions.Arrival, to: str) -> Response:
        """Signs somebody in and leads on. Whatever session the browser had before is over."""
        store = self._tools.store
        before = await self._guard.visit(request)
        if before is not None:
            await sessions.end(store, before.session, before.now_ms)
        value = await sessions.begin(store, arrival, self._tools.clock())
        response = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        sessions.hand_out(response, request, value)
        return response

    def _directory(self, request: Request) -> Directory:
        found = self._directories.get(request.path_params["name"])
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return found

    async def _leave(self, request: Request) -> Response:
        directory = self._directory(request)
        name = directory.provider.name
        base = console_address(request, self._tools.settings)
        to = local(request.query_params.get("next", ""))
        flow = begun(name, f"{base}{SIGN_IN}/{name}/back", to)
        try:
            address = await address_to(directory, flow)
        except (ProviderAway, ProviderUnfit) as error:
            return self._failed(request, directory.provider, error)
        response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
        sealed = self._seal.sealed(flow, self._tools.clock())
        sessions.set_cookie(response, request, FLOW, sealed, seconds=FLOW_SECONDS)
        return response

    async def _come_back(self, request: Request) -> Response:
        directory = self._directory(request)
        try:
            response = await self._redeemed(request, directory)
        except (NotLetIn, ProviderAway, ProviderUnfit) as error:
            if isinstance(error, NotLetIn):
                await self._note(error)
            response = self._failed(request, directory.provider, error)
        # A way is gone once.
        sessions.take_back(response, request, FLOW)
        return response

    async def _redeemed(self, request: Request, directory: Directory) -> Response:
        provider, query = directory.provider, request.query_params
        answer = Answer(
            query.get("code", ""),
            query.get("state", ""),
            query.get("error", ""),
            query.get("iss", ""),
        )
        flow = self._flow(request, provider, answer)
        claims = await redeemed(directory, flow, answer, self._tools.clock)
        person = Person(name_of(claims), role_of(claims, provider), "oidc")
        arrival = sessions.Arrival(
            person, self._guard.grounds.of(provider), _subject(provider, claims)
        )
        return await self.let_in(request, arrival, flow.to)

    def _flow(self, request: Request, provider: Provider, answer: Answer) -> Flow:
        """The way that this browser began. Raises NotLetIn."""
        cookie = request.cookies.get(sessions.cookie_name(request, FLOW), "")
        flow = self._seal.opened(cookie, self._tools.clock())
        if flow is None or flow.provider != provider.name:
            raise NotLetIn("not_begun")
        if not hmac.compare_digest(flow.state.encode(), answer.state.encode()):
            raise NotLetIn("not_begun")
        return flow

    async def _leave_for_good(self, request: Request) -> Response:
        """To the provider's own page for signing out (OpenID Connect RP-Initiated Logout 1.0)."""
        directory = self._directory(request)
        try:
            metadata = await directory.metadata()
        except (ProviderAway, ProviderUnfit) as error:
            return self._failed(request, directory.provider, error)
        if not metadata.end_session_endpoint:
            return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        back = f"{console_address(request, self._tools.settings)}{SIGN_IN}"
        query = {"client_id": directory.provider.client_id, "post_logout_redirect_uri": back}
        mark = "&" if "?" in metadata.end_session_endpoint else "?"
        address = f"{metadata.end_session_endpoint}{mark}{urlencode(query)}"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)

    async def _note(self, error: NotLetIn) -> None:
        """Counts it. Who proved who they are and is not let in stands in the audit besides."""
        of(SIGN_IN_REFUSALS, "oidc", error.reason).inc()
        if not error.who:
            return
        now_ms = self._tools.clock()
        entry = AuditEntry(now_ms, error.who, "", "oidc", "session.begin", outcome=error.reason)
        await written(self._tools, entry)

    def _failed(
        self, request: Request, provider: Provider, error: NotLetIn | ProviderAway | ProviderUnfit
    ) -> Response:
        _log.warning(
            "sign_in_failed",
            provider=provider.name,
            kind=type(error).__name__,
            reason=error.reason,
        )
        language = language_of(request)
        if isinstance(error, NotLetIn):
            status, key = HTTPStatus.FORBIDDEN, f"sign_in.why.{error.reason}"
            who = error.who
        else:
            status, who = HTTPStatus.SERVICE_UNAVAILABLE, ""
            key = f"sign_in.why.{'away' if isinstance(error, ProviderAway) else 'unfit'}"
        key = key if known(key) else "sign_in.why.id_token"
        return rendered(
            "told.html",
            language,
            now_ms=self._tools.clock(),
            zone=ZoneInfo("UTC"),
            status=status,
            title=words(language, "sign_in.failed"),
            why=words(language, key, provider=provider.label, who=who),
            back=SIGN_IN,
            back_says=words(language, "sign_in.again"),
            path=SIGN_IN,
            person=None,
        )


def _subject(provider: Provider, claims: Mapping[str, Any]) -> str:
    """A digest of who it is there: neither name nor address, which change, and are personal."""
    return sha256(f"{provider.issuer}\x00{claims['sub']}".encode()).hexdigest()
