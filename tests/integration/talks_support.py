"""Conversations for the console's tests: written into a store as the service would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from tests.integration.console_support import ACCOUNT, Site
from vestlus.bus.port import Queue
from vestlus.clock import system_clock
from vestlus.conversation.events import Event, EventKind, calls_for_answer, event_key
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id, outbox_partition_of, partition_of
from vestlus.conversation.transcript import as_history
from vestlus.conversation.window import WINDOW_MS
from vestlus.messages import decode_inbox
from vestlus.store.ledger import SendState
from vestlus.store.names import inbox_lease, outbox_lease
from vestlus.store.port import Store
from vestlus.store.rows import (
    After,
    Change,
    CommitResult,
    EventState,
    Kind,
    Lease,
    Member,
    MemberKind,
    NewEvent,
    NewSend,
    Transition,
    TransitionResult,
    TurnCommit,
)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
_OUTBOXES = 4
_ANNA = Member("anna", MemberKind.CONVERSATION, "1", "host", 1)
_PETER = Member("peter", MemberKind.PUBLISHER, "1", "host", 2)


@dataclass
class Talking:
    """Somebody converses in the store of a site. Times are so many milliseconds ago."""

    store: Store
    partitions: int
    now_ms: int = field(default_factory=system_clock)
    numbers: count[int] = field(default_factory=lambda: count(1))

    @classmethod
    def on(cls, site: Site) -> Talking:
        return cls(site.store, site.settings.partitions)

    async def lease(self, user: str) -> Lease:
        name = inbox_lease(partition_of(ACCOUNT, user, self.partitions))
        return (await self.store.acquire([name], _ANNA, 600))[name]

    def event(self, user: str, text: str | None = "Tere!", **fields: Any) -> Event:  # noqa: ANN401
        kind = fields.pop("kind", EventKind.MESSAGE)
        mid = fields.pop("mid", f"mid-{next(self.numbers)}")
        ago_ms = fields.pop("ago_ms", 0)
        made = Event(
            key=event_key(kind, ACCOUNT, f"{mid}.{next(self.numbers)}"),
            kind=kind,
            account=ACCOUNT,
            user=user,
            conversation=conversation_id(ACCOUNT, user),
            mid=mid,
            timestamp_ms=self.now_ms - ago_ms,
            text=text,
        )
        return replace(made, **fields)

    async def happens(self, event: Event, change: Change | None = None) -> None:
        """It is recorded, in the moment in which it happened."""
        assert event.user
        state = EventState.PENDING if calls_for_answer(event) else EventState.NOTED
        new = NewEvent(event, state, change)
        lease = await self.lease(event.user)
        (found,) = await self.store.record([(lease, [new])], event.timestamp_ms)
        assert found

    async def write(self, user: str, *texts: str, ago_ms: int = 0, **fields: Any) -> None:  # noqa: ANN401
        """The user writes."""
        for text in texts:
            await self.happens(self.event(user, text, ago_ms=ago_ms, **fields))

    async def change(self, user: str, change: Change, *, ago_ms: int = 0) -> None:
        """Something else happens to the conversation."""
        event = self.event(user, None, kind=EventKind.OPERATOR, ago_ms=ago_ms, action="none")
        await self.happens(event, change)

    async def answer(
        self,
        user: str,
        *texts: str,
        ago_ms: int = 0,
        draft: bool = False,
        pictures: Sequence[str] = (),
        language: str | None = "et",
    ) -> list[NewSend]:
        """A turn answers what waits."""
        id_ = conversation_id(ACCOUNT, user)
        row = (await self.store.load([id_], 50))[id_]
        at_ms = self.now_ms - ago_ms
        parts: list[tuple[Kind, str, tuple[str, ...]]] = [(Kind.TEXT, one, ()) for one in texts]
        if pictures:
            parts.append((Kind.PICTURES, "", tuple(pictures)))
        sends = [
            NewSend(
                id=f"{id_}.{row.version}.{index}",
                account=ACCOUNT,
                user=user,
                conversation=id_,
                position=row.version * 1_000 + index,
                text=text,
                answers=(),
                due_ms=at_ms,
                deadline_ms=row.user_ms + WINDOW_MS,
                kind=kind,
                pictures=shown,
                turn=row.version,
                draft=draft,
            )
            for index, (kind, text, shown) in enumerate(parts)
        ]
        history = [as_history(one.event) for one in row.pending]
        history.append(HistoryMessage(Role.ASSISTANT, "\n\n".join(texts), at_ms))
        commit = TurnCommit(
            lease=await self.lease(user),
            conversation=id_,
            version=row.version,
            answered=tuple(one.seq for one in row.pending),
            history=tuple(history),
            sends=tuple(sends),
            after=After(language=language),
        )
        assert await self.store.commit_turns([commit], at_ms) == [CommitResult.COMMITTED]
        return sends

    async def end(self, send: NewSend, state: SendState, *, ago_ms: int = 0, why: str = "") -> None:
        """A send ends so."""
        name = outbox_lease(outbox_partition_of(ACCOUNT, _OUTBOXES))
        lease = (await self.store.acquire([name], _PETER, 600))[name]
        steps = [SendState.SENDING, state]
        if state is SendState.UNKNOWN:
            steps.insert(1, SendState.LOOKING)
        before = SendState.PENDING
        for after in steps:
            step = Transition(
                id=send.id,
                before=before,
                after=after,
                at_ms=self.now_ms - ago_ms,
                sent_mid=f"out-{send.id}" if after is SendState.SENT else None,
                reason=why if after in (SendState.DEAD, SendState.UNKNOWN) else "",
            )
            assert await self.store.transition(lease, [step]) == [TransitionResult.DONE]
            before = after

    async def sent(self, user: str, *texts: str, ago_ms: int = 0, **how: Any) -> None:  # noqa: ANN401
        """The bot answers, and Instagram takes it; its echoes come back."""
        for send in await self.answer(user, *texts, ago_ms=ago_ms, **how):
            await self.end(send, SendState.SENT, ago_ms=ago_ms)
            mid = f"out-{send.id}"
            echo = self.event(user, send.text, kind=EventKind.ECHO, mid=mid, ago_ms=ago_ms)
            await self.happens(echo)


def path_of(user: str) -> str:
    """Where the conversation with a user is shown."""
    return f"/console/conversations/{conversation_id(ACCOUNT, user)}"


async def handed_in(site: Site, user: str, count: int) -> list[Event]:
    """What waits in the user's partition of the inbox."""
    partition = partition_of(ACCOUNT, user, site.settings.partitions)
    subscription = await site.bus.subscribe(Queue.INBOX, partition)
    events: list[Event] = []
    async with asyncio.timeout(30):
        while len(events) < count:
            for one in await subscription.receive(100):
                events += decode_inbox(one.body).events
    await subscription.close()
    return events
