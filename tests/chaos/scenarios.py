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
from tests.chaos.world import DESK, STAGE, World
from tests.e2e.traffic import Traffic
from vestlus.conversation.identity import conversation_id
from vestlus.conversation.window import WINDOW_MS
from vestlus.store.ledger import SendState

Step = tuple[SendState, SendState]

#: Until a scenario is begun anew with another user, seconds: two settlings; a sweep of drafts.
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
        """Returns when every step was taken. Those that Graph's faults bring about come one after
        the other, since some hold up their whole account.
        """
        plays: Mapping[str, tuple[Callable[[str], Awaitable[None]], Step]] = {
            "refused": (self._refused, (SendState.SENDING, SendState.DEAD)),
            "unknown": (self._unknown, (SendState.LOOKING, SendState.UNKNOWN)),
            "too_late_to_repeat": (self._too_late, (SendState.LOOKING, SendState.DEAD)),
            "window_closes": (self._window_closes, (SendState.PENDING, SendState.DEAD)),
            "person": (self._person, (SendState.PENDING, SendState.CANCELLED)),
        }
        drafts: Mapping[str, tuple[Callable[[str], Awaitable[None]], Step]] = {
            "draft_approved": (self._approved, (SendState.DRAFT, SendState.PENDING)),
            "draft_rejected": (self._rejected, (SendState.DRAFT, SendState.CANCELLED)),
        }
        forgotten = {"draft_forgotten": (self._forgotten, (SendState.DRAFT, SendState.DEAD))}
        async with asyncio.TaskGroup() as group:
            for listed in (plays, drafts, forgotten):
                group.create_task(self._all(listed), name="scenarios")

    async def _all(
        self, plays: Mapping[str, tuple[Callable[[str], Awaitable[None]], Step]]
    ) -> None:
        for name, (play, step) in plays.items():
            began = time.time()
            while not await self._taken(step):
                self._tries += 1
                await play(f"s{name.replace('_', '')}{self._tries}")
                patience = SWEEP_PATIENCE if play == self._forgotten else PATIENCE
                await self._until(lambda step=step: self._taken(step), patience)  # type: ignore[misc]
            self._journal.note(f"scenario {name}: {step[0]} → {step[1]}", began=began)

    async def _refused(self, user: str) -> None:
        """Instagram has no such user: refused for good."""
        now = round(time.time() * 1000)
        event = {
            "sender": {"id": user},
            "recipient": {"id": STAGE},
            "timestamp": now,
            "message": {"mid": f"mid-{user}", "text": "Tere!"},
        }
        payload = {
            "object": "instagram",
            "entry": [{"id": STAGE, "time": now, "messaging": [event]}],
        }
        await self._traffic.call("raw-webhook", {"payload": payload})

    async def _unknown(self, user: str) -> None:
        """Ambiguous twice."""
        await self._graph("server_error", user, 2)
        await self._write(STAGE, user)

    async def _too_late(self, user: str) -> None:
        """Ambiguous, not done, and its window closes before that is known."""
        await self._graph("server_error", user, 1)
        await self._write(STAGE, user, open_ms=OPEN_MS)

    async def _window_closes(self, user: str) -> None:
        """Throttled until its window closes."""
        await self._graph("throttle", user, 1000)
        await self._write(STAGE, user, open_ms=OPEN_MS)

    async def _person(self, user: str) -> None:
        """Throttled until a person answers."""
        await self._graph("throttle", user, 1000)
        await self._write(STAGE, user)
        await self._until(lambda: self._is(user, "pending"), 30)
        await self._traffic.call(
            "personal-answer", {"account": STAGE, "user": user, "text": f"Siin Mari. {user}"}
        )

    async def _forgotten(self, user: str) -> None:
        """Nobody agrees before the window closes."""
        await self._write(DESK, user, open_ms=OPEN_MS)

    async def _approved(self, user: str) -> None:
        await self._decided(user, "approve")

    async def _rejected(self, user: str) -> None:
        await self._decided(user, "reject")

    async def _decided(self, user: str, word: str) -> None:
        """An operator says yes or no, by the command, and again where something was away."""
        await self._write(DESK, user)
        await self._until(lambda: self._is(user, "draft"), 30)
        conversation = conversation_id(DESK, user)
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
