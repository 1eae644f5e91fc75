"""``vestlus conversations``: what people do with conversations, from a terminal or a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

from cyclopts import App

from vestlus.bus.port import Queue, Topology
from vestlus.cli import preserving
from vestlus.cli.conversations_privacy import add_to
from vestlus.cli.operating import AsJson, Service, moment, print_json, run
from vestlus.clock import system_clock
from vestlus.conversation.history import Role
from vestlus.conversation.identity import outbox_partition_of
from vestlus.conversation.operating import Act, operator_event
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, WINDOW_MS, window_end_ms
from vestlus.errors import VestlusError
from vestlus.messages import SearchRequest, encode, outbox_message
from vestlus.store.port import Store
from vestlus.store.preserving import Preservation
from vestlus.store.rows import ConversationRow, Draft, Silence

app = App(
    name="conversations",
    help="Look after conversations: who waits, what was said, take over, answer, hand back.",
)

app.command(preserving.preserve)
add_to(app)

#: Messages shown of a conversation.
SHOWN = 100

T = TypeVar("T")


class NoSuchConversation(VestlusError):
    """There is none of that id. Its message says where ids are listed."""


class ReplyRefused(VestlusError):
    """What was to be written cannot be sent. Its message says why; nothing was handed in."""


class RecoveryRefused(VestlusError):
    """Nothing was asked for. Its message says what to mend."""


class _Desk:
    """The conversations of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.store = service.store

    async def conversation(self, conversation: str) -> ConversationRow:
        rows = await self.store.load([conversation], SHOWN)
        if conversation not in rows:
            raise NoSuchConversation(
                "there is no such conversation: `vestlus conversations list` shows their ids"
            )
        return rows[conversation]

    async def act(
        self, act: Act, conversation: str, *, text: str | None = None, turn: int | None = None
    ) -> None:
        """Hands an act in; the conversation's owner does it, within moments."""
        row = await self.conversation(conversation)
        event = operator_event(
            act,
            account=row.account,
            user=row.user,
            identity=uuid4().hex,
            at_ms=system_clock(),
            text=text,
            turn=turn,
        )
        await self._service.hand_in(event)


def _run(work: Callable[[_Desk], Awaitable[T]]) -> T:
    return run(lambda service: work(_Desk(service)))


@app.command(name="list")
def list_(
    *,
    waiting: bool = False,
    closing: float | None = None,
    account: str | None = None,
    limit: int = 50,
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
    as_json
        Print JSON.
    """
    rows = _run(
        lambda service: _listed(service.store, limit, account, waiting=waiting, closing=closing)
    )
    if as_json:
        print_json([_summary(row) for row in rows])
        return
    for row in rows:
        print(_line(row))  # noqa: T201 - a command's output
    if not rows:
        print(_nothing_found(waiting=waiting, closing=closing is not None))  # noqa: T201


def _nothing_found(*, waiting: bool, closing: bool) -> str:
    if closing:
        return "Nothing is about to be missed."
    return "No conversation waits." if waiting else "There are no conversations yet."


async def _listed(
    store: Store, limit: int, account: str | None, *, waiting: bool, closing: float | None
) -> tuple[ConversationRow, ...]:
    if closing is None:
        return await store.conversations(limit=limit, waiting=waiting, account=account)
    now = system_clock()
    return await store.unfinished_conversations(
        after_ms=now - WINDOW_MS,
        before_ms=now - WINDOW_MS + round(closing * 3_600_000),
        limit=limit,
        account=account,
        waiting=waiting,
    )


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
    row, mark = _run(lambda service: _shown(service, conversation))
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


async def _shown(desk: _Desk, conversation: str) -> tuple[ConversationRow, Preservation | None]:
    row = await desk.conversation(conversation)
    return row, await desk.store.preservation(conversation)


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
    if not text.strip():
        raise ReplyRefused("there is nothing to send: the text is blank")
    print(_run(lambda service: _replied(service, conversation, text)))  # noqa: T201 - its output


async def _replied(service: _Desk, conversation: str, text: str) -> str:
    """Hands the reply in unless Instagram would refuse it; says how it goes out."""
    row = await service.conversation(conversation)
    if not row.user_ms:
        raise ReplyRefused("not sent: Instagram lets nobody write to a user who has never written")
    now = system_clock()
    if now > row.user_ms + HUMAN_AGENT_WINDOW_MS:
        raise ReplyRefused(
            f"not sent: the user last wrote at {moment(row.user_ms)}, and Instagram lets a person "
            "write for 7 days after that"
        )
    await service.act(Act.REPLY, conversation, text=text)
    if now <= window_end_ms(row.user_ms):
        return "Handed in: it is sent within seconds."
    return (
        "Handed in: it is sent within seconds, as a human agent's, because the user last wrote "
        "more than 24 hours ago."
    )


@app.command
def take_over(conversation: str) -> None:
    """Silence the bot for this user, and cancel what it has not sent.

    Parameters
    ----------
    conversation
        Its id.
    """
    _run(lambda service: service.act(Act.TAKE_OVER, conversation))
    print("The bot is silent for this user.")  # noqa: T201 - a command's output


@app.command
def hand_back(conversation: str) -> None:
    """Let the bot answer this user again, unless the user asked for no more answers.

    Parameters
    ----------
    conversation
        Its id.
    """
    print(_run(lambda service: _handed_back(service, conversation)))  # noqa: T201 - its output


async def _handed_back(service: _Desk, conversation: str) -> str:
    row = await service.conversation(conversation)
    stopped = _silence(row) is Silence.STOPPED
    if stopped and not row.waiting_ms:
        return "The user asked for no answers: nothing changes until the user writes start."
    await service.act(Act.HAND_BACK, conversation)
    if stopped:
        # An emergency makes a person wanted even there; this is how it is marked as seen to.
        return (
            "The user asked for no answers: that does not change until the user writes start. "
            "The conversation no longer waits for a person."
        )
    return "The bot answers this user again."


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
    found = _run(lambda service: service.store.drafts(limit=limit))
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
    _run(lambda service: service.act(Act.APPROVE, conversation, text=text, turn=turn))
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
    _run(lambda service: service.act(Act.REJECT, conversation, turn=turn))
    print("The draft is not sent.")  # noqa: T201 - a command's output


@app.command
def recover(*, account: str | None = None, hours: float = 24.0, as_json: AsJson = False) -> None:
    """Have Instagram asked for messages whose webhooks never came, as the service does by itself.

    What is found is taken in as if it had arrived; what is too old for an answer is shown by
    `list --waiting`.

    Parameters
    ----------
    account
        Only those of this account.
    hours
        How far back, at most 7 days: nobody may write to users who wrote before that.
    as_json
        Print JSON.
    """
    if not 0 < hours <= HUMAN_AGENT_WINDOW_MS / 3_600_000:
        raise RecoveryRefused("--hours must be more than 0 and at most 168, which are 7 days")
    accounts = run(lambda service: _asked_to_recover(service, account, hours))
    if as_json:
        print_json([{"account": one, "hours": hours} for one in accounts])
        return
    for one in accounts:
        print(f"{one}: handed in; what is missing is taken in within minutes.")  # noqa: T201


async def _asked_to_recover(service: Service, account: str | None, hours: float) -> list[str]:
    """Rings at the publishers of the accounts; those accounts."""
    configured = [one.id for one in service.settings.accounts]
    wanted = [one for one in configured if account in (None, one)]
    if not wanted:
        named = ", ".join(configured) or "none"
        raise RecoveryRefused(f"there is no such account in the settings; there are: {named}")
    now = system_clock()
    request_ms = now - round(hours * 3_600_000)
    outboxes = Topology(inbox=service.settings.partitions).outbox
    for one in wanted:
        message = outbox_message(
            (), at_ms=now, searches=(SearchRequest(account=one, since_ms=request_ms),)
        )
        await service.bus.publish(
            Queue.OUTBOX, outbox_partition_of(one, outboxes), [encode(message)]
        )
    return wanted


def _summary(row: ConversationRow) -> dict[str, Any]:
    return {
        "conversation": row.id,
        "account": row.account,
        "user": row.user,
        "language": row.language,
        "last_message_at": moment(row.user_ms),
        "window_closes_at": moment(window_end_ms(row.user_ms)) if row.user_ms else "",
        "waiting_since": moment(row.waiting_ms),
        "silence": str(_silence(row)),
        "silent_until": moment(row.silent_until_ms) if _silence(row) else "",
        "note": row.note,
    }


def _silence(row: ConversationRow) -> Silence:
    return row.silence if row.silent_until_ms > system_clock() else Silence.NONE


def _line(row: ConversationRow) -> str:
    states = []
    if row.waiting_ms:
        states.append(f"waits for a person since {moment(row.waiting_ms)}")
    if silence := _silence(row):
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
