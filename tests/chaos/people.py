"""People of the account who take conversations over and hand them back, by the commands.

Their users are judged as all others are: from the take-over until the hand-back they get nothing
of the bot's, and afterwards one answer to everything they wrote.
"""

from __future__ import annotations

import asyncio

from tests.chaos.journal import Journal
from tests.chaos.operating import insist
from tests.chaos.plan import TAKEN_OVER, Plan
from tests.chaos.steps import AWAY
from tests.chaos.world import BUSY, World
from tests.e2e.traffic import QUESTION, Traffic
from vestlus.conversation.identity import conversation_id
from vestlus.store.rows import Silence

#: What the journal counts them as.
TAKE_OVER = "conversation taken over"
#: How long a user who was taken over is watched for answers that must not come, seconds.
SILENT_SECONDS = 6.0


class People:
    """Takes over as many conversations as the plan says, one after the other."""

    def __init__(self, plan: Plan, world: World, traffic: Traffic, journal: Journal) -> None:
        self._plan = plan
        self._world = world
        self._traffic = traffic
        self._journal = journal

    async def run(self) -> None:
        """Begins nothing more once the traffic is stopped; returns when all is handed back."""
        for number in range(self._plan.take_overs):
            at = self._plan.seconds * (number + 0.2) / self._plan.take_overs
            await asyncio.sleep(max(0.0, at - self._journal.elapsed))
            if self._traffic.stopped.is_set():
                return
            await self._one(BUSY[number % len(BUSY)], f"{TAKEN_OVER}{number}")

    async def _one(self, account: str, user: str) -> None:
        began = self._journal.elapsed + self._journal.began
        lane, conversation = {"account": account, "user": user}, conversation_id(account, user)
        await self._answered(account, user, *await self._write(account, user, 1))
        await self._operate("take-over", conversation)
        await self._until_silent(conversation)
        await self._traffic.call("taken-over", lane)
        written = await self._write(account, user, 2)
        await asyncio.sleep(SILENT_SECONDS)
        # Before the command: as soon as it is handed in the bot may answer.
        await self._traffic.call("handed-back", lane)
        await self._operate("hand-back", conversation)
        await self._answered(account, user, *written)
        self._journal.fired[TAKE_OVER] += 1
        self._journal.note(f"{user} was taken over and handed back", began=began, aloud=False)

    async def _write(self, account: str, user: str, count: int) -> tuple[int, str]:
        """The place and the marker of a message that the user writes."""
        marker = f"#{user}-{count}"
        body = {"account": account, "user": user, "text": f"{QUESTION} {marker}"}
        written = await self._traffic.call("messages", body)
        self._traffic.written += 1
        return int(written["seq"]), marker

    async def _answered(self, account: str, user: str, after: int, marker: str) -> None:
        while True:
            query = f"wait?account={account}&user={user}&after={after}&timeout=20"
            for message in (await self._traffic.call(query))["messages"]:
                after = max(after, int(message["seq"]))
                if marker in (message["text"] or "").split():
                    return

    async def _operate(self, *words: str) -> None:
        await insist(self._world.folder, self._world.settings, "conversations", *words)

    async def _until_silent(self, conversation: str) -> None:
        """The command hands in; the conversation's owner does it."""
        while True:
            try:
                if await self._world.steps.silence_of(conversation) == Silence.PERSON:
                    return
            except AWAY:
                pass  # it is being restarted
            await asyncio.sleep(0.2)
