"""What chance does not bring about: steps of the ledger that need a scenario of their own.

Each is tried until its steps were taken, whatever else is killed meanwhile. The users' names begin
with ``s``; what they get is not judged, since most of these steps end in no answer, as they must.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.chaos.journal import Journal
from tests.chaos.operating import AGAIN_SECONDS, operate
from tests.chaos.plan import SETTLING_SECONDS
from tests.chaos.steps import AWAY
from tests.chaos.world import DESK, STAGES, World
from tests.e2e.traffic import Traffic
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import WINDOW_MS
from vestlus.store.ledger import SendState

Step = tuple[SendState, SendState]

#: Plays it with a user of an account; the step to be taken; how long until it is begun anew with
#: another user, seconds.
Play = tuple[Callable[[str, str], Awaitable[None]], Step, float]

#: Two settlings; a sweep of drafts; seconds.
PATIENCE, SWEEP_PATIENCE = 60.0, 100.0
#: How long an owner may take for what a command handed in, before it is handed in again, seconds.
HANDED_IN_SECONDS = 15.0

#: How long a window is still open when its user writes: for a turn and one attempt at sending,
#: and closed before it can be proven that nothing was sent.
OPEN_MS = round(SETTLING_SECONDS * 1000)


class Scenarios:
    """Drives the steps of :data:`DRIVEN`."""

    def __init__(self, world: World, traffic: Traffic, journal: Journal) -> None:
        self._world = world
        self._traffic = traffic
        self._journal = journal
        self._tries = 0

    async def run(self) -> None:
        """Returns when every step was taken."""
        pending, looking = SendState.PENDING, SendState.LOOKING
        draft, dead = SendState.DRAFT, SendState.DEAD
        plays: Mapping[str, Play] = {
            "refused": (self._refused, (SendState.SENDING, dead), PATIENCE),
            "unknown": (self._unknown, (looking, SendState.UNKNOWN), PATIENCE),
            "too_late_to_repeat": (self._too_late, (looking, dead), PATIENCE),
            "window_closes": (self._window_closes, (pending, dead), PATIENCE),
            "person": (self._person, (pending, SendState.CANCELLED), PATIENCE),
        }
        drafts: Mapping[str, Play] = {
            "draft_approved": (self._approved, (draft, pending), PATIENCE),
            "draft_rejected": (self._rejected, (draft, SendState.CANCELLED), PATIENCE),
        }
        forgotten: Mapping[str, Play] = {
            "draft_forgotten": (self._forgotten, (draft, dead), SWEEP_PATIENCE)
        }
        async with asyncio.TaskGroup() as group:
            for (name, play), account in zip(plays.items(), STAGES, strict=True):
                group.create_task(self._all({name: play}, account), name="scenarios")
            for listed in (drafts, forgotten):
                group.create_task(self._all(listed, DESK), name="scenarios")

    async def _all(self, plays: Mapping[str, Play], account: str) -> None:
        for name, (play, step, patience) in plays.items():
            began = time.time()
            while not await self._taken(step):
                self._tries += 1
                await play(account, f"s{name.replace('_', '')}{self._tries}")
                await self._until(lambda step=step: self._taken(step), patience)  # type: ignore[misc]
            self._journal.note(f"scenario {name}: {step[0]} → {step[1]}", began=began)

    async def _refused(self, account: str, user: str) -> None:
        """Instagram has no such user: refused for good."""
        now = round(time.time() * 1000)
        event = {
            "sender": {"id": user},
            "recipient": {"id": account},
            "timestamp": now,
            "message": {"mid": f"mid-{user}", "text": "Tere!"},
        }
        payload = {
            "object": "instagram",
            "entry": [{"id": account, "time": now, "messaging": [event]}],
        }
        await self._traffic.call("raw-webhook", {"payload": payload})

    async def _unknown(self, account: str, user: str) -> None:
        """Ambiguous twice."""
        await self._graph("server_error", user, 2)
        await self._write(account, user)

    async def _too_late(self, account: str, user: str) -> None:
        """Ambiguous, not done, and its window closes before that is known."""
        await self._graph("server_error", user, 1)
        await self._write(account, user, open_ms=OPEN_MS)

    async def _window_closes(self, account: str, user: str) -> None:
        """Throttled until its window closes."""
        await self._graph("throttle", user, 1000)
        await self._write(account, user, open_ms=OPEN_MS)

    async def _person(self, account: str, user: str) -> None:
        """Throttled until a person answers."""
        await self._graph("throttle", user, 1000)
        await self._write(account, user)
        await self._until(lambda: self._is(user, "pending"), 30)
        await self._traffic.call(
            "personal-answer", {"account": account, "user": user, "text": f"Siin Mari. {user}"}
        )

    async def _forgotten(self, account: str, user: str) -> None:
        """Nobody agrees before the window closes."""
        await self._write(account, user, open_ms=OPEN_MS)

    async def _approved(self, account: str, user: str) -> None:
        await self._decided(account, user, "approve")

    async def _rejected(self, account: str, user: str) -> None:
        await self._decided(account, user, "reject")

    async def _decided(self, account: str, user: str, word: str) -> None:
        """An operator says yes or no, by the command, and again where something was away."""
        await self._write(account, user)
        await self._until(lambda: self._is(user, "draft"), 30)
        conversation = conversation_id(account, user)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not await self._is_not(user, "draft"):
            found = await self._operate("drafts", "--json") or "[]"
            turns = [
                one["turn"] for one in json.loads(found) if one["conversation"] == conversation
            ]
            handed_in = [await self._operate(word, conversation, str(turn)) for turn in turns]
            # What a command hands in, the conversation's owner does.
            seconds = HANDED_IN_SECONDS if any(handed_in) else AGAIN_SECONDS
            await self._until(lambda: self._is_not(user, "draft"), seconds)

    async def _operate(self, *words: str) -> str | None:
        return await operate(self._world.folder, self._world.settings, "conversations", *words)

    async def _write(self, account: str, user: str, *, open_ms: int | None = None) -> None:
        body: dict[str, Any] = {"account": account, "user": user, "text": f"Mis kell? #{user}-1"}
        if open_ms is not None:
            body["timestamp_ms"] = round(time.time() * 1000) - WINDOW_MS + open_ms
        await self._traffic.call("messages", body)

    async def _graph(self, kind: str, user: str, times: int) -> None:
        await self._traffic.call("faults", {"rules": [{"kind": kind, "next": times, "user": user}]})

    async def _is(self, user: str, state: str) -> bool:
        try:
            return state in await self._world.steps.states_of(user)
        except AWAY:
            return False  # it is being restarted

    async def _is_not(self, user: str, state: str) -> bool:
        try:
            return state not in await self._world.steps.states_of(user)
        except AWAY:
            return False  # it is being restarted

    async def _taken(self, step: Step) -> bool:
        try:
            return (await self._world.steps.counted())[step] > 0
        except AWAY:
            return False  # it is being restarted

    async def _until(self, condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not await condition():
            await asyncio.sleep(0.5)
