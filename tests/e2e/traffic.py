"""Users who write, wait for their answer, and write again, through the simulator's control API."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from tests.e2e.control import Control
from vestlus.simulator.markers import find_markers

QUESTION = "Mis kell te avate?"
WISH = "Kas saate saata pildi, kus on lahtiolekuajad?"


@dataclass(frozen=True, slots=True)
class Habits:
    """How users write. The same seed makes the same users write the same."""

    seed: int
    users: int = 200
    #: How long a user reads before writing again.
    pause_seconds: tuple[float, float] = (0.1, 1.5)
    #: How often a user writes two messages in a row.
    burst_probability: float = 0.15
    #: How often a user asks for a picture.
    wish_probability: float = 0.0
    #: How often a user sends a picture along.
    picture_probability: float = 0.0
    #: What the users' names begin with, and those of newcomers; verdicts are asked for by it.
    prefix: str = "u"
    newcomers: str = "u"


class Traffic(Control):
    """Users of some accounts, each with one of them. ``newcomers`` write to accounts of their own
    where such are given.
    """

    def __init__(
        self,
        simulator: str,
        session: aiohttp.ClientSession,
        habits: Habits,
        *,
        accounts: Sequence[str],
        newcomers: Sequence[str] = (),
        picture: str | None = None,
    ) -> None:
        """``picture`` is the address of what users send along."""
        super().__init__(simulator, session)
        self._habits = habits
        self._accounts = accounts
        self._quiet = newcomers or accounts
        self._picture = picture
        self._heard: dict[str, asyncio.Event] = {}
        self._open: dict[str, int] = {}
        self.stopped = asyncio.Event()
        self.written = 0
        self.answers = 0
        #: Users who were told something that answers none of their messages.
        self.unmarked: set[str] = set()
        #: When each user who was answered had begun to write, monotonic, and how many seconds
        #: went by until the last answer to it.
        self.waits: list[tuple[float, float]] = []
        self._newcomers = 0

    @property
    def unanswered(self) -> int:
        """Users who are waiting for an answer."""
        return sum(1 for count in self._open.values() if count)

    async def run(self) -> None:
        """Writes until stopped; then returns when everybody got their last answer."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen(), name="listening")
            users = [
                group.create_task(self._user(number), name=f"user {number}")
                for number in range(self._habits.users)
            ]
            await asyncio.wait(users)
            listening.cancel()

    async def _user(self, number: int) -> None:
        habits = self._habits
        chance = random.Random(habits.seed * 100_003 + number)  # noqa: S311 - reproducible
        user, count = f"{habits.prefix}{number}", 0
        account = self._accounts[number % len(self._accounts)]
        heard = self._heard[user] = asyncio.Event()
        await self._pause(chance.uniform(0, 3))
        while not self.stopped.is_set():
            began = time.monotonic()
            for _ in range(2 if chance.random() < habits.burst_probability else 1):
                count += 1
                self._open[user] = self._open.get(user, 0) + 1
                said = WISH if chance.random() < habits.wish_probability else QUESTION
                shown = self._picture and chance.random() < habits.picture_probability
                body: dict[str, object] = {
                    "account": account,
                    "user": user,
                    "text": f"{said} #{user}-{count}",
                }
                if shown:
                    body["attachments"] = [{"type": "image", "url": self._picture}]
                await self.call("messages", body)
                self.written += 1
            while self._open[user]:
                heard.clear()
                await heard.wait()
            self.waits.append((began, time.monotonic() - began))
            await self._pause(chance.uniform(*habits.pause_seconds))

    async def ask_as_newcomer(self) -> str:
        """Somebody who never wrote before writes once; returns with the answer, whose it was."""
        self._newcomers += 1
        user = f"{self._habits.newcomers}{self._habits.users + self._newcomers}"
        account = self._quiet[self._newcomers % len(self._quiet)]
        heard = self._heard[user] = asyncio.Event()
        text = f"{QUESTION} #{user}-1"
        await self.call("messages", {"account": account, "user": user, "text": text})
        self.written += 1
        await heard.wait()
        return user

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stopped.wait()
        except TimeoutError:
            return

    async def _listen(self) -> None:
        async for message in self.told():
            user = str(message["user"])
            markers = find_markers(message["text"])
            if not markers:
                # An apology, or that a person will answer.
                self.unmarked.add(user)
                continue
            self.answers += 1
            self._open[user] = max(0, self._open.get(user, 0) - len(markers))
            if user in self._heard:
                self._heard[user].set()
