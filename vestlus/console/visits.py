"""One request of somebody who is signed in, and what may come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Final
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from vestlus.console.addresses import HOME, asked_for
from vestlus.console.content import page_zone
from vestlus.console.noting import Noted
from vestlus.console.people import Person, Role
from vestlus.console.rendering import rendered
from vestlus.console.tools import Tools
from vestlus.console.words import LANGUAGES, USUAL, Language, known, words
from vestlus.store.operator_rows import DONE, AuditEntry, ConsoleSession

LANGUAGE_COOKIE: Final = "vestlus_language"


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request
    tools: Tools
    session: ConsoleSession
    person: Person
    noted: Noted = field(default_factory=Noted)

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

    def entry(
        self, action: str, target: str = "", *, outcome: str = DONE, detail: str = ""
    ) -> AuditEntry:
        """What the audit says of something that they do."""
        who = self.person
        return AuditEntry(
            self.now_ms,
            who.name,
            who.role.word,
            who.way,
            action,
            target,
            outcome,
            detail,
            account=self.noted.account,
        )

    def page(
        self,
        template: str,
        *,
        zone: ZoneInfo | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> HTMLResponse:
        """A page from a template. Times are shown in ``zone``, or else as :func:`page_zone` says
        of all accounts.
        """
        notice, problem = self.query("notice"), self.query("problem")
        return rendered(
            template,
            self.language,
            now_ms=self.now_ms,
            zone=zone or page_zone(self.tools.settings),
            status=status,
            visit=self,
            person=self.person,
            csrf=self.session.csrf,
            path=self.request.scope["path"],
            frame_address=asked_for(self.request),
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
        self, problem: str, to: str = HOME, target: str = "", page: Response | None = None
    ) -> None:
        super().__init__(problem)
        self.page = page
        self.problem = problem
        self.to = to
        self.target = target


def language_of(request: Request) -> Language:
    """The language that was chosen, or else the first that the browser asks for and we know."""
    ranges = request.headers.get("accept-language", "").split(",")
    asked = (one.partition(";")[0].strip().partition("-")[0].lower() for one in ranges)
    for word in (request.cookies.get(LANGUAGE_COOKIE, ""), *asked):
        if word in LANGUAGES:
            return LANGUAGES[word]
    return USUAL


def text(form: FormData, name: str) -> str:
    """The text of that field, without space around it; empty where there is none."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""
