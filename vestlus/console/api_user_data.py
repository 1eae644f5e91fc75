"""``/api/v1``: a user's data given out and erased, marks that keep them, and what is recorded."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator
from starlette.responses import Response

from vestlus.console.operations import Call, Fault, Operation, Shape
from vestlus.console.people import Role
from vestlus.desk import preserving
from vestlus.desk.moments import iso
from vestlus.desk.preserving import LONGEST_REASON, PreserveRefused, Problem
from vestlus.desk.user_data import (
    REPEATED,
    NobodyMeant,
    Wish,
    conversation_erased,
    conversation_of,
    erased,
    exported,
)
from vestlus.errors import CodeTaken, ConversationPreserved, SettingsError
from vestlus.store.erasing import ERASE, Erasure, ErasureState, Way

TAG: Final = "users' data"

Id = Annotated[str, Field(min_length=1, max_length=100)]
CodeText = Annotated[str, Field(pattern=r"^[A-Z2-7]{16}$")]

UNKNOWN: Final = Fault(
    HTTPStatus.NOT_FOUND, "no_such_conversation", "there is no such conversation"
)
PRESERVED: Final = Fault(
    HTTPStatus.CONFLICT,
    "preserved",
    "the conversation is preserved, and nothing was erased: even_preserved erases it all the same",
)
CODE_TAKEN: Final = Fault(
    HTTPStatus.CONFLICT, "code_taken", "the code is of another erasure, and nothing was erased"
)
NO_KEY: Final = Fault(
    HTTPStatus.CONFLICT, "no_key", "VESTLUS_ENCRYPTION_KEY is not set: nobody can be erased"
)
NOT_OPEN: Final = Fault(
    HTTPStatus.CONFLICT, "not_open", "no erasure of that code waits for a person"
)
NO_ERASURE: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_erasure", "there is none of that code")
CANNOT: Final = {
    problem: Fault(HTTPStatus.UNPROCESSABLE_ENTITY, str(problem), preserving.WHY[problem])
    for problem in (Problem.REASON, Problem.NO_DAY, Problem.OVER)
} | {Problem.UNKNOWN: UNKNOWN}

_CONVERSATION: Final = {"conversation": "The conversation's id."}
_CODE: Final = {"code": "The confirmation code."}


class EraseBody(Shape):
    """Whose data are to go: a conversation's, or a user's of an account.

    The second is right also where nothing is held yet: what is on its way is dropped then.
    """

    conversation: Id | None = None
    account: Id | None = None
    user: Annotated[Id | None, Field(description="As Instagram names them to this account.")] = None
    even_preserved: Annotated[
        bool, Field(description="Also what somebody preserved; its mark goes with it.")
    ] = False
    code: Annotated[
        CodeText | None,
        Field(description="Of your making: an erasure that is sent twice is done once."),
    ] = None

    @model_validator(mode="after")
    def _one_is_meant(self) -> Self:
        by_conversation = self.conversation is not None and not (self.account or self.user)
        by_user = self.conversation is None and self.account and self.user
        if not (by_conversation or by_user):
            raise ValueError("name a conversation, or both account and user")
        return self


class ErasureTold(Shape):
    """That data were erased, or are to be; nothing says whose."""

    code: str
    asked_at: str
    done_at: str | None
    way: Way
    by: str
    state: Annotated[ErasureState, Field(description="`open`: a person has to see to it.")]
    rows: Annotated[dict[str, int], Field(description="How many went, by table.")]


class ErasuresQuery(Shape):
    """Which erasures."""

    state: ErasureState | None = None
    behind: Annotated[CodeText | None, Field(description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class ErasurePage(Shape):
    """Erasures, newest first."""

    erasures: list[ErasureTold]
    next: Annotated[str | None, Field(description="`behind` of the next page; null on the last.")]


class PreserveBody(Shape):
    """Why nothing of it may go, and until when."""

    reason: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_REASON, description="Without personal data."),
    ]
    until: Annotated[
        str, Field(max_length=10, description="The last day, UTC; empty: until it is released.")
    ] = ""


class NoBody(Shape):
    """An empty object."""


async def _export(call: Call) -> Response:
    try:
        row = await conversation_of(call.tools, call.param("conversation"))
        call.noted.note(target=row.id)
        content = await exported(call.tools, row.account, row.user)
    except NobodyMeant as error:
        raise UNKNOWN.refusal() from error
    except SettingsError as error:
        raise NO_KEY.refusal() from error
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(content, media_type="application/json", headers=headers)


async def _erase(call: Call) -> dict[str, Any]:
    asked: EraseBody = call.body
    wish = Wish(
        by=call.person.name,
        way=Way.API,
        entry=call.entry(ERASE),
        even_preserved=asked.even_preserved,
        code=asked.code or "",
    )
    try:
        if asked.conversation is not None:
            done = await conversation_erased(call.tools, asked.conversation, wish)
        else:
            done = await erased(call.tools, asked.account or "", asked.user or "", wish)
    except NobodyMeant as error:
        raise UNKNOWN.refusal() from error
    except ConversationPreserved as error:
        raise PRESERVED.refusal() from error
    except CodeTaken as error:
        raise CODE_TAKEN.refusal() from error
    except SettingsError as error:
        raise NO_KEY.refusal() from error
    call.noted.written = done.is_new
    if not done.is_new:
        call.noted.note(target=done.code, detail=REPEATED)
    return _told(done)


async def _list(call: Call) -> dict[str, Any]:
    query: ErasuresQuery = call.query
    found = await call.tools.store.erasures(
        limit=query.limit + 1, state=query.state, behind=query.behind or ""
    )
    page = found[: query.limit]
    return {
        "erasures": [_told(one) for one in page],
        "next": page[-1].code if len(found) > len(page) else None,
    }


async def _show(call: Call) -> dict[str, Any]:
    found = await call.tools.store.erasure(call.param("code"))
    if found is None:
        raise NO_ERASURE.refusal()
    return _told(found)


async def _close(call: Call) -> None:
    code = call.param("code")
    known = await call.tools.store.erasure(code)
    if known is None:
        raise NO_ERASURE.refusal()
    call.noted.note(target=known.code)
    if not await call.tools.store.close_erasure(known.code, by=call.person.name):
        raise NOT_OPEN.refusal()


async def _preserve(call: Call) -> None:
    body: PreserveBody = call.body
    row = await _known(call)
    try:
        await preserving.preserve(
            call.tools, row, reason=body.reason, last_day=body.until, by=call.person.name
        )
    except PreserveRefused as refused:
        raise CANNOT[refused.problem].refusal() from refused


async def _release(call: Call) -> None:
    try:
        await preserving.release(call.tools, await _known(call))
    except PreserveRefused as refused:
        raise CANNOT[refused.problem].refusal() from refused


async def _known(call: Call) -> str:
    """The conversation's id, noted. What is none, perhaps a user's id, is in no audit."""
    try:
        row = await conversation_of(call.tools, call.param("conversation"))
    except NobodyMeant as error:
        raise UNKNOWN.refusal() from error
    call.noted.note(target=row.id)
    return row.id


def _told(erasure: Erasure) -> dict[str, Any]:
    return {
        "code": erasure.code,
        "asked_at": iso(erasure.asked_ms),
        "done_at": iso(erasure.done_ms) if erasure.done_ms else None,
        "way": erasure.way,
        "by": erasure.by,
        "state": erasure.state,
        "rows": dict(erasure.counts),
    }


OPERATIONS: Final = (
    Operation(
        "GET", "/conversations/{conversation}/data", "exportUser",
        "Everything that is held of a conversation's user", _export, bytes,
        role=Role.ADMIN, action="user.export", faults=(UNKNOWN, NO_KEY), params=_CONVERSATION,
        tag=TAG,
    ),
    Operation(
        "POST", "/erasures", "eraseUser",
        "Erase everything that is held of a user, for good", _erase, ErasureTold,
        role=Role.ADMIN, body=EraseBody, action=ERASE,
        faults=(UNKNOWN, PRESERVED, CODE_TAKEN, NO_KEY), tag=TAG,
    ),
    Operation(
        "GET", "/erasures", "listErasures", "What was erased when, newest first", _list,
        ErasurePage, role=Role.ADMIN, query=ErasuresQuery, tag=TAG,
    ),
    Operation(
        "GET", "/erasures/{code}", "showErasure", "How far an erasure is", _show, ErasureTold,
        role=Role.ADMIN, faults=(NO_ERASURE,), params=_CODE, tag=TAG,
    ),
    Operation(
        "POST", "/erasures/{code}/close", "closeErasure",
        "End one that waits for a person, who has seen to it", _close, None,
        role=Role.ADMIN, body=NoBody, action="erasure.close", faults=(NO_ERASURE, NOT_OPEN),
        params=_CODE, tag=TAG,
    ),
    Operation(
        "PUT", "/conversations/{conversation}/preservation", "preserve",
        "Keep everything of a conversation, whatever its age", _preserve, None,
        role=Role.ADMIN, body=PreserveBody, action="conversation.preserve",
        faults=tuple(CANNOT.values()), params=_CONVERSATION, tag=TAG,
    ),
    Operation(
        "DELETE", "/conversations/{conversation}/preservation", "release",
        "Let a preserved conversation go the way of others again", _release, None,
        role=Role.ADMIN, action="conversation.release", faults=(UNKNOWN,), params=_CONVERSATION,
        tag=TAG,
    ),
)  # fmt: skip
