"""``vestlus conversations``: what people do with conversations, from a terminal or a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cyclopts import App

from vestlus.cli import conversations_recover, preserving
from vestlus.cli.conversations_privacy import add_to
from vestlus.cli.operating import AsJson, Service, moment, print_json, run
from vestlus.clock import system_clock
from vestlus.conversation.history import Role
from vestlus.conversation.window import window_end_ms
from vestlus.desk.conversations import ConversationDesk, HandedBack
from vestlus.desk.looking import Looking, NoSuchConversation, silence_of
from vestlus.desk.writing import ReplyRefused, Way
from vestlus.errors import VestlusError
from vestlus.store.preserving import Preservation
from vestlus.store.rows import ConversationRow, Draft
from vestlus.store.talk_rows import Talk, TalkPage, Wanted

__all__ = ["NoSuchConversation", "ReplyRefused", "app"]

app = App(
    name="conversations",
    help="Look after conversations: who waits, what was said, take over, answer, hand back.",
)

app.command(preserving.preserve)
app.command(conversations_recover.recover)
add_to(app)
_HANDED_BACK = {
    HandedBack.ANSWERS: "The bot answers this user again.",
    HandedBack.SEEN_TO: (
        "The user asked for no answers: that does not change until the user writes start. "
        "The conversation no longer waits for a person."
    ),
}

#: Messages shown of a conversation.
SHOWN = 100

T = TypeVar("T")


class UserStopped(VestlusError):
    """The user asked for no answers, and nobody but the user can change that."""


def _run(work: Callable[[ConversationDesk], Awaitable[T]]) -> T:
    return run(
        lambda service: work(ConversationDesk(service.store, service.hand_in_written, system_clock))
    )


def _act(conversation: str, work: Callable[[ConversationDesk, Talk], Awaitable[T]]) -> T:
    async def acted(desk: ConversationDesk) -> T:
        return await work(desk, await desk.talk(conversation))

    return _run(acted)


@app.command(name="list")
def list_(
    *,
    waiting: bool = False,
    closing: float | None = None,
    account: str | None = None,
    limit: int = 50,
    only: Wanted | None = None,
    as_json: AsJson = False,
) -> None:
    """List conversations: the newest, those that wait for a person, or those about to be missed.

    Parameters
    ----------
    waiting
        Only those that wait for a person, longest first.
    closing
        Only those with something unanswered or unsent whose 24 hours end within so many hours,
        soonest first.
    account
        Only those of this account.
    limit
        At most so many.
    only
        One of the console's lists, in its order; waiting and closing do not count then.
    as_json
        Print JSON.
    """
    rows = _run(
        lambda desk: _rows(desk, limit, account, waiting=waiting, closing=closing, only=only)
    )
    if as_json:
        print_json([_summary(row) for row in rows])
        return
    for row in rows:
        print(_line(row))  # noqa: T201 - a command's output
    if not rows:
        nothing = _nothing_found(waiting=waiting, closing=closing is not None)
        print("No such conversation." if only else nothing)  # noqa: T201


async def _rows(
    desk: ConversationDesk,
    limit: int,
    account: str | None,
    *,
    waiting: bool,
    closing: float | None,
    only: Wanted | None,
) -> tuple[ConversationRow, ...]:
    if only is None:
        return await desk.listed(limit, account, waiting=waiting, closing_hours=closing)
    page = await desk.page(only, account=account, limit=limit)
    return tuple(talk.row for talk in page.talks)


@app.command
def find(
    query: str, *, account: str | None = None, limit: int = 50, as_json: AsJson = False
) -> None:
    """Find conversations by words that either side wrote, or by the user's number.

    Looks through the newest 100,000 recorded events.

    Parameters
    ----------
    query
        Words, all of them in one message; or a user's number at Instagram.
    account
        Only those of this account.
    limit
        At most so many.
    as_json
        Print JSON.
    """
    page = run(lambda service: _found(service, query, account, limit))
    rows = [talk.row for talk in page.talks]
    if as_json:
        print_json([_summary(row) for row in rows])
        return
    for row in rows:
        print(_line(row))  # noqa: T201 - a command's output
    if page.looked_ms:
        print(f"Looked back to {moment(page.looked_ms)}.")  # noqa: T201


async def _found(service: Service, query: str, account: str | None, limit: int) -> TalkPage:
    looking = Looking(service.store, system_clock)
    accounts = [one.id for one in service.settings.accounts]
    return await looking.found(query, accounts, account=account, limit=limit)


@app.command
def read(conversation: str) -> None:
    """Mark what the user wrote as read.

    Parameters
    ----------
    conversation
        Its id.
    """
    _act(conversation, lambda desk, talk: desk.read(talk))
    print("Marked as read.")  # noqa: T201 - a command's output


def _nothing_found(*, waiting: bool, closing: bool) -> str:
    if closing:
        return "Nothing is about to be missed."
    return "No conversation waits." if waiting else "There are no conversations yet."


@app.command
def show(conversation: str, *, as_json: AsJson = False) -> None:
    """Show what was said in a conversation, and how it stands.

    Parameters
    ----------
    conversation
        Its id, as `list` prints it.
    as_json
        Print JSON.
    """
    row, mark = run(lambda service: _shown(service, conversation))
    said = [{"at": moment(one.at_ms), "by": str(one.role), "text": one.text} for one in row.history]
    unanswered = [one.event.text or "" for one in row.pending]
    if as_json:
        kept = preserving.told(mark) if mark else None
        print_json({**_summary(row), "preserved": kept, "history": said, "unanswered": unanswered})
        return
    print(_line(row))  # noqa: T201 - a command's output
    if mark:
        print(f"  {preserving.line(mark)}")  # noqa: T201
    if row.summary:
        print(f"  before: {row.summary}")  # noqa: T201
    names = {Role.USER: "user", Role.ASSISTANT: "bot", Role.OPERATOR: "person"}
    for message in row.history:
        print(f"  {moment(message.at_ms)} {names[message.role]}: {message.text}")  # noqa: T201
    for text in unanswered:
        print(f"  unanswered: {text}")  # noqa: T201


async def _shown(
    service: Service, conversation: str
) -> tuple[ConversationRow, Preservation | None]:
    row = await Looking(service.store, system_clock).conversation(conversation, SHOWN)
    return row, await service.store.preservation(conversation)


@app.command
def reply(conversation: str, text: str) -> None:
    """Write to the user as a person. The bot is silent then, as after any person's message.

    Parameters
    ----------
    conversation
        Its id.
    text
        What to write. After the 24 hours in which anybody may write, Instagram marks it as a
        human agent's, for up to 7 days.
    """
    handed = _act(conversation, lambda desk, talk: desk.reply(talk, text))
    if handed.way is Way.HUMAN_AGENT:
        print(  # noqa: T201 - a command's output
            "Handed in: it is sent within seconds, as a human agent's, because the user last wrote "
            "more than 24 hours ago."
        )
    else:
        print("Handed in: it is sent within seconds.")  # noqa: T201


@app.command
def take_over(conversation: str) -> None:
    """Silence the bot for this user, and cancel what it has not sent.

    Parameters
    ----------
    conversation
        Its id.
    """
    _act(conversation, lambda desk, talk: desk.take_over(talk))
    print("The bot is silent for this user.")  # noqa: T201 - a command's output


@app.command
def hand_back(conversation: str) -> None:
    """Let the bot answer this user again, unless the user asked for no more answers.

    Parameters
    ----------
    conversation
        Its id.
    """

    async def handing_back(desk: ConversationDesk, talk: Talk) -> HandedBack:
        became, handed = await desk.hand_back(talk)
        if handed is None:
            raise UserStopped(
                "the user asked for no answers: nothing changes until the user writes start"
            )
        return became

    print(_HANDED_BACK[_act(conversation, handing_back)])  # noqa: T201 - a command's output


@app.command
def drafts(*, limit: int = 50, as_json: AsJson = False) -> None:
    """List answers that wait for a person's yes, nearest deadline first.

    Parameters
    ----------
    limit
        At most so many messages.
    as_json
        Print JSON.
    """
    found = _run(lambda desk: desk.drafts(limit=limit))
    if as_json:
        print_json([_draft(one) for one in found])
        return
    for one in found:
        what = one.text or f"pictures {', '.join(one.pictures)}"
        until = moment(one.deadline_ms)
        print(f"{one.conversation} {one.turn}  until {until}: {what}")  # noqa: T201
    if not found:
        print("No draft waits.")  # noqa: T201 - a command's output


@app.command
def approve(conversation: str, turn: int, *, text: str | None = None) -> None:
    """Send a draft.

    Parameters
    ----------
    conversation
        Its id.
    turn
        The number behind the id in `drafts`.
    text
        Send this instead of the draft's own text.
    """
    _act(conversation, lambda desk, talk: desk.approve(talk, turn, text))
    print("Handed in: it is sent within seconds.")  # noqa: T201 - a command's output


@app.command
def reject(conversation: str, turn: int) -> None:
    """Do not send a draft.

    Parameters
    ----------
    conversation
        Its id.
    turn
        The number behind the id in `drafts`.
    """
    _act(conversation, lambda desk, talk: desk.reject(talk, turn))
    print("The draft is not sent.")  # noqa: T201 - a command's output


def _summary(row: ConversationRow) -> dict[str, Any]:
    return {
        "conversation": row.id,
        "account": row.account,
        "user": row.user,
        "language": row.language,
        "last_message_at": moment(row.user_ms),
        "window_closes_at": moment(window_end_ms(row.user_ms)) if row.user_ms else "",
        "waiting_since": moment(row.waiting_ms),
        "silence": str(silence_of(row, system_clock())),
        "silent_until": moment(row.silent_until_ms) if silence_of(row, system_clock()) else "",
        "note": row.note,
    }


def _line(row: ConversationRow) -> str:
    states = []
    if row.waiting_ms:
        states.append(f"waits for a person since {moment(row.waiting_ms)}")
    if silence := silence_of(row, system_clock()):
        states.append(f"bot silent ({silence})")
    if row.user_ms:
        states.append(f"window closes {moment(window_end_ms(row.user_ms))}")
    note = f" · {row.note}" if row.note else ""
    return f"{row.id}  {moment(row.user_ms) or 'no message'}  {'; '.join(states)}{note}"


def _draft(draft: Draft) -> dict[str, Any]:
    return {
        "conversation": draft.conversation,
        "turn": draft.turn,
        "account": draft.account,
        "text": draft.text,
        "pictures": list(draft.pictures),
        "until": moment(draft.deadline_ms),
    }
