"""A user, the bot and people in one conversation, in any order: nobody is talked over, no message
is lost or answered twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.store_support import (
    ACCOUNT,
    INBOX,
    OUTBOX,
    echo,
    hold,
    hold_outbox,
    message,
    new,
    recorded,
    send,
    step,
    store,
    walk,
)
from vestlus.conversation.events import EventKind
from vestlus.conversation.history import HistoryMessage, Role
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.transcript import as_history
from vestlus.store.ledger import SendState
from vestlus.store.port import Store
from vestlus.store.rows import (
    Change,
    CommitResult,
    ConversationRow,
    EventState,
    Lease,
    NewSend,
    Origin,
    PersonSend,
    SendRow,
    Settled,
    TransitionResult,
    TurnCommit,
)

__all__ = ["store"]

PENDING, SENDING, CANCELLED = SendState.PENDING, SendState.SENDING, SendState.CANCELLED
SENT = SendState.SENT

#: Each example has a user of its own in the one store.
users = (f"user-{n}" for n in count())

ACTIONS = (
    *("write", "write", "think", "commit", "commit", "begin", "begin", "finish", "give_back"),
    *("person", "reply", "unclear", "settle_ours", "settle_persons", "unsend"),
)


@dataclass
class Scene:
    """One conversation: the store's, and what must be true of it."""

    store: Store
    inbox: Lease
    outbox: Lease
    user: str
    written: list[str] = field(default_factory=list)
    taken_back: set[str] = field(default_factory=set)
    #: As the turn under way has read it.
    read: ConversationRow | None = None
    #: What the bot decided in turns before this version must not begin.
    silenced: int = 0
    unclear: list[int] = field(default_factory=list)
    under_way: list[SendRow] = field(default_factory=list)
    times: count[int] = field(default_factory=lambda: count(100))

    @property
    def id(self) -> str:
        return conversation_id(ACCOUNT, self.user)

    async def row(self) -> ConversationRow:
        return (await self.store.load([self.id], 10_000))[self.id]

    async def write(self) -> None:
        event = message(self.user)
        await recorded(self.store, self.inbox, event)
        self.written.append(str(event.mid))

    async def unsend(self) -> None:
        left = [mid for mid in self.written if mid not in self.taken_back]
        if left:
            event = message(self.user, kind=EventKind.UNSEND, mid=left[0], text=None)
            await recorded(self.store, self.inbox, new(event, Change(removed_mid=left[0])))
            self.taken_back.add(left[0])

    async def think(self) -> None:
        self.read = await self.row()

    async def commit(self) -> None:
        if self.read is None or not self.read.pending:
            return
        row, self.read = self.read, None
        asked = [as_history(one.event) for one in row.pending]
        sends = [
            send(
                self.user,
                id=f"{row.id}.{row.version}.{index}",
                position=row.version * 1000 + index,
                turn=row.version,
                answers=tuple(str(one.mid) for one in asked),
            )
            for index in range(2)
        ]
        turn = TurnCommit(
            lease=self.inbox,
            conversation=row.id,
            version=row.version,
            answered=tuple(one.seq for one in row.pending),
            history=(*asked, HistoryMessage(Role.ASSISTANT, f"turn {row.version}", 1)),
            sends=tuple(sends),
        )
        version = (await self.row()).version
        (result,) = await self.store.commit_turns([turn], 1)
        assert (result is CommitResult.COMMITTED) == (version == row.version)

    async def _silence(self, change: Change) -> None:
        await recorded(self.store, self.inbox, new(echo(self.user), change))
        self.silenced = (await self.row()).version

    async def person(self) -> None:
        await self._silence(Change(cancel_sends=True, answers_all=True))

    async def reply(self) -> None:
        sends = (PersonSend(text="Mina ise"),)
        await self._silence(Change(cancel_sends=True, answers_all=True, sends=sends))

    async def unclear_(self) -> None:
        held = Change(held_until_ms=10**9)
        event = new(echo(self.user), held, state=EventState.UNDETERMINED)
        (one,) = await recorded(self.store, self.inbox, event)
        self.unclear.append(one.seq)

    async def settle(self, change: Change | None) -> None:
        if self.unclear:
            seq = self.unclear.pop(0)
            settled = Settled(seq=seq, conversation=self.id, change=change)
            await self.store.settle(self.inbox, [settled], 1)
            if change is not None:
                self.silenced = (await self.row()).version

    async def begin(self) -> None:
        rows = await self.store.unfinished(OUTBOX, limit=1_000)
        mine = [row for row in rows if row.user == self.user and row.state is PENDING]
        for row in mine:
            at_ms = next(self.times)
            begin = step(_named(row), PENDING, SENDING, at_ms=at_ms)
            (result,) = await self.store.transition(self.outbox, [begin])
            if row.origin is Origin.PERSON:
                assert result is TransitionResult.DONE
            elif row.turn < self.silenced:
                assert result is TransitionResult.SILENCED
                await walk(self.store, self.outbox, [step(_named(row), PENDING, CANCELLED)])
            else:
                wanted = TransitionResult.HELD if self.unclear else TransitionResult.DONE
                assert result is wanted
            if result is TransitionResult.DONE:
                self.under_way.append(row)

    async def end(self, after: SendState) -> None:
        if self.under_way:
            row = _named(self.under_way.pop(0))
            await walk(self.store, self.outbox, [step(row, SENDING, after)])

    async def do(self, action: str) -> None:
        match action:
            case "settle_ours":
                await self.settle(None)
            case "settle_persons":
                await self.settle(Change(cancel_sends=True, answers_all=True))
            case "finish":
                await self.end(SENT)
            case "give_back":
                await self.end(PENDING)
            case "unclear":
                await self.unclear_()
            case _:
                await getattr(self, action)()

    async def check(self) -> None:
        """What must be true at any time."""
        row = await self.row()
        left = [mid for mid in self.written if mid not in self.taken_back]
        pending = [str(one.event.mid) for one in row.pending]
        remembered = [one.mid for one in row.history if one.role is Role.USER]
        assert sorted([*pending, *map(str, remembered)]) == sorted(left)
        said = [one.text for one in row.history if one.role is Role.ASSISTANT]
        assert len(said) == len(set(said))
        rows = await self.store.unfinished(OUTBOX, limit=1_000)
        for one in rows:
            if one.user == self.user and one.origin is Origin.BOT and one.turn < self.silenced:
                # Only what had begun before is not cancelled yet.
                assert one.attempts > 0


def _named(row: SendRow) -> NewSend:
    return send(row.user, id=row.id)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=25))
async def test_nobody_is_talked_over_and_no_message_is_lost(
    store: Store, actions: list[str]
) -> None:
    inbox, outbox = await hold(store, INBOX), await hold_outbox(store)
    scene = Scene(store, inbox, outbox, next(users))
    await scene.write()
    for action in actions:
        await scene.do(action)
        await scene.check()
