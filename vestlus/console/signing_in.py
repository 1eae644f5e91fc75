"""Signing in with the operator token, out again, and the page that offers all ways in."""

from __future__ import annotations

import hmac
import math
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from vestlus.console import sessions
from vestlus.console.addresses import is_own, local
from vestlus.console.forms import LARGEST_FORM, read_form
from vestlus.console.guarding import SIGN_IN, Guard
from vestlus.console.people import TOKEN_ROLE, Person, Role
from vestlus.console.refusals import LOCKED, WRONG, Refusals
from vestlus.console.rendering import rendered
from vestlus.console.signing_in_elsewhere import Elsewhere
from vestlus.console.throttle import Throttle
from vestlus.console.tools import Tools
from vestlus.console.visits import LANGUAGE_COOKIE, Done, Visit, language_of, text
from vestlus.console.words import LANGUAGES, words

#: Characters of a name in the audit.
LONGEST_NAME: Final = 60
#: Seconds that a chosen language is remembered.
_A_YEAR: Final = 365 * 24 * 60 * 60
_MINUTE_MS: Final = 60_000


class SigningIn:
    """The pages before anybody is known."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard
        self._sign_in = tools.settings.sign_in
        self._throttle = Throttle(tools.settings, guard.grounds, tools.clock)
        self._refusals = Refusals("token", "session.begin", tools.clock)
        self._elsewhere = Elsewhere(tools, guard)

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            Route(SIGN_IN, self._guard.open(self._ask), methods=["GET"]),
            Route(SIGN_IN, self._guard.open(self._with_token), methods=["POST"]),
            *self._elsewhere.routes,
            Route(
                "/console/language/{code}",
                self._guard.open(self._choose_language),
                methods=["GET"],
            ),
            self._guard.action(
                "/console/sign-out", "session.leave", self._sign_out, role=Role.VIEWER
            ),
        ]

    async def _ask(self, request: Request) -> Response:
        to = local(request.query_params.get("next", ""))
        return self._page(request, to, left=request.query_params.get("left", ""))

    async def _with_token(self, request: Request) -> Response:
        settings = self._tools.settings
        async with read_form(request, LARGEST_FORM) as form:
            name = _name(text(form, "name"))
            to = local(text(form, "next"))
            given = text(form, "token").encode()
        token = settings.operator_token
        if token is None or not self._sign_in.token:
            return self._page(request, to, status=HTTPStatus.FORBIDDEN)
        if not is_own(request, settings):
            # Another site's form would sign its own name in for whoever looks at it.
            return self._page(request, to, "sign_in.forged", HTTPStatus.FORBIDDEN)
        store = self._tools.store
        tried = await self._throttle.admit(store, request)
        if tried.again_ms:
            await self._refusals.note(store, LOCKED)
            return self._locked(request, to, tried.again_ms)
        # Compared first, so that a wrong token takes as long without a name as with one.
        right = hmac.compare_digest(given, token.get_secret_value().encode())
        if not (right and name):
            if not right:
                await self._refusals.note(store, WRONG)
            return self._page(request, to, "sign_in.wrong", HTTPStatus.FORBIDDEN, name=name)
        await self._throttle.forgive(store, tried)
        person = Person(name, TOKEN_ROLE, "token")
        response = await self._elsewhere.let_in(
            request, sessions.Arrival(person, self._guard.grounds.token), to
        )
        self._throttle.know(request, response)
        return response

    def _locked(self, request: Request, to: str, again_ms: int) -> Response:
        left_ms = again_ms - self._tools.clock()
        response = self._page(
            request,
            to,
            "sign_in.locked",
            HTTPStatus.TOO_MANY_REQUESTS,
            minutes=math.ceil(left_ms / _MINUTE_MS),
        )
        response.headers["retry-after"] = str(math.ceil(left_ms / 1000))
        return response

    async def _sign_out(self, visit: Visit, _: object) -> Done:
        await sessions.end(self._tools.store, visit.session, visit.now_ms)
        provider = self._elsewhere.provider_of(visit.session)
        return Done(f"{SIGN_IN}?{urlencode({'left': provider.name})}" if provider else SIGN_IN)

    async def _choose_language(self, request: Request) -> Response:
        to = local(request.query_params.get("next", ""))
        response = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        code = request.path_params["code"]
        if code in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE,
                code,
                max_age=_A_YEAR,
                path="/",
                secure=not sessions.is_loopback(request),
                httponly=True,
                samesite="lax",
            )
        return response

    def _page(
        self,
        request: Request,
        to: str,
        problem: str = "",
        status: HTTPStatus = HTTPStatus.OK,
        *,
        name: str = "",
        left: str = "",
        **values: object,
    ) -> Response:
        language = language_of(request)
        with_token = self._sign_in.token and self._tools.settings.operator_token is not None
        if not with_token and not self._sign_in.oidc:
            problem, status = "sign_in.nobody", HTTPStatus.FORBIDDEN
        return rendered(
            "sign_in.html",
            language,
            now_ms=self._tools.clock(),
            zone=ZoneInfo("UTC"),
            status=status,
            to=to,
            name=name,
            problem=words(language, problem, **values) if problem else "",
            person=None,
            path=f"{SIGN_IN}?{urlencode({'next': to})}",
            with_token=with_token,
            providers=self._sign_in.oidc,
            left=next((one for one in self._sign_in.oidc if one.name == left), None),
        )


def _name(text_: str) -> str:
    """A name on one line, with nothing that does not show."""
    shown = "".join(one for one in " ".join(text_.split()) if one.isprintable())
    return shown[:LONGEST_NAME].strip()
