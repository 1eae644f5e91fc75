"""The pages of a user's data: what is held, given out, erased or kept; and what was erased when."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from vestlus.console.content import zone_of
from vestlus.console.guarding import Guard
from vestlus.console.people import Role
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.desk import preserving
from vestlus.desk.preserving import LONGEST_REASON, PreserveRefused
from vestlus.desk.user_data import (
    REPEATED,
    TYPED,
    Held,
    NobodyMeant,
    Wish,
    conversation_erased,
    conversation_of,
    exported,
    held,
)
from vestlus.errors import CodeTaken, ConversationPreserved, SettingsError
from vestlus.privacy.operations import is_code, new_code
from vestlus.store.erasing import ERASE, ErasureState, Way

ERASURES: Final = "/console/erasures"
_EXPORT: Final = "user.export"
_PAGE: Final = 50


def user_data_routes(guard: Guard) -> list[Route]:
    """What is served, to admins alone."""
    one = "/console/conversations/{conversation}"
    admin = Role.ADMIN
    return [
        guard.page(f"{one}/data", _look, role=admin),
        guard.page(f"{one}/data.json", _export, role=admin, action=_EXPORT),
        guard.action(f"{one}/erase", ERASE, _erase, role=admin),
        guard.action(f"{one}/preserve", "conversation.preserve", _preserve, role=admin),
        guard.action(f"{one}/release", "conversation.release", _release, role=admin),
        guard.page(ERASURES, _list, role=admin),
        guard.action(f"{ERASURES}/{{code}}/close", "erasure.close", _close, role=admin),
    ]


def path_of(conversation: str) -> str:
    """The page of a conversation's data."""
    return f"/console/conversations/{quote(conversation, safe='')}/data"


async def _look(visit: Visit) -> Response:
    found = await _held(visit)
    return visit.page(
        "user_data.html",
        zone=zone_of(visit.tools.settings.account(found.conversation.account)),
        held=found,
        row=found.conversation,
        typed=found.conversation.id[-TYPED:],
        # A form that is sent twice names the same erasure.
        code=new_code(),
        base=path_of(found.conversation.id).removesuffix("/data"),
        longest=LONGEST_REASON,
        today=datetime.fromtimestamp(visit.now_ms / 1000, UTC).date().isoformat(),
    )


async def _held(visit: Visit) -> Held:
    try:
        return await held(visit.tools, visit.param("conversation"))
    except NobodyMeant as error:
        raise HTTPException(HTTPStatus.NOT_FOUND) from error


async def _export(visit: Visit) -> Response:
    try:
        row = await conversation_of(visit.tools, visit.param("conversation"))
        visit.noted.note(target=row.id, account=row.account)
        content = await exported(visit.tools, row.account, row.user)
    except NobodyMeant as error:
        raise _not_given(visit, HTTPStatus.NOT_FOUND, "user_data.refused.gone") from error
    except SettingsError as error:
        raise _not_given(visit, HTTPStatus.CONFLICT, "user_data.refused.no_key") from error
    await visit.tools.store.audit(visit.entry(_EXPORT, row.id))
    name = f'attachment; filename="vestlus-{row.id[-TYPED:]}.json"'
    return Response(content, media_type="application/json", headers={"content-disposition": name})


def _not_given(visit: Visit, status: HTTPStatus, problem: str) -> Refusal:
    """The page says it: there is nowhere to go on to."""
    title = visit.words("user_data.title")
    page = visit.page("told.html", status=status, title=title, why=visit.words(problem))
    return Refusal(problem, page=page)


async def _erase(visit: Visit, form: FormData) -> Done:
    conversation = visit.param("conversation")
    here = path_of(conversation)
    code, typed = text(form, "code"), text(form, "typed").lower()
    meant = hmac.compare_digest(typed.encode(), conversation[-TYPED:].encode())
    if not is_code(code) or not meant:
        raise Refusal("user_data.refused.not_confirmed", here)
    wish = Wish(
        by=visit.person.name,
        way=Way.CONSOLE,
        entry=visit.entry(ERASE),
        even_preserved=bool(text(form, "even_preserved")),
        code=code,
    )
    try:
        done = await conversation_erased(visit.tools, conversation, wish)
    except NobodyMeant as error:
        raise Refusal("user_data.refused.gone", ERASURES) from error
    except ConversationPreserved as error:
        raise Refusal("user_data.refused.preserved", here) from error
    except CodeTaken as error:
        raise Refusal("user_data.refused.code_taken", here) from error
    except SettingsError as error:
        raise Refusal("user_data.refused.no_key", here) from error
    visit.noted.written = done.is_new
    # Nothing that says whose data they were is in the audit.
    again = "" if done.is_new else REPEATED
    return Done(f"{ERASURES}#{done.code}", done.code, "user_data.erased", again)


async def _preserve(visit: Visit, form: FormData) -> Done:
    row = await _known(visit)
    try:
        await preserving.preserve(
            visit.tools,
            row,
            reason=text(form, "reason"),
            last_day=text(form, "until"),
            by=visit.person.name,
        )
    except PreserveRefused as refused:
        raise Refusal(f"user_data.refused.{refused.problem}", path_of(row), row) from refused
    return Done(path_of(row), row, "user_data.preserved_now")


async def _release(visit: Visit, _: FormData) -> Done:
    row = await _known(visit)
    await preserving.release(visit.tools, row)
    return Done(path_of(row), row, "user_data.released")


async def _known(visit: Visit) -> str:
    """The conversation's id, noted. What is none, perhaps a user's id, is in no audit."""
    try:
        row = await conversation_of(visit.tools, visit.param("conversation"))
    except NobodyMeant as error:
        raise Refusal("user_data.refused.gone", ERASURES) from error
    visit.noted.note(target=row.id, account=row.account)
    return row.id


async def _list(visit: Visit) -> Response:
    state, behind = visit.query("state"), visit.query("behind")
    chosen = ErasureState(state) if state in set(ErasureState) else None
    found = await visit.tools.store.erasures(limit=_PAGE + 1, state=chosen, behind=behind)
    page = found[:_PAGE]
    given = {"state": str(chosen)} if chosen else {}
    older = {**given, "behind": page[-1].code} if len(found) > _PAGE else None
    return visit.page(
        "erasures.html",
        erasures=page,
        chosen=chosen or "",
        states=tuple(ErasureState),
        older=f"{ERASURES}?{urlencode(older)}" if older else "",
        newest=f"{ERASURES}?{urlencode(given)}" if behind else "",
    )


async def _close(visit: Visit, _: FormData) -> Done:
    code = visit.param("code")
    if not is_code(code):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    if await visit.tools.store.erasure(code) is not None:
        visit.noted.note(target=code)
    if not await visit.tools.store.close_erasure(code, by=visit.person.name):
        raise Refusal("user_data.refused.not_open", ERASURES)
    return Done(f"{ERASURES}#{code}", code, "user_data.closed")
