"""The way into each page and action: who is it, may they, did their own page send this, and what
came of it, in the audit.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from vestlus.console import sessions
from vestlus.console.addresses import asked_for, is_own, local
from vestlus.console.entries import written
from vestlus.console.failing import Failing
from vestlus.console.forms import LARGEST_FORM, read_form
from vestlus.console.grounds import Grounds
from vestlus.console.live import Following, ended_at_once
from vestlus.console.people import Role
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.finishing import to_its_end
from vestlus.store.operator_rows import DONE, FAILED, ConsoleSession

SIGN_IN: Final = "/console/sign-in"
_FORBIDDEN: Final = "forbidden"

Page = Callable[[Visit], Awaitable[Response]]
Action = Callable[[Visit, FormData], Awaitable[Done]]
Asked = Callable[[Visit, FormData], Awaitable[Response]]
Posted = Callable[[Visit, FormData, AsyncExitStack], Awaitable[Response]]
Open = Callable[[Request], Awaitable[Response]]


class Guard:
    """Makes routes of pages and actions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._failing = Failing(tools)
        self.grounds: Final = Grounds(tools.settings)

    def page(
        self, path: str, handler: Page, role: Role = Role.VIEWER, *, action: str = ""
    ) -> Route:
        """A page for those who have that role, or what a page asks for by itself: a fragment, a
        stream of events. Whoever is not signed in is asked to.

        ``action`` is the word in the audit of what gives something out: who is refused, and what
        fails, is there. What is given out the handler has written before; where it is not to be, it
        raises Refusal.
        """

        async def answered(request: Request) -> Response:
            visit = await self.visit(request)
            if visit is None:
                return self._unknown(request)
            if not visit.may(role):
                await self._refused(visit, action, _FORBIDDEN)
                return _forbidden(visit, role)
            response = await (self._given_out(visit, action, handler) if action else handler(visit))
            if isinstance(response, Following):
                response.ends_unless(lambda: self._still(visit, role))
            return response

        return Route(path, self._failing.safely(answered), methods=["GET"])

    def asking(self, path: str, handler: Asked, role: Role = Role.VIEWER) -> Route:
        """A page that a form asks for, since what is asked must stand in no address: proxies and
        browsers keep those. Nothing is done by it, so it is not in the audit.

        The form carries the session's ``csrf``.
        """

        async def shown(visit: Visit, form: FormData, _: AsyncExitStack) -> Response:
            return await handler(visit, form)

        return self._posted(path, shown, role, LARGEST_FORM)

    def action(
        self,
        path: str,
        action: str,
        handler: Action,
        *,
        role: Role = Role.AGENT,
        limit: int = LARGEST_FORM,
    ) -> Route:
        """What a form does, for those who have that role. ``action`` is its word in the audit;
        ``limit`` is the form's largest size in bytes.

        The form carries the session's ``csrf``, and an upload is gone when the handler is done.
        """

        async def acted(visit: Visit, form: FormData, held: AsyncExitStack) -> Response:
            return await to_its_end(self._act(visit, action, handler, form, held.pop_all()))

        return self._posted(path, acted, role, limit, action)

    def open(self, handler: Open) -> Open:
        """What anybody may ask for; what it raises becomes a page."""
        return self._failing.safely(handler)

    async def visit(self, request: Request) -> Visit | None:
        """Who it is; None for whoever is not signed in, or not any more."""
        tools = self._tools
        session = await sessions.find(
            tools.store,
            self.grounds,
            request.cookies,
            sessions.cookie_name(request),
            tools.clock(),
            used=not _by_itself(request),
        )
        if session is None:
            return None
        return Visit(request, tools, session, sessions.person_of(session))

    def _posted(
        self, path: str, handler: Posted, role: Role, limit: int, action: str = ""
    ) -> Route:
        """What a page of ours posts. Who is refused is in the audit where there is an ``action``;
        the form is closed behind the handler, unless the handler takes that over.
        """

        async def answered(request: Request) -> Response:
            visit = await self.visit(request)
            if visit is None:
                return self._unknown(request)
            if not visit.may(role):
                await self._refused(visit, action, _FORBIDDEN)
                return _forbidden(visit, role)
            async with AsyncExitStack() as held:
                form = await held.enter_async_context(read_form(request, limit))
                if not is_own(request, self._tools.settings) or not _has_mark(form, visit.session):
                    await self._refused(visit, action, "forged")
                    return _told(visit, HTTPStatus.FORBIDDEN, "frame.stale", "frame.stale_why")
                return await handler(visit, form, held)

        return Route(path, self._failing.safely(answered), methods=["POST"])

    async def _still(self, visit: Visit, role: Role) -> bool:
        found = await self.visit(visit.request)
        return found is not None and found.may(role)

    def _unknown(self, request: Request) -> Response:
        """For whoever is not signed in."""
        if "text/event-stream" in request.headers.get("accept", ""):
            return ended_at_once()
        if "hx-request" in request.headers:
            return PlainTextResponse("not signed in\n", HTTPStatus.UNAUTHORIZED)
        asked = asked_for(request)
        if request.method == "POST":
            # Where the form was: what it did cannot be asked for again.
            asked = _path_of(request.headers.get("referer", ""))
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': local(asked)})}", 303)

    async def _act(
        self, visit: Visit, action: str, handler: Action, form: FormData, held: AsyncExitStack
    ) -> Response:
        try:
            async with held:
                done = await handler(visit, form)
        except Refusal as refusal:
            return await self._not_done(visit, action, refusal)
        except Exception:
            await self._failed(visit, action)
            raise
        if not visit.noted.written:
            await self._audit(visit, action, done.target, detail=done.detail)
        return _onwards(done.to, notice=done.notice)

    async def _given_out(self, visit: Visit, action: str, handler: Page) -> Response:
        try:
            return await handler(visit)
        except Refusal as refusal:
            return await self._not_done(visit, action, refusal)
        except Exception:
            await self._failed(visit, action)
            raise

    async def _refused(self, visit: Visit, action: str, outcome: str) -> None:
        """Somebody who may not do it; nothing to note where there is no ``action``."""
        if action:
            await self._audit(visit, action, outcome=outcome)

    async def _not_done(self, visit: Visit, action: str, refusal: Refusal) -> Response:
        await self._audit(visit, action, refusal.target or visit.noted.target, refusal.problem)
        if refusal.page is not None:
            return refusal.page
        return _onwards(refusal.to, problem=refusal.problem)

    async def _failed(self, visit: Visit, action: str) -> None:
        """Some of it may be done."""
        noted = visit.noted
        await self._audit(visit, action, noted.target, FAILED, detail=noted.detail)

    async def _audit(
        self, visit: Visit, action: str, target: str = "", outcome: str = DONE, detail: str = ""
    ) -> None:
        await written(self._tools, visit.entry(action, target, outcome=outcome, detail=detail))


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:  # no address of a page's
        return ""


def _by_itself(request: Request) -> bool:
    """Whether a page asks, and not its reader: fragments and streams of events."""
    if request.method == "POST":
        return False
    stream = "text/event-stream" in request.headers.get("accept", "")
    return stream or "hx-request" in request.headers


def _has_mark(form: FormData, session: ConsoleSession) -> bool:
    return hmac.compare_digest(text(form, "csrf").encode(), session.csrf.encode())


def _forbidden(visit: Visit, needed: Role) -> Response:
    return visit.page(
        "told.html",
        status=HTTPStatus.FORBIDDEN,
        title=visit.words("frame.forbidden"),
        why=visit.words(
            "frame.forbidden_why",
            role=visit.words(f"frame.role.{visit.person.role.word}"),
            needed=visit.words(f"frame.role.{needed.word}"),
        ),
    )


def _told(visit: Visit, status: HTTPStatus, title: str, why: str) -> Response:
    return visit.page("told.html", status=status, title=visit.words(title), why=visit.words(why))


def _onwards(to: str, **told: str) -> RedirectResponse:
    path, hash_, fragment = local(to).partition("#")
    mark = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{mark}{urlencode(told)}{hash_}{quote(fragment)}", 303)
