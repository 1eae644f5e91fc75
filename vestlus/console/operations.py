"""Operations of ``/api/v1``: declared once, served and described from the same declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vestlus.console.api import ApiRefusal, Gate, PersonHandler, answer
from vestlus.console.entries import written
from vestlus.console.noting import Noted
from vestlus.console.people import Person, Role
from vestlus.console.tools import Tools
from vestlus.finishing import to_its_end
from vestlus.store.operator_rows import DONE, FAILED, AuditEntry

API: Final = "/api/v1"


class Shape(BaseModel):
    """What a query, a body or an answer is like. Unknown keys are refused in what comes in."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is not the one that was wished for."""

    status: HTTPStatus
    #: A stable word.
    error: str
    meaning: str

    def refusal(self, *problems: str) -> ApiRefusal:
        """To be raised; says what to mend."""
        return ApiRefusal(self.status, self.error, *(problems or (self.meaning,)))


#: Of every operation that is given a query or a body.
INVALID: Final = Fault(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid",
    "all that is wrong, each line beginning with its key",
)


@dataclass(frozen=True)
class Call:
    """One request for an operation, checked."""

    request: Request
    tools: Tools
    person: Person
    query: Any
    body: Any
    #: The operation's word in the audit, empty for what only reads.
    action: str = ""
    noted: Noted = field(default_factory=Noted)

    def param(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def entry(self, action: str, outcome: str = DONE) -> AuditEntry:
        """What the audit says of the caller, and of what was noted."""
        return AuditEntry(
            self.tools.clock(),
            self.person.name,
            self.person.role.word,
            self.person.way,
            action,
            self.noted.target,
            outcome,
            self.noted.detail,
            account=self.noted.account,
        )


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked of the API.

    ``query``, ``body`` and ``answer`` are models; ``answer`` is also None (204), or ``bytes`` for
    a :class:`~starlette.responses.Response` that the handler makes itself. ``action`` is the word
    of an act in the audit; what only reads has none. A handler returns the answer's model or what
    validates as one.
    """

    method: str
    #: Below ``/api/v1``, with names in braces.
    path: str
    #: The operation's id, as ``listConversations``.
    id: str
    summary: str
    handler: Handler
    answer: type[BaseModel | bytes] | None
    role: Role = Role.VIEWER
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    action: str = ""
    faults: tuple[Fault, ...] = ()
    #: What each name of the path is.
    params: dict[str, str] = field(default_factory=dict)
    tag: str = ""
    #: The handler checks the body by itself, with words of its own; it gets a dictionary.
    raw_body: bool = False
    #: The media type of a body that is no JSON. The handler reads it, with an end to its size.
    media_type: str = ""


def routes(operations: Sequence[Operation], gate: Gate, tools: Tools) -> list[Route]:
    """The operations, behind the gate. Whatever else is asked for below their path is not there."""
    by_path: dict[str, dict[str, PersonHandler]] = {}
    for one in operations:
        by_path.setdefault(f"{API}{one.path}", {})[one.method] = _served(one, gate, tools)
    # A name in a path takes everything: "/posts/next" comes before "/posts/{id}".
    ordered = sorted(by_path, key=lambda path: path.replace("{", "\x7f"))
    return [
        *(_route(path, gate.person_only(_by_method(by_path[path]))) for path in ordered),
        *(_route(path, gate.person_only(_no_such_path)) for path in (API, f"{API}/{{rest:path}}")),
    ]


def _route(path: str, handler: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route for all methods: the handler refuses those that it does not know."""
    route = Route(path, handler)
    route.methods = set()
    return route


def _by_method(handlers: Mapping[str, PersonHandler]) -> PersonHandler:
    allowed = ", ".join(sorted(handlers))

    async def answered(request: Request, person: Person) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        handler = handlers.get(method)
        if handler is None:
            words = f"allowed here: {allowed}"
            status = HTTPStatus.METHOD_NOT_ALLOWED
            raise ApiRefusal(status, "method_not_allowed", words, headers={"allow": allowed})
        return await handler(request, person)

    return answered


async def _no_such_path(_: Request, __: Person) -> Response:
    words = f"{API}/openapi.json says what there is"
    raise ApiRefusal(HTTPStatus.NOT_FOUND, "no_such_path", words)


def _served(one: Operation, gate: Gate, tools: Tools) -> PersonHandler:
    async def answered(request: Request, person: Person) -> Response:
        if person.role < one.role:
            words = f"needs the role {one.role.word}"
            raise ApiRefusal(HTTPStatus.FORBIDDEN, "forbidden", words)
        wanted = one.body is not None and not one.media_type
        body = await gate.body(request) if wanted else None
        call = Call(
            request=request,
            tools=tools,
            person=person,
            query=_checked(one.query, _query(request)),
            action=one.action,
            body=body if one.raw_body else _checked(one.body if wanted else None, body),
        )
        done = to_its_end(_acted(one, call)) if one.action else one.handler(call)
        return _answer(one, await done)

    return answered


async def _acted(one: Operation, call: Call) -> Any:  # noqa: ANN401 - whatever the model takes
    try:
        value = await one.handler(call)
    except ApiRefusal as refusal:
        await _audit(one, call, refusal.error)
        raise
    except Exception:
        # Some of it may be done.
        await _audit(one, call, FAILED)
        raise
    if not call.noted.written:
        await _audit(one, call, DONE)
    return value


def _answer(one: Operation, value: Any) -> Response:  # noqa: ANN401 - whatever the model takes
    if isinstance(value, Response):
        return value
    if one.answer is None:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if not issubclass(one.answer, BaseModel):
        raise TypeError(f"{one.id} must answer with a response")
    told = value if isinstance(value, BaseModel) else one.answer.model_validate(value)
    response: JSONResponse = answer(told.model_dump(mode="json"), one.status)
    return response


def _query(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in request.query_params:
        found = request.query_params.getlist(name)
        values[name] = found if len(found) > 1 else found[0]
    return values


def _checked(model: type[BaseModel] | None, values: Any) -> Any:  # noqa: ANN401 - see above
    if model is None:
        return None
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        )
        raise ApiRefusal(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", *problems) from error


async def _audit(one: Operation, call: Call, outcome: str) -> None:
    await written(call.tools, call.entry(one.action, outcome))
