"""A pretend Instagram as publishers see it: it keeps what was sent and fails as it is told."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.fakes.clock import virtual_ms
from vestlus.errors import (
    GraphError,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRejected,
)
from vestlus.instagram.port import RecentMessage

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


def no_fault(_account: str, _text: str) -> Fault:
    """Let everything succeed."""
    return Fault.NONE


def once(fault: Fault, *more: Fault) -> Callable[[str, str], Fault]:
    """Let these happen to the first requests, and nothing to later ones."""
    left = [fault, *more]
    return lambda _account, _text: left.pop(0) if left else Fault.NONE


class PretendInstagram:
    """Implements the Messaging port. Latency in virtual seconds."""

    def __init__(self, *, latency: float = 0.05) -> None:
        self.fault: Callable[[str, str], Fault] = no_fault
        self.look_fault: Callable[[str, str], Fault] = no_fault
        #: Called with each message that is done, for echoes.
        self.on_sent: Callable[[Sent], None] = lambda _sent: None
        self.late_seconds = 90.0
        self.retry_after = 30.0
        self.latency = latency
        self.sent: list[Sent] = []
        self.written: list[tuple[float, str, str]] = []
        self.looks: list[tuple[float, str, str]] = []
        #: The calls of the Conversations API that looks make: two each.
        self.look_calls: list[tuple[float, str]] = []
        self.chance = random.Random(0)  # noqa: S311 - no secret
        self.in_flight: Counter[str] = Counter()
        self.most_in_flight: Counter[str] = Counter()
        self._threads: defaultdict[tuple[str, str], list[RecentMessage]] = defaultdict(list)

    def user_wrote(self, account: str, user: str, text: str = "Tere") -> None:
        """Add a message of the user's, which opens the conversation."""
        self._list(account, user, RecentMessage(self._mid(), user, text, virtual_ms()))

    def person_wrote(self, account: str, user: str, text: str) -> str:
        """Add a message of a person at the account's side; returns its mid."""
        message = RecentMessage(self._mid(), account, text, virtual_ms())
        self._list(account, user, message)
        return message.mid

    def texts(self, account: str, user: str) -> list[str]:
        """Return what was sent to a user, in order."""
        return [one.text for one in self.sent if (one.account, one.user) == (account, user)]

    async def send_text(self, account: str, user: str, text: str) -> str:
        """See the port."""
        self.written.append((asyncio.get_running_loop().time(), account, text))
        self.in_flight[account] += 1
        self.most_in_flight[account] = max(self.most_in_flight[account], self.in_flight[account])
        try:
            return await self._send(account, user, text, self.fault(account, text))
        finally:
            self.in_flight[account] -= 1

    async def recent_messages(self, account: str, user: str) -> tuple[RecentMessage, ...]:
        """See the port."""
        loop = asyncio.get_running_loop()
        self.looks.append((loop.time(), account, user))
        self.look_calls.append((loop.time(), account))
        await self._fail(self.look_fault(account, user))
        await asyncio.sleep(self.latency * self.chance.uniform(0, 20))
        self.look_calls.append((loop.time(), account))
        await asyncio.sleep(self.latency)
        return tuple(self._threads[account, user][-LISTED:][::-1])

    async def _send(self, account: str, user: str, text: str, fault: Fault) -> str:
        if fault in {Fault.APPLY, Fault.HANG_DONE}:
            self._deliver(account, user, text)
            await self._fail(Fault.HANG if fault is Fault.HANG_DONE else Fault.CUT)
        if fault is Fault.LATE:
            loop = asyncio.get_running_loop()
            loop.call_later(self.late_seconds, self._deliver, account, user, text)
            raise OutcomeUnknown("cut")
        await self._fail(fault)
        half = self.latency / 2
        await asyncio.sleep(half)
        mid = self._deliver(account, user, text)
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
        }
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        if fault in errors:
            await asyncio.sleep(self.latency)
            raise errors[fault]

    def _deliver(self, account: str, user: str, text: str) -> str:
        done = Sent(self._mid(), account, user, text, virtual_ms())
        self.sent.append(done)
        self._list(account, user, RecentMessage(done.mid, account, text, done.at_ms))
        self.on_sent(done)
        return done.mid

    def _list(self, account: str, user: str, message: RecentMessage) -> None:
        whole_seconds = RecentMessage(
            message.mid, message.sender, message.text, message.created_ms // 1000 * 1000
        )
        self._threads[account, user].append(whole_seconds)

    def _mid(self) -> str:
        return f"m{sum(map(len, self._threads.values()))}"
