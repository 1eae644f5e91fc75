"""``/api/v1/dead-letters``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field

from vestlus.console.entries import replay_written_first
from vestlus.console.operations import Call, Fault, Operation, Shape
from vestlus.console.people import Role
from vestlus.conversation.replaying import Refusal
from vestlus.desk.dead_letters import (
    WHY,
    NoSuchLetter,
    Wish,
    discarded,
    letter_named,
    replayed,
)
from vestlus.desk.moments import iso
from vestlus.privacy.export import readable
from vestlus.store.rows import DeadLetter, LetterState, LettersWanted

Word = Annotated[str, Field(max_length=200)]


class LettersQuery(Shape):
    """Which letters; what is left out stands for any."""

    state: LetterState | None = None
    reason: Word | None = None
    account: Word | None = None
    may_have_been_sent: bool | None = None
    behind: Annotated[Word | None, Field(description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class LetterItem(Shape):
    """Something that was given up."""

    letter: str
    state: LetterState
    reason: str
    may_have_been_sent: bool
    source: str
    given_up_at: Annotated[str, Field(description="ISO 8601, UTC.")]
    account: str
    conversation: str
    replays: int


class LetterPage(Shape):
    """Letters, newest first."""

    letters: tuple[LetterItem, ...]
    next: Annotated[str | None, Field(description="`behind` of the next page; null on the last.")]


class LetterMoment(Shape):
    """What happened to it."""

    at: str
    what: str
    detail: str


class LetterWhole(LetterItem):
    """A letter with its history and, for admins, what it held."""

    history: tuple[LetterMoment, ...]
    content: Annotated[Any, Field(description="Null for others than admins, and once it is gone.")]


class ReplayBody(Shape):
    """How it is replayed."""

    although_it_may_have_been_sent: bool = False


class NoBody(Shape):
    """An empty object."""


NO_LETTER: Final = Fault(HTTPStatus.NOT_FOUND, "no_such_letter", "there is none of that id")
REFUSALS: Final = {
    refusal: Fault(HTTPStatus.CONFLICT, str(refusal), WHY[refusal].partition(": ")[2])
    for refusal in Refusal
}
NOT_DEAD: Final = REFUSALS[Refusal.NOT_DEAD]
_PARAMS: Final = {"letter": "The letter's id, as listDeadLetters has it."}


async def _list(call: Call) -> dict[str, Any]:
    query: LettersQuery = call.query
    found = await call.tools.store.dead_letters(
        limit=query.limit + 1,
        wanted=LettersWanted(
            state=query.state,
            reason=query.reason,
            account=query.account,
            doubtful=query.may_have_been_sent,
            behind=query.behind,
        ),
    )
    page = found[: query.limit]
    return {
        "letters": [_values(one) for one in page],
        "next": page[-1].id if len(found) > len(page) else None,
    }


async def _show(call: Call) -> dict[str, Any]:
    letter = await _letter(call)
    may = call.person.role >= Role.ADMIN and letter.body
    return {
        **_values(letter),
        "history": [
            {"at": iso(one.at_ms), "what": one.what, "detail": one.detail} for one in letter.history
        ],
        "content": readable(letter.body) if may else None,
    }


async def _replay(call: Call) -> None:
    letter = await _letter(call)
    wish = Wish(call.person.name, call.body.although_it_may_have_been_sent)
    handing = replay_written_first(call.tools, call.entry(call.action), call.noted)
    [(_, refusal)] = await replayed(call.tools, [letter.id], wish, handing)
    if refusal is not None:
        raise REFUSALS[refusal].refusal()


async def _discard(call: Call) -> None:
    letter = await _letter(call)
    if not await discarded(call.tools, letter.id, call.person.name):
        raise NOT_DEAD.refusal()


async def _letter(call: Call) -> DeadLetter:
    """The letter, noted. What is no letter's id, perhaps a user's, is in no audit."""
    try:
        letter = await letter_named(call.tools, call.param("letter"))
    except NoSuchLetter as error:
        raise NO_LETTER.refusal() from error
    call.noted.note(target=letter.id, account=letter.account or "")
    return letter


def _values(letter: DeadLetter) -> dict[str, Any]:
    return {
        "letter": letter.id,
        "state": letter.state,
        "reason": letter.reason,
        "may_have_been_sent": letter.doubtful,
        "source": letter.source,
        "given_up_at": iso(letter.at_ms),
        "account": letter.account or "",
        "conversation": letter.conversation or "",
        "replays": letter.replays,
    }


OPERATIONS: Final = (
    Operation(
        "GET",
        "/dead-letters",
        "listDeadLetters",
        "What was given up, newest first",
        _list,
        LetterPage,
        query=LettersQuery,
        tag="dead letters",
    ),
    Operation(
        "GET",
        "/dead-letters/{letter}",
        "showDeadLetter",
        "A dead letter with its history and, for admins, what it held",
        _show,
        LetterWhole,
        faults=(NO_LETTER,),
        params=_PARAMS,
        tag="dead letters",
    ),
    Operation(
        "POST",
        "/dead-letters/{letter}/replay",
        "replayDeadLetter",
        "Let a dead letter go on its way again",
        _replay,
        None,
        role=Role.ADMIN,
        body=ReplayBody,
        action="dead_letter.replay",
        faults=(NO_LETTER, *REFUSALS.values()),
        params=_PARAMS,
        tag="dead letters",
    ),
    Operation(
        "POST",
        "/dead-letters/{letter}/discard",
        "discardDeadLetter",
        "Put a dead letter away; what was said is not kept",
        _discard,
        None,
        role=Role.ADMIN,
        body=NoBody,
        action="dead_letter.discard",
        faults=(NO_LETTER, NOT_DEAD),
        params=_PARAMS,
        tag="dead letters",
    ),
)
