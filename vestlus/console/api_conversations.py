"""``/api/v1/conversations``. ``docs/api.md`` documents it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel

from vestlus.console.api_conversations_shapes import (
    ApproveBody,
    ConversationShape,
    DraftShape,
    DraftsQuery,
    DraftsShape,
    HandedShape,
    ListQuery,
    ListShape,
    MessagesQuery,
    ReadBody,
    ReplyBody,
    SearchBody,
    TranscriptShape,
)
from vestlus.console.entries import written_first
from vestlus.console.operations import INVALID, Call, Fault, Handler, Operation
from vestlus.console.people import Role
from vestlus.desk.conversations import ConversationDesk, NoSuchDraft
from vestlus.desk.looking import NoSuchConversation, place_of
from vestlus.desk.transcripts import NEWEST_MS
from vestlus.desk.writing import ReplyRefused
from vestlus.store.talk_rows import Place, Talk

NO_SUCH: Final = Fault(
    HTTPStatus.NOT_FOUND, "no_such_conversation", "there is no conversation of that id"
)
NO_DRAFT: Final = Fault(
    HTTPStatus.NOT_FOUND,
    "no_such_draft",
    "no draft of that turn waits: it was decided about, or its window closed",
)
REFUSED: Final = Fault(
    HTTPStatus.CONFLICT,
    "not_sent",
    "Instagram would not take it: the user has never written, or wrote too long ago",
)
STOPPED: Final = Fault(
    HTTPStatus.CONFLICT,
    "user_stopped",
    "the user asked for no answers: nothing changes until the user writes start",
)

_TURN: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_KEY: Final = "idempotency-key"
_LONGEST_KEY: Final = 200

_PARAMS: Final = {"conversation": "The conversation's id, as lists give it."}
_DRAFT_PARAMS: Final = {**_PARAMS, "turn": "The draft's turn, as drafts are listed."}


def _desk(call: Call) -> ConversationDesk:
    tools = call.tools
    return ConversationDesk(tools.store, tools.hand_in, tools.clock)


def _acting(call: Call) -> ConversationDesk:
    """The same, for acts: each is in the audit before it is handed in."""
    tools = call.tools
    hand_in = written_first(tools, call.entry(call.action), call.noted)
    return ConversationDesk(tools.store, hand_in, tools.clock)


@contextmanager
def _answering(call: Call) -> Iterator[str]:
    """The conversation's id; what the desk refuses becomes an answer."""
    conversation = call.param("conversation")
    try:
        yield conversation
    except NoSuchConversation as error:
        raise NO_SUCH.refusal() from error
    except NoSuchDraft as error:
        raise NO_DRAFT.refusal() from error
    except ReplyRefused as error:
        fault = INVALID if error.reason in ("blank", "too_long") else REFUSED
        raise fault.refusal(str(error)) from error


async def _list(call: Call) -> ListShape:
    query: ListQuery = call.query
    page = await _desk(call).page(
        query.list,
        account=query.account or None,
        behind=_behind(query.behind),
        limit=query.limit,
        closing_hours=query.closing_hours,
    )
    return ListShape.of(page, call.tools.clock())


async def _search(call: Call) -> ListShape:
    body: SearchBody = call.body
    page = await _desk(call).found(
        body.q,
        [one.id for one in call.tools.settings.accounts],
        account=body.account or None,
        behind=_behind(body.behind),
        limit=body.limit,
    )
    return ListShape.of(page, call.tools.clock())


def _behind(word: str) -> Place | None:
    try:
        return place_of(word)
    except ValueError as error:
        raise INVALID.refusal("behind: must be what `next` of another page said") from error


async def _show(call: Call) -> ConversationShape:
    with _answering(call) as conversation:
        return ConversationShape.of(await _desk(call).talk(conversation), call.tools.clock())


async def _messages(call: Call) -> TranscriptShape:
    query: MessagesQuery = call.query
    before_ms = NEWEST_MS if query.before is None else query.before
    with _answering(call) as conversation:
        found = await _desk(call).transcript(conversation, before_ms=before_ms)
        return TranscriptShape.of(found, call.tools.clock())


async def _drafts(call: Call) -> DraftsShape:
    found = await _desk(call).drafts(limit=call.query.limit)
    return DraftsShape(drafts=tuple(DraftShape.of(one) for one in found))


async def _take_over(call: Call) -> HandedShape:
    with _answering(call):
        talk = await _known(call)
        handed = await _acting(call).take_over(talk, _identity(call))
        return HandedShape.of(handed)


async def _hand_back(call: Call) -> HandedShape:
    with _answering(call):
        talk = await _known(call)
        _, handed = await _acting(call).hand_back(talk, _identity(call))
        if handed is None:
            raise STOPPED.refusal()
        return HandedShape.of(handed)


async def _reply(call: Call) -> HandedShape:
    with _answering(call):
        talk = await _known(call)
        handed = await _acting(call).reply(talk, call.body.text, _identity(call))
        return HandedShape.of(handed)


async def _approve(call: Call) -> HandedShape:
    with _answering(call):
        talk = await _known(call)
        turn, text = _turn(call), call.body.text
        handed = await _acting(call).approve(talk, turn, text, _identity(call))
        return HandedShape.of(handed)


async def _reject(call: Call) -> HandedShape:
    with _answering(call):
        talk = await _known(call)
        handed = await _acting(call).reject(talk, _turn(call), _identity(call))
        return HandedShape.of(handed)


async def _read(call: Call) -> ConversationShape:
    with _answering(call):
        talk = await _known(call)
        await _desk(call).read(talk, call.body.until_ms)
        return ConversationShape.of(await _desk(call).talk(talk.row.id), call.tools.clock())


async def _known(call: Call) -> Talk:
    """The conversation, noted. What is none, perhaps a user's id, is in no audit."""
    talk: Talk = await _desk(call).talk(call.param("conversation"))
    call.noted.note(target=talk.row.id, account=talk.row.account)
    return talk


def _identity(call: Call) -> str:
    """The act's identity as the caller gives it; without one each call is an act of its own."""
    given: str = call.request.headers.get(_KEY, "").strip()
    if len(given) > _LONGEST_KEY:
        raise INVALID.refusal(f"Idempotency-Key: must have at most {_LONGEST_KEY} characters")
    return given


def _turn(call: Call) -> int:
    given = call.param("turn")
    if not _TURN.fullmatch(given):
        raise NO_DRAFT.refusal()
    return int(given)


_ONE: Final = "/conversations/{conversation}"
_DRAFT: Final = f"{_ONE}/drafts/{{turn}}"
_TAG: Final = "conversations"


def _act(
    path: str,
    id_: str,
    summary: str,
    handler: Handler,
    *,
    action: str,
    body: type[BaseModel] | None = None,
    faults: tuple[Fault, ...] = (),
    params: dict[str, str] = _PARAMS,
) -> Operation:
    """What is handed in to a conversation's owner, who does it within moments."""
    return Operation(
        method="POST",
        path=path,
        id=id_,
        summary=summary,
        handler=handler,
        answer=HandedShape,
        role=Role.AGENT,
        body=body,
        status=HTTPStatus.ACCEPTED,
        action=action,
        # Of an Idempotency-Key that is none, where there is no body either.
        faults=(NO_SUCH, *faults, INVALID),
        params=params,
        tag=_TAG,
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/conversations",
        id="listConversations",
        summary="A page of conversations, of one list.",
        handler=_list,
        answer=ListShape,
        query=ListQuery,
        tag=_TAG,
    ),
    # What users said and their numbers are in no address: proxies keep those.
    Operation(
        method="POST",
        path="/conversations/search",
        id="searchConversations",
        summary="A page of conversations, as found by words, a user's number or an id.",
        handler=_search,
        answer=ListShape,
        body=SearchBody,
        tag=_TAG,
    ),
    Operation(
        method="GET",
        path=_ONE,
        id="showConversation",
        summary="How a conversation stands.",
        handler=_show,
        answer=ConversationShape,
        faults=(NO_SUCH,),
        params=_PARAMS,
        tag=_TAG,
    ),
    Operation(
        method="GET",
        path=f"{_ONE}/messages",
        id="listMessages",
        summary="What was said and done in a conversation, the newest part first.",
        handler=_messages,
        answer=TranscriptShape,
        query=MessagesQuery,
        faults=(NO_SUCH,),
        params=_PARAMS,
        tag=_TAG,
    ),
    Operation(
        method="GET",
        path="/drafts",
        id="listDrafts",
        summary="Answers that wait for a person's yes, nearest deadline first.",
        handler=_drafts,
        answer=DraftsShape,
        query=DraftsQuery,
        tag=_TAG,
    ),
    _act(
        f"{_ONE}/take-over",
        "takeConversationOver",
        "Silences the bot for this user, and cancels what it has not sent.",
        _take_over,
        action="conversation.take_over",
    ),
    _act(
        f"{_ONE}/hand-back",
        "handConversationBack",
        "Lets the bot answer this user again.",
        _hand_back,
        action="conversation.hand_back",
        faults=(STOPPED,),
    ),
    _act(
        f"{_ONE}/reply",
        "replyAsPerson",
        "Writes to the user as a person; the bot is silent then.",
        _reply,
        action="conversation.reply",
        body=ReplyBody,
        faults=(REFUSED,),
    ),
    _act(
        f"{_DRAFT}/approve",
        "approveDraft",
        "Sends the drafts of a turn, or another text in their place.",
        _approve,
        action="conversation.approve",
        body=ApproveBody,
        faults=(NO_DRAFT,),
        params=_DRAFT_PARAMS,
    ),
    _act(
        f"{_DRAFT}/reject",
        "rejectDraft",
        "Does not send the drafts of a turn.",
        _reject,
        action="conversation.reject",
        faults=(NO_DRAFT,),
        params=_DRAFT_PARAMS,
    ),
    Operation(
        method="POST",
        path=f"{_ONE}/read",
        id="markConversationRead",
        summary="Notes that somebody has read what the user wrote.",
        handler=_read,
        answer=ConversationShape,
        role=Role.AGENT,
        body=ReadBody,
        action="conversation.read",
        faults=(NO_SUCH,),
        params=_PARAMS,
        tag=_TAG,
    ),
)
