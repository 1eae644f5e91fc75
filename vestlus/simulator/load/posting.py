"""Writes as users: tells Graph beforehand, posts when it is due, and again until it is taken."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from itertools import takewhile

from vestlus.simulator import webhook_format
from vestlus.simulator.jsontypes import Json, as_list, as_object
from vestlus.simulator.load.control import Control
from vestlus.simulator.load.journal import Entry, Journal
from vestlus.simulator.load.plan import Plan
from vestlus.simulator.load.schedule import Post, Writing
from vestlus.simulator.records import Attachment, Message, WebhookEvent
from vestlus.simulator.tasks import TaskGroup
from vestlus.simulator.webhook_post import WebhookPoster
from vestlus.simulator.webhook_settings import WebhookSettings

#: So long before it is due Graph knows a message, seconds: an answer may come at once.
AHEAD_SECONDS = 0.5


class Writers:
    """All users of a load.

    First attempts of one user follow each other, as Instagram's do; what was not answered 200 is
    posted again and holds nothing up.
    """

    def __init__(
        self,
        plan: Plan,
        graph: Control,
        poster: WebhookPoster,
        journal: Journal,
        *,
        picture: str,
        tasks: TaskGroup,
    ) -> None:
        self._plan = plan
        self._graph = graph
        self._poster = poster
        self._journal = journal
        self._picture = picture
        self._tasks = tasks
        self._pace = WebhookSettings()
        self._tails: dict[str, asyncio.Future[None]] = {}

    async def write(self, posts: Sequence[Post], start: float) -> None:
        """Post everything at its time; `start` in Unix seconds."""
        left = deque(posts)
        known: deque[list[Entry]] = deque()
        while left or known:
            if not known or known[0][0].due > time.time() + AHEAD_SECONDS / 2:
                known += await self._tell(left, start)
            if known:
                until = known[0][0].due
            else:
                until = start + left[0].due - AHEAD_SECONDS / 2 if left else start
            # Short naps: the next ones are told of in time.
            pause = min(until - time.time(), AHEAD_SECONDS / 4)
            if pause > 0:
                await asyncio.sleep(pause)
            while known and known[0][0].due <= time.time():
                self.post(known.popleft())

    async def tell(self, writings: Sequence[Writing], start: float, due: float) -> list[Entry]:
        """Tell Graph of messages of one webhook."""
        (entries,) = await self._told([Post(due, tuple(writings))], start)
        return entries

    async def _tell(self, left: deque[Post], start: float) -> list[list[Entry]]:
        horizon = time.time() - start + AHEAD_SECONDS
        soon = list(takewhile(lambda post: post.due <= horizon, left))
        for _ in soon:
            left.popleft()
        return await self._told(soon, start) if soon else []

    async def _told(self, posts: Sequence[Post], start: float) -> list[list[Entry]]:
        bodies: list[Json] = [
            {
                "account": self.account(writing),
                "user": self.user(writing),
                "text": self._text(writing),
                "attachments": [{"type": "image", "url": self._picture}] if writing.picture else [],
                "timestamp_ms": round((start + writing.due) * 1000),
                "webhook": False,
            }
            for post in posts
            for writing in post.writings
        ]
        told = iter(as_list(await self._graph.post("messages", bodies), "messages"))
        return [
            [
                Entry(self._message(writing, next(told)), writing.marker, start + post.due)
                for writing in post.writings
            ]
            for post in posts
        ]

    def _message(self, writing: Writing, told: Json) -> Message:
        body = as_object(told, "a message")
        seq, at = body["seq"], body["created_at"]
        if not isinstance(seq, int) or not isinstance(at, int | float):
            message = "Graph's message has no number or no time"
            raise TypeError(message)
        return Message(
            seq=seq,
            mid=str(body["mid"]),
            account=self.account(writing),
            user=self.user(writing),
            direction="in",
            author="user",
            text=self._text(writing),
            attachments=(Attachment("image", self._picture),) if writing.picture else (),
            timestamp_ms=round(at * 1000),
        )

    def account(self, writing: Writing) -> str:
        """Return whom a user writes to."""
        return self._plan.accounts[writing.user % len(self._plan.accounts)]

    def user(self, writing: Writing) -> str:
        """Return a user's id, in digits as Instagram's are."""
        return f"{self._plan.run}{writing.user:07}"

    @staticmethod
    def _text(writing: Writing) -> str:
        # In front: what ends like a sentence is finished.
        return f"{writing.marker} {writing.text}"

    def post(self, entries: list[Entry]) -> None:
        """Post a webhook that is due, behind the first attempts of the same users."""
        for entry in entries:
            self._journal.add(entry)
        self._journal.now_due(entries, time.time())
        lanes = {entry.message.user for entry in entries}
        before = [self._tails[lane] for lane in lanes if lane in self._tails]
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tails.update(dict.fromkeys(lanes, done))
        self._tasks.start(self._deliver(entries, before, done))

    async def _deliver(
        self,
        entries: list[Entry],
        before: list[asyncio.Future[None]],
        done: asyncio.Future[None],
    ) -> None:
        try:
            if before:
                await asyncio.wait(before)
            taken_in = await self._attempt(entries)
        finally:
            done.set_result(None)
            for lane in {entry.message.user for entry in entries}:
                if self._tails.get(lane) is done:
                    del self._tails[lane]
        wait = self._pace.retry_first_seconds
        while not taken_in:
            await asyncio.sleep(wait)
            wait = min(wait * 2, self._pace.retry_cap_seconds)
            taken_in = await self._attempt(entries)

    async def _attempt(self, entries: list[Entry]) -> bool:
        events = [
            WebhookEvent(
                id=entry.message.seq,
                account=entry.message.account,
                user=entry.message.user,
                body=webhook_format.message_event(entry.message),
                mid=entry.message.mid,
            )
            for entry in entries
        ]
        content: Json = webhook_format.payload(
            events, round(time.time() * 1000), self._pace.entry_events
        )
        body = webhook_format.encode(content)
        offered = self._journal.offer()
        status, _ = await self._poster.post(
            body, self._poster.sign(body), self._pace.timeout_seconds
        )
        self._journal.posted(entries, status, offered, time.time())
        return status == 200  # noqa: PLR2004 - HTTP's "OK"
