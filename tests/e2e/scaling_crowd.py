"""Users who write on whether they are answered or not, and get answers of several messages."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import defaultdict
from contextlib import suppress
from itertools import count

import aiohttp

from tests.e2e.control import Control
from tests.e2e.traffic import QUESTION
from vestlus.conversation.splitting import split_text
from vestlus.simulator.markers import find_markers

#: What is numbered in an answer.
PLACES = 60
#: The fact that the pretend model answers the users' question with: one sentence, so that it does
#: not choose a part of it, and far too long for one message.
FACT = "; ".join(
    f"teeninduspunkt {place} on esmaspäevast reedeni avatud kell 9-17 ja laupäeval kell 10-14"
    for place in range(1, PLACES + 1)
)
#: Messages to an answer.
PIECES = len(split_text(FACT))

_PLACE = re.compile(r"teeninduspunkt (\d+)\b")


class Crowd(Control):
    """Users of some accounts. Not a :class:`~tests.e2e.traffic.Traffic`, whose users wait for
    their answers: here questions pile up.
    """

    def __init__(
        self, simulator: str, session: aiohttp.ClientSession, *, accounts: tuple[str, ...]
    ) -> None:
        super().__init__(simulator, session)
        self._accounts = accounts
        self._numbers = count()
        #: When each question was asked that is not answered, by its marker.
        self._open: dict[str, float] = {}
        #: What was said to each user since their last whole answer.
        self._said: defaultdict[str, str] = defaultdict(str)
        self.stopped = asyncio.Event()
        self.written = 0
        #: What was said to them: messages, and answers that were whole.
        self.messages = 0
        self.whole = 0
        #: Answers of which a message was missing, came twice or out of order.
        self.torn: list[str] = []
        #: See :attr:`tests.e2e.traffic.Traffic.waits`.
        self.waits: list[tuple[float, float]] = []

    @property
    def unanswered(self) -> int:
        """Questions without an answer."""
        return len(self._open)

    async def write(self, questions: int, users: int, a_second: float) -> None:
        """The users write in turns, at an even pace, until it is enough or they are stopped."""
        began = time.monotonic()
        for number in range(questions):
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, began + number / a_second - time.monotonic())):
                    await self.stopped.wait()
                    return
            user = number % users
            marker = f"#uc{user}-{next(self._numbers)}"
            self._open[marker] = time.monotonic()
            account = self._accounts[user % len(self._accounts)]
            await self.call(
                "messages",
                {"account": account, "user": f"uc{user}", "text": f"{QUESTION} {marker}"},
            )
            self.written += 1

    async def listen(self) -> None:
        """Reads what is said to the users, for good."""
        async for message in self.told():
            self._hear(str(message["user"]), str(message["text"]))

    def is_answered(self, before: float) -> bool:
        """Whether all questions are answered that were asked before then, monotonic."""
        return min(self._open.values(), default=math.inf) >= before

    async def until_answered(self, seconds: float) -> None:
        """Waits until all questions so far are answered. Raises TimeoutError."""
        before = time.monotonic()
        async with asyncio.timeout(seconds):
            while not self.is_answered(before):
                await asyncio.sleep(0.2)

    def _hear(self, user: str, text: str) -> None:
        self.messages += 1
        self._said[user] += f" {text}"
        if not (markers := find_markers(text)):
            return
        said = self._said.pop(user)
        if [int(place) for place in _PLACE.findall(said)] == list(range(1, PLACES + 1)):
            self.whole += 1
        else:
            self.torn.append(said)
        now = time.monotonic()
        for marker in markers:
            if (began := self._open.pop(marker, None)) is not None:
                self.waits.append((began, now - began))
