"""What tests of people who share conversations with the bot do: echoes, commands, sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from tests.fakes.assistant import ScriptedAssistant
from tests.integration.hosting_support import ACCOUNT, TOPOLOGY, World, message
from vestlus.assistant.port import Question
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, event_key
from vestlus.conversation.identity import conversation_id, partition_of
from vestlus.conversation.operating import Act, operator_event
from vestlus.settings_account import Account
from vestlus.store.ledger import SendState
from vestlus.store.names import outbox_lease
from vestlus.store.rows import (
    ConversationRow,
    Lease,
    Member,
    MemberKind,
    SendRow,
    Silence,
    Transition,
    TransitionResult,
)

CONVERSATION = conversation_id(ACCOUNT, "u")

#: Somebody whose messages come through the same partition as those of "u".
OTHER = next(
    user
    for user in map(str, count())
    if partition_of(ACCOUNT, user, TOPOLOGY.inbox) == partition_of(ACCOUNT, "u", TOPOLOGY.inbox)
)


def account(**fields: Any) -> Account:  # noqa: ANN401 - settings of any type
    made = {"disclosure": False, "language": "et", **fields}
    return Account(id=ACCOUNT, access_token=SecretStr("t"), **made)


def echo(text: str | None, mid: str | None = None, *, user: str = "u") -> Event:
    mid = mid or uuid4().hex
    return replace(
        message(user, text or ""),
        kind=EventKind.ECHO,
        mid=mid,
        key=event_key(EventKind.ECHO, ACCOUNT, mid),
        text=text,
    )


def about(kind: EventKind, mid: str, **fields: Any) -> Event:  # noqa: ANN401 - any field
    key = event_key(kind, ACCOUNT, mid, action=uuid4().hex)
    return replace(message("u", "x"), kind=kind, mid=mid, key=key, **({"text": None} | fields))


async def act(world: World, what: Act, *, text: str | None = None, turn: int | None = None) -> None:
    await world.deliver(
        operator_event(
            what,
            account=ACCOUNT,
            user="u",
            identity=uuid4().hex,
            at_ms=system_clock(),
            text=text,
            turn=turn,
        )
    )


async def row(world: World) -> ConversationRow:
    return (await world.store.load([CONVERSATION], 100))[CONVERSATION]


async def until(condition: Callable[[], Any], *, seconds: float = 15) -> None:
    """Waits until an awaitable condition gives something true."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def passed_by(world: World, *, writes: str = "Tere ka!", said: int = 2) -> None:
    """Somebody writes after the user, and is answered: by then the user would have been."""
    await world.write(OTHER, writes)
    await world.said(OTHER, said)


def asked_by_the_user(assistant: ScriptedAssistant) -> list[Question]:
    return [question for question in assistant.asked if question.user == "u"]


async def silent(world: World, why: Silence) -> None:
    async def is_so() -> bool:
        rows = await world.store.load([CONVERSATION], 1)
        return CONVERSATION in rows and rows[CONVERSATION].silence is why

    await until(is_so)


async def publisher(world: World) -> Lease:
    member = Member("p/publisher-0", MemberKind.PUBLISHER, uuid4().hex, "h", 2)
    name = outbox_lease(0)
    return (await world.store.acquire([name], member, 60))[name]


async def claim(world: World, lease: Lease, send: SendRow) -> TransitionResult:
    step = Transition(
        id=send.id, before=SendState.PENDING, after=SendState.SENDING, at_ms=system_clock()
    )
    return (await world.store.transition(lease, [step]))[0]


async def finish(world: World, lease: Lease, send: SendRow, mid: str) -> None:
    step = Transition(
        id=send.id,
        before=SendState.SENDING,
        after=SendState.SENT,
        at_ms=system_clock(),
        sent_mid=mid,
    )
    assert await world.store.transition(lease, [step]) == [TransitionResult.DONE]
