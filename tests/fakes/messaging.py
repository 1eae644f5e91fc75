"""A pretend Instagram as publishers see it: it keeps what was sent and fails as it is told."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tests.fakes.clock import virtual_ms
from vestlus.errors import (
    GraphError,
    HeldBack,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.instagram.port import (
    Gate,
    ListedMessage,
    PictureToSend,
    RecentMessage,
    RecentMessages,
    SenderAction,
    Thread,
    ThreadPage,
)

LISTED = 20


class Fault(StrEnum):
    """What can happen to a request."""

    NONE = "none"
    #: Done, and an error returned.
    APPLY = "apply"
    #: Not done, and no answer.
    CUT = "cut"
    #: The connection was refused: not done, certainly.
    UNREACHABLE = "unreachable"
    #: Graph says: not done, try again.
    BUSY = "busy"
    THROTTLE = "throttle"
    #: Nothing happens until the caller gives up; not done.
    HANG = "hang"
    #: Done at once, and no answer until the caller gives up.
    HANG_DONE = "hang_done"
    #: No answer, and done much later.
    LATE = "late"
    REFUSE = "refuse"
    TOKEN = "token"
    #: Meta has stopped the account.
    STOP = "stop"
    #: A defect of the client.
    BUG = "bug"
    #: Meta could not fetch a picture.
    NO_FETCH = "no_fetch"


#: Faults after which nobody can know at once whether it was done, and it was not.
UNDONE_AND_UNKNOWN = frozenset({Fault.CUT, Fault.HANG, Fault.BUG})


@dataclass(frozen=True)
class Sent:
    """A message that Instagram has."""

    mid: str
    account: str
    user: str
    text: str
    at_ms: int
    pictures: tuple[PictureToSend, ...] = ()
    human_agent: bool = False


def no_fault(_account: str, _text: str) -> Fault:
    """Let everything succeed."""
    return Fault.NONE


def once(fault: Fault, *more: Fault) -> Callable[[str, str], Fault]:
    """Let these happen to the first requests, and nothing to later ones."""
    left = [fault, *more]
    return lambda _account, _text: left.pop(0) if left else Fault.NONE


async def _pass(gate: Gate | None) -> None:
    if gate is not None and not await gate():
        raise HeldBack("held_back")


class PretendInstagram:
    """Implements the Messaging port. Latency in virtual seconds.

    Faults of messages of pictures are asked for with the text ``pictures``, those of uploads with
    the address, those of actions with the action.
    """

    def __init__(self, *, latency: float = 0.05) -> None:
        self.fault: Callable[[str, str], Fault] = no_fault
        #: Until there is a connection for a message, virtual seconds.
        self.connecting: Callable[[], float] = lambda: 0.0
        self.look_fault: Callable[[str, str], Fault] = no_fault
        self.upload_fault: Callable[[str, str], Fault] = no_fault
        self.action_fault: Callable[[str, str], Fault] = no_fault
        #: Called with each message that is done, for echoes.
        self.on_sent: Callable[[Sent], None] = lambda _sent: None
        #: Whether its answers say when they were made.
        self.tells_the_time = True
        self.late_seconds = 90.0
        self.retry_after = 30.0
        self.latency = latency
        self.sent: list[Sent] = []
        self.written: list[tuple[float, str, str]] = []
        self.looks: list[tuple[float, str, str]] = []
        #: Begun uploads: time, account, address.
        self.uploads: list[tuple[float, str, str]] = []
        #: Ids that are taken.
        self.attachment_ids: set[str] = set()
        #: Begun actions: time, account, user, action.
        self.actions: list[tuple[float, str, str, str]] = []
        self.acting: Counter[str] = Counter()
        self.most_acting = 0
        #: The calls of the Conversations API that looks make: two each.
        self.look_calls: list[tuple[float, str]] = []
        self.chance = random.Random(0)  # noqa: S311 - no secret
        self.in_flight: Counter[str] = Counter()
        self.most_in_flight: Counter[str] = Counter()
        self._threads: defaultdict[tuple[str, str], list[RecentMessage]] = defaultdict(list)

    def user_wrote(self, account: str, user: str, text: str = "Tere") -> None:
        """Add a message of the user's, which opens the conversation."""
        self._list(account, user, RecentMessage(self._mid(), user, text, virtual_ms()))

    def person_wrote(self, account: str, user: str, text: str, attachments: int = 0) -> str:
        """Add a message of a person at the account's side; returns its mid."""
        message = RecentMessage(self._mid(), account, text, virtual_ms(), attachments)
        self._list(account, user, message)
        return message.mid

    def texts(self, account: str, user: str) -> list[str]:
        """Return what was sent to a user, in order."""
        return [one.text for one in self.sent if (one.account, one.user) == (account, user)]

    async def send_text(
        self,
        account: str,
        user: str,
        text: str,
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """See the port."""
        sent = Sent("", account, user, text, 0, (), human_agent)
        return await self._request(sent, text, gate)

    async def send_pictures(
        self,
        account: str,
        user: str,
        pictures: Sequence[PictureToSend],
        *,
        human_agent: bool = False,
        gate: Gate | None = None,
    ) -> str:
        """See the port. Ids that Instagram did not give, or took back, are refused."""
        sent = Sent("", account, user, "", 0, tuple(pictures), human_agent)
        return await self._request(sent, "pictures", gate)

    async def upload_picture(self, account: str, url: str, *, gate: Gate | None = None) -> str:
        """See the port."""
        await _pass(gate)
        self.uploads.append((asyncio.get_running_loop().time(), account, url))
        await self._fail(self.upload_fault(account, url))
        await asyncio.sleep(self.latency)
        attachment_id = f"a{len(self.uploads)}"
        self.attachment_ids.add(attachment_id)
        return attachment_id

    async def sender_action(
        self, account: str, user: str, action: SenderAction, *, gate: Gate | None = None
    ) -> None:
        """See the port."""
        await _pass(gate)
        self.actions.append((asyncio.get_running_loop().time(), account, user, action))
        self.acting[user] += 1
        self.most_acting = max(self.most_acting, self.acting[user])
        try:
            await self._fail(self.action_fault(account, action))
            await asyncio.sleep(self.latency)
        finally:
            self.acting[user] -= 1

    async def recent_messages(self, account: str, user: str) -> RecentMessages:
        """See the port."""
        loop = asyncio.get_running_loop()
        self.looks.append((loop.time(), account, user))
        self.look_calls.append((loop.time(), account))
        await self._fail(self.look_fault(account, user))
        await asyncio.sleep(self.latency * self.chance.uniform(0, 20))
        self.look_calls.append((loop.time(), account))
        await asyncio.sleep(self.latency)
        told_ms = virtual_ms() // 1000 * 1000 if self.tells_the_time else None
        return RecentMessages(tuple(self._threads[account, user][-LISTED:][::-1]), told_ms)

    async def own_ids(self, account: str) -> frozenset[str]:
        """See the port."""
        return frozenset({account, f"scoped-{account}"})

    async def threads(self, account: str, after: str | None = None) -> ThreadPage:
        """See the port; two conversations a page."""
        await self._listing(account, "threads")
        mine = {user: told for (of, user), told in self._threads.items() if of == account}
        newest = sorted(mine, key=lambda user: -mine[user][-1].created_ms)
        first = int(after or 0)
        page = tuple(Thread(user, mine[user][-1].created_ms) for user in newest[first:][:2])
        return ThreadPage(page, str(first + 2) if newest[first + 2 :] else None)

    async def thread_messages(self, account: str, thread: str) -> tuple[ListedMessage, ...]:
        """See the port."""
        await self._listing(account, thread)
        told = self._threads[account, thread][-LISTED:][::-1]
        return tuple(
            ListedMessage(
                mid=one.mid,
                sender=one.sender,
                recipients=(account if one.sender == thread else thread,),
                text=one.text,
                created_ms=one.created_ms,
            )
            for one in told
        )

    async def _listing(self, account: str, named: str) -> None:
        self.look_calls.append((asyncio.get_running_loop().time(), account))
        await self._fail(self.look_fault(account, named))
        await asyncio.sleep(self.latency)

    async def _request(self, sent: Sent, named: str, gate: Gate | None) -> str:
        account = sent.account
        await asyncio.sleep(self.connecting())
        await _pass(gate)
        self.written.append((asyncio.get_running_loop().time(), account, named))
        self.in_flight[account] += 1
        self.most_in_flight[account] = max(self.most_in_flight[account], self.in_flight[account])
        try:
            return await self._send(sent, self.fault(account, named))
        finally:
            self.in_flight[account] -= 1

    async def _send(self, sent: Sent, fault: Fault) -> str:
        if fault in {Fault.APPLY, Fault.HANG_DONE}:
            self._deliver(sent)
            await self._fail(Fault.HANG if fault is Fault.HANG_DONE else Fault.CUT)
        if fault is Fault.LATE:
            loop = asyncio.get_running_loop()
            loop.call_later(self.late_seconds, self._deliver, sent)
            raise OutcomeUnknown("cut")
        await self._fail(fault)
        half = self.latency / 2
        await asyncio.sleep(half)
        if {one.attachment_id for one in sent.pictures} - {"", *self.attachment_ids}:
            raise Refused("invalid_message", 100, 2534015)
        mid = self._deliver(sent)
        await asyncio.sleep(half)
        return mid

    async def _fail(self, fault: Fault) -> None:
        errors: dict[Fault, GraphError | Exception] = {
            Fault.CUT: OutcomeUnknown("cut"),
            Fault.UNREACHABLE: NotSent("connect_failed"),
            Fault.BUSY: NotSent("temporary", 2, 0),
            Fault.THROTTLE: Throttled("throttled", 613, 2534040, self.retry_after),
            Fault.REFUSE: Refused("outside_window", 10, 2534022),
            Fault.TOKEN: TokenRejected("token_rejected", 190, 463),
            Fault.STOP: Refused("message_access_disabled", 200, 2534041),
            Fault.BUG: KeyError("a defect"),
            Fault.NO_FETCH: Refused("media_unreachable", 100, 2018008),
        }
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        if fault in errors:
            await asyncio.sleep(self.latency)
            raise errors[fault]

    def _deliver(self, sent: Sent) -> str:
        done = replace(sent, mid=self._mid(), at_ms=virtual_ms())
        self.sent.append(done)
        message = RecentMessage(done.mid, done.account, done.text, done.at_ms, len(done.pictures))
        self._list(done.account, done.user, message)
        self.on_sent(done)
        return done.mid

    def _list(self, account: str, user: str, message: RecentMessage) -> None:
        whole_seconds = replace(message, created_ms=message.created_ms // 1000 * 1000)
        self._threads[account, user].append(whole_seconds)

    def _mid(self) -> str:
        return f"m{sum(map(len, self._threads.values()))}"
