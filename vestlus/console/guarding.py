"""The way into each page and action: who is it, may they, did their own page send this, and what
came of it, in the audit.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import structlog
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from image_bank.errors import StorageUnavailable
from vestlus.console import sessions
from vestlus.console.forms import LARGEST_FORM, FormTooLarge, read_form
from vestlus.console.people import Person, Role
from vestlus.console.rendering import rendered
from vestlus.console.tools import Tools
from vestlus.console.words import LANGUAGES, USUAL, Language, known, words
from vestlus.errors import BusUnavailable, StoreUnavailable
from vestlus.store.operator_rows import AuditEntry, ConsoleSession

_log = structlog.get_logger(__name__)

LANGUAGE_COOKIE: Final = "vestlus_language"
SIGN_IN: Final = "/console/sign-in"
_HOME: Final = "/console"


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request
    tools: Tools
    session: ConsoleSession
    person: Person

    @cached_property
    def language(self) -> Language:
        """The page's language."""
        return language_of(self.request)

    @cached_property
    def now_ms(self) -> int:
        """When the request came."""
        return self.tools.clock()

    def param(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """A value of the query, empty where there is none."""
        return self.request.query_params.get(name, "")

    def words(self, key: str, **values: object) -> str:
        """What is said in the page's language."""
        return words(self.language, key, **values)

    def may(self, role: Role) -> bool:
        """Whether they may do what needs that role."""
        return self.person.role >= role

    def page(
        self,
        template: str,
        *,
        zone: ZoneInfo | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> HTMLResponse:
        """A page from a template. Times are shown in ``zone``, UTC unless one is given."""
        notice, problem = self.query("notice"), self.query("problem")
        return rendered(
            template,
            self.language,
            now_ms=self.now_ms,
            zone=zone or ZoneInfo("UTC"),
            status=status,
            visit=self,
            person=self.person,
            csrf=self.session.csrf,
            path=self.request.url.path,
            notice=self.words(notice) if known(notice) else "",
            problem=self.words(problem) if known(problem) else "",
            Role=Role,
            **values,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """An action was done. ``to`` is the page to show then, ``notice`` the key of what it says.

    ``target`` and ``detail`` go into the audit: never what somebody wrote, nor a user's id.
    """

    to: str
    target: str = ""
    notice: str = "frame.done"
    detail: str = ""


class Refusal(Exception):
    """An action cannot be done. ``problem`` is the key of the words that say why, shown on the
    page ``to``; the audit says it too.

    With ``page`` that is the answer instead: the form again, as it was filled in.
    """

    def __init__(
        self, problem: str, to: str = _HOME, target: str = "", page: Response | None = None
    ) -> None:
        super().__init__(problem)
        self.page = page
        self.problem = problem
        self.to = to
        self.target = target


Page = Callable[[Visit], Awaitable[Response]]
Action = Callable[[Visit, FormData], Awaitable[Done]]


def language_of(request: Request) -> Language:
    """The language that was chosen, or else the first that the browser asks for and we know."""
    ranges = request.headers.get("accept-language", "").split(",")
    asked = (one.partition(";")[0].strip().partition("-")[0].lower() for one in ranges)
    for word in (request.cookies.get(LANGUAGE_COOKIE, ""), *asked):
        if word in LANGUAGES:
            return LANGUAGES[word]
    return USUAL


def local(path: str) -> str:
    """That path where it leads to a page of the console, else the overview: no address that
    somebody put into a link leads elsewhere.
    """
    parts = urlsplit(path)
    # Browsers read a backslash as a slash: "/\\host" is another host.
    ours = path == _HOME or path.startswith((f"{_HOME}/", f"{_HOME}?"))
    plain = "\\" not in path and path.isprintable()
    return path if ours and plain and not parts.scheme and not parts.netloc else _HOME


class Guard:
    """Makes routes of pages and actions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def page(self, path: str, handler: Page, role: Role = Role.VIEWER) -> Route:
        """A page for those who have that role. Whoever is not signed in is asked to."""

        async def answered(request: Request) -> Response:
            visit = await self._visit(request)
            if visit is None:
                asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': asked})}", 303)
            if not visit.may(role):
                return _forbidden(visit, role)
            return await handler(visit)

        return Route(path, self._safely(answered), methods=["GET"])

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

        async def answered(request: Request) -> Response:
            visit = await self._visit(request)
            if visit is None:
                return RedirectResponse(SIGN_IN, 303)
            if not visit.may(role):
                await self._audit(visit, action, outcome="forbidden")
                return _forbidden(visit, role)
            async with read_form(request, limit) as form:
                if not _is_own(request) or not _has_mark(form, visit.session):
                    await self._audit(visit, action, outcome="forged")
                    return _told(visit, HTTPStatus.FORBIDDEN, "frame.stale", "frame.stale_why")
                return await self._act(visit, action, handler, form)

        return Route(path, self._safely(answered), methods=["POST"])

    def open(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """What anybody may ask for; what it raises becomes a page."""
        return self._safely(handler)

    async def _act(self, visit: Visit, action: str, handler: Action, form: FormData) -> Response:
        try:
            done = await handler(visit, form)
        except Refusal as refusal:
            await self._audit(visit, action, refusal.target, refusal.problem)
            if refusal.page is not None:
                return refusal.page
            return _onwards(refusal.to, problem=refusal.problem)
        await self._audit(visit, action, done.target, detail=done.detail)
        return _onwards(done.to, notice=done.notice)

    async def _audit(
        self, visit: Visit, action: str, target: str = "", outcome: str = "done", detail: str = ""
    ) -> None:
        who = visit.person
        await self._tools.store.audit(
            AuditEntry(
                visit.now_ms, who.name, who.role.word, who.way, action, target, outcome, detail
            )
        )

    async def _visit(self, request: Request) -> Visit | None:
        name = sessions.cookie_name(request)
        tools = self._tools
        session = await sessions.find(tools.store, request.cookies, name, tools.clock())
        if session is None:
            return None
        return Visit(request, tools, session, sessions.person_of(session))

    def _safely(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except (StoreUnavailable, BusUnavailable, StorageUnavailable) as error:
                _log.warning("console_cannot", reason=type(error).__name__)
                return self.told(
                    request, HTTPStatus.SERVICE_UNAVAILABLE, "frame.away", "frame.away_why"
                )
            except FormTooLarge as error:
                limit = f"{error.limit // 1024} KiB"
                status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                title, why = "frame.too_large", "frame.too_large_why"
                return self.told(request, status, title, why, limit=limit)
            except HTTPException as error:
                status = HTTPStatus(error.status_code)
                return self.told(request, status, "frame.not_found", "frame.not_found_why")

        return answered

    def told(
        self, request: Request, status: HTTPStatus, title: str, why: str, **values: object
    ) -> HTMLResponse:
        """A page that says something to whoever it is."""
        language = language_of(request)
        return rendered(
            "told.html",
            language,
            now_ms=self._tools.clock(),
            zone=ZoneInfo("UTC"),
            status=status,
            title=words(language, title),
            why=words(language, why, **values),
            path=request.url.path,
            person=None,
        )


def upload(form: FormData, name: str) -> UploadFile | None:
    """The file of that field, if one was chosen."""
    value = form.get(name)
    return value if isinstance(value, UploadFile) and value.filename else None


def text(form: FormData, name: str) -> str:
    """The text of that field, without space around it; empty where there is none."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _is_own(request: Request) -> bool:
    """Whether a page of ours sent it, as the browser says (the Fetch standard, "Origin")."""
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return False
    return urlsplit(origin).netloc == request.headers.get("host")


def _has_mark(form: FormData, session: ConsoleSession) -> bool:
    return hmac.compare_digest(text(form, "csrf").encode(), session.csrf.encode())


def _forbidden(visit: Visit, needed: Role) -> HTMLResponse:
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


def _told(visit: Visit, status: HTTPStatus, title: str, why: str) -> HTMLResponse:
    return visit.page("told.html", status=status, title=visit.words(title), why=visit.words(why))


def _onwards(to: str, **told: str) -> RedirectResponse:
    path, hash_, fragment = local(to).partition("#")
    mark = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{mark}{urlencode(told)}{hash_}{quote(fragment)}", 303)
