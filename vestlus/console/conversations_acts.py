"""What is done with a conversation from its page."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import FormData
from starlette.routing import Route

from vestlus.console.entries import written_first
from vestlus.console.guarding import Guard
from vestlus.console.tools import Tools
from vestlus.console.visits import Done, Refusal, Visit, text
from vestlus.desk.conversations import ConversationDesk, Handed, HandedBack, NoSuchDraft
from vestlus.desk.looking import NoSuchConversation
from vestlus.desk.writing import ReplyRefused
from vestlus.store.talk_rows import Talk

_PATH: Final = "/console/conversations"
_HANDED_IN: Final = "conversations.handed_in"

#: The identity of a form, as the page gave it.
_ONCE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
#: A turn's number, or a time.
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)

Act = Callable[[ConversationDesk, Talk, FormData], Awaitable[Handed | None]]


class ConversationActs:
    """Forms of a conversation's page."""

    def __init__(self, tools: Tools, guard: Guard) -> None:
        self._tools = tools
        self._guard = guard

    @property
    def routes(self) -> list[Route]:
        """What is served."""
        one = f"{_PATH}/{{conversation}}"
        acts: tuple[tuple[str, str, Act], ...] = (
            ("take-over", "take_over", _take_over),
            ("hand-back", "hand_back", _hand_back),
            ("reply", "reply", _reply),
            ("approve", "approve", _approve),
            ("reject", "reject", _reject),
            ("read", "read", _read),
        )
        return [
            self._guard.action(f"{one}/{path}", action, self._done(action, act))
            for path, word, act in acts
            for action in (f"conversation.{word}",)
        ]

    def _done(self, action: str, act: Act) -> Callable[[Visit, FormData], Awaitable[Done]]:
        async def done(visit: Visit, form: FormData) -> Done:
            tools = visit.tools
            hand_in = written_first(tools, visit.entry(action), visit.noted)
            desk = ConversationDesk(tools.store, hand_in, tools.clock)
            try:
                # First of all: what is no conversation's id, perhaps a user's, is in no audit.
                talk = await desk.talk(visit.param("conversation"))
            except NoSuchConversation as error:
                raise Refusal("conversations.refused.no_such", _PATH) from error
            conversation = talk.row.id
            visit.noted.note(target=conversation, account=talk.row.account)
            page = f"{_PATH}/{conversation}"
            try:
                handed = await act(desk, talk, form)
            except NoSuchDraft as error:
                raise Refusal("conversations.refused.no_draft", page, conversation) from error
            except ReplyRefused as error:
                problem = f"conversations.refused.{error.reason}"
                raise Refusal(problem, f"{page}#write", conversation) from error
            except _StoppedError as error:
                raise Refusal("conversations.refused.stopped", page, conversation) from error
            if handed is None:
                return Done(page, conversation, "conversations.read_done")
            return Done(f"{page}#write", conversation, _HANDED_IN, handed.key)

        return done


class _StoppedError(Exception):
    """The user asked for no answers, and nobody but the user can change that."""


async def _take_over(desk: ConversationDesk, talk: Talk, form: FormData) -> Handed:
    return await desk.take_over(talk, _once(form))


async def _hand_back(desk: ConversationDesk, talk: Talk, form: FormData) -> Handed:
    came_to, handed = await desk.hand_back(talk, _once(form))
    if came_to is HandedBack.STOPPED or handed is None:
        raise _StoppedError
    return handed


async def _reply(desk: ConversationDesk, talk: Talk, form: FormData) -> Handed:
    return await desk.reply(talk, text(form, "text"), _once(form))


async def _approve(desk: ConversationDesk, talk: Talk, form: FormData) -> Handed:
    turn, said = _number(form, "turn"), text(form, "text")
    # Browsers write line ends as CR LF.
    changed = said.replace("\r\n", "\n") != text(form, "was").replace("\r\n", "\n")
    words = said if said and changed else None
    return await desk.approve(talk, turn, words, _once(form))


async def _reject(desk: ConversationDesk, talk: Talk, form: FormData) -> Handed:
    return await desk.reject(talk, _number(form, "turn"), _once(form))


async def _read(desk: ConversationDesk, talk: Talk, form: FormData) -> None:
    await desk.read(talk, _number(form, "until"))


def _once(form: FormData) -> str:
    """The form's identity; none is one's own."""
    given = text(form, "once")
    return given if _ONCE.fullmatch(given) else ""


def _number(form: FormData, name: str) -> int:
    given = text(form, name)
    return int(given) if _NUMBER.fullmatch(given) else -1
