"""Signing in with the operator token, and out again."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from vestlus.console import sessions
from vestlus.console.forms import LARGEST_FORM, read_form
from vestlus.console.guarding import (
    LANGUAGE_COOKIE,
    SIGN_IN,
    Done,
    Guard,
    Visit,
    language_of,
    local,
    text,
)
from vestlus.console.people import TOKEN_ROLE, Person, Role
from vestlus.console.rendering import rendered
from vestlus.console.tools import Tools
from vestlus.console.words import LANGUAGES, known, words

#: Characters of a name in the audit.
LONGEST_NAME: Final = 60
#: Seconds that a chosen language is remembered.
_A_YEAR: Final = 365 * 24 * 60 * 60


class SigningIn:
    """The pages before anybody is known."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        return [
            Route(SIGN_IN, self._guard.open(self._ask), methods=["GET"]),
            Route(SIGN_IN, self._guard.open(self._sign_in), methods=["POST"]),
            Route("/console/language/{code}", self._choose_language, methods=["GET"]),
            self._guard.action(
                "/console/sign-out", "session.leave", self._sign_out, role=Role.VIEWER
            ),
        ]

    async def _ask(self, request: Request) -> Response:
        return self._page(request, local(request.query_params.get("next", "")))

    async def _sign_in(self, request: Request) -> Response:
        async with read_form(request, LARGEST_FORM) as form:
            name = " ".join(text(form, "name").split())[:LONGEST_NAME]
            to = local(text(form, "next"))
            given = text(form, "token").encode()
        token = self._tools.settings.operator_token
        known_token = token.get_secret_value().encode() if token else b""
        # Compared first, so that a wrong token takes as long without a name as with one.
        right = hmac.compare_digest(given, known_token) and bool(known_token)
        if not (right and name):
            return self._page(request, to, name=name, problem="sign_in.wrong")
        person = Person(name, TOKEN_ROLE, "token")
        value = await sessions.begin(self._tools.store, person, self._tools.clock())
        response = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        sessions.hand_out(response, request, value)
        return response

    async def _sign_out(self, visit: Visit, _: object) -> Done:
        await sessions.end(self._tools.store, visit.session, visit.now_ms)
        return Done(SIGN_IN)

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

    def _page(self, request: Request, to: str, *, name: str = "", problem: str = "") -> Response:
        language = language_of(request)
        if self._tools.settings.operator_token is None:
            problem = "sign_in.nobody"
        return rendered(
            "sign_in.html",
            language,
            now_ms=self._tools.clock(),
            zone=ZoneInfo("UTC"),
            status=HTTPStatus.FORBIDDEN if problem else HTTPStatus.OK,
            to=to,
            name=name,
            problem=words(language, problem) if known(problem) else "",
            person=None,
            path=f"{SIGN_IN}?{urlencode({'next': to})}",
        )
