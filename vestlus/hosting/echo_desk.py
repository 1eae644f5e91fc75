"""Tells whose echoes are, and comes back to those of which that cannot be told at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.conversation.echoes import EchoTrust, Judgement, Sent, Whose, judge_echo
from vestlus.conversation.events import Event, EventKind
from vestlus.errors import LeaseLost
from vestlus.hosting.effects import PeoplePolicy, effect_of, settled_change
from vestlus.hosting.recent_sends import RecentSends
from vestlus.store.port import Turns
from vestlus.store.rows import Lease, NewEvent, RecordedEvent, Settled

_log = structlog.get_logger(__name__)

#: Between two looks at echoes that are undetermined.
LOOK_SECONDS = 0.5

PolicyOf = Callable[[str], PeoplePolicy]


@dataclass(slots=True)
class EchoCounts:
    """What echoes were, since the start of this process."""

    ours: int = 0
    persons: int = 0
    automation: int = 0
    unmatched: int = 0


class EchoDesk:
    """Decides what recorded events mean, with a look at the ledger where an echo is among them.

    An echo is judged on what the ledger says after it came: whatever it may be the echo of was
    claimed before. Undetermined echoes hold the bot's sends to that user in the store, and are
    judged again every half second here until the sends under way are settled; a new owner of the
    partition goes on with them. ``lost`` is told of a lease that turned out to be lost.
    """

    def __init__(
        self,
        *,
        store: Turns,
        clock: Clock,
        policy_of: PolicyOf,
        changed: Callable[[Lease, str], None],
        lost: Callable[[Lease], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._policy_of = policy_of
        self._changed = changed
        self._lost = lost
        self._failed = failed
        self._recent = RecentSends(store)
        self._trust: dict[str, EchoTrust] = {}
        self._open: dict[Lease, dict[int, RecordedEvent]] = {}
        self._waiting = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.counts = EchoCounts()

    async def __aenter__(self) -> Self:
        await self._recent.__aenter__()
        self._task = asyncio.create_task(self._run(), name="echo desk")
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._recent.close()

    async def take_over(self, lease: Lease) -> None:
        """Goes on with what an earlier owner could not tell. Raises StoreUnavailable."""
        self.hold(lease, await self._store.undetermined(lease))

    def hold(self, lease: Lease, undetermined: Sequence[RecordedEvent]) -> None:
        """Comes back to these echoes."""
        if undetermined:
            self._open.setdefault(lease, {}).update({one.seq: one for one in undetermined})
            self._waiting.set()

    def drop(self, lease: Lease) -> None:
        """Somebody else sees to the partition's echoes now."""
        self._open.pop(lease, None)

    def forget(self, lease: Lease, conversation: str) -> None:
        """The user was erased: their echoes are in nobody's memory any more."""
        mine = self._open.get(lease, {})
        for seq in [seq for seq, one in mine.items() if one.event.conversation == conversation]:
            del mine[seq]

    async def weigh(self, events: Sequence[Event]) -> list[NewEvent]:
        """The events as they are to be recorded. Raises StoreUnavailable."""
        now = self._clock()
        echoes = [one for one in events if one.kind is EventKind.ECHO and one.conversation]
        sends = await self._sends(echoes, now) if echoes else {}
        quotes = await self._quotes(events)
        weighed = []
        for event in events:
            policy = self._policy_of(event.account)
            judgement = None
            if event.kind is EventKind.ECHO and event.conversation:
                mine = sends.get(event.conversation, ())
                judgement = self._judge(event, mine, policy, recorded_ms=now, now_ms=now)
                if judgement.whose is Whose.OURS:
                    # A second echo in the same delivery is not this send's too.
                    sends[event.conversation] = _claimed(mine, judgement.send, event.mid)
            weighed.append(
                effect_of(event, policy, now, judgement=judgement, quotes=quotes.get(event.key))
            )
        return weighed

    def _judge(
        self,
        echo: Event,
        sends: Sequence[Sent],
        policy: PeoplePolicy,
        *,
        recorded_ms: int,
        now_ms: int,
    ) -> Judgement:
        judgement = judge_echo(echo, sends, policy.echoes, recorded_ms=recorded_ms, now_ms=now_ms)
        trust = self._trust.setdefault(echo.account, EchoTrust())
        already_lost = trust.lost
        judgement = trust.judge(judgement, echo.mid)
        if judgement.suspicious and trust.lost:
            self.counts.unmatched += 1
            if not already_lost:
                _log.error("own_echoes_not_recognised", account=echo.account)
        match judgement.whose:
            case Whose.OURS:
                self.counts.ours += 1
            case Whose.PERSON:
                self.counts.persons += 1
            case Whose.AUTOMATION:
                self.counts.automation += 1
            case Whose.UNDETERMINED:
                pass
        return judgement

    async def _sends(self, echoes: Sequence[Event], now_ms: int) -> dict[str, tuple[Sent, ...]]:
        """What was sent lately in these echoes' conversations."""
        policies = {one.account: self._policy_of(one.account).echoes for one in echoes}
        longest = max(one.text_window_ms for one in policies.values())
        oldest = min(min(one.timestamp_ms, now_ms) for one in echoes)
        # Webhooks may be days late, but nobody would search days of sends for one of them.
        since = max(oldest, now_ms - 24 * 60 * 60 * 1000) - longest
        conversations = {str(one.conversation) for one in echoes}
        return await self._recent.of(conversations, since)

    async def _quotes(self, events: Sequence[Event]) -> dict[str, Mapping[str, str]]:
        reactions: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in events:
            if event.kind is EventKind.REACTION and event.mid and event.conversation:
                reactions[event.account, event.conversation].append(event)
        quotes: dict[str, Mapping[str, str]] = {}
        # Once for each conversation, however much its user reacts to.
        for (account, conversation), some in reactions.items():
            texts = await self._store.texts_of(
                account, conversation, {one.mid for one in some if one.mid}
            )
            quotes |= {one.key: texts for one in some}
        return quotes

    async def _run(self) -> None:
        while True:
            await self._waiting.wait()
            await asyncio.sleep(LOOK_SECONDS)
            for lease in list(self._open):
                try:
                    await until_available(partial(self._look, lease))
                except LeaseLost:
                    self.drop(lease)
                    self._lost(lease)
            if not any(self._open.values()):
                self._waiting.clear()

    async def _look(self, lease: Lease) -> None:
        """Judges a partition's open echoes again, and settles those that can be told."""
        mine = dict(self._open.get(lease, {}))
        if not mine:
            self._open.pop(lease, None)
            return
        now = self._clock()
        sends = await self._sends([one.event for one in mine.values()], now)
        settled: list[Settled] = []
        for seq, one in mine.items():
            conversation = str(one.event.conversation)
            policy = self._policy_of(one.event.account)
            known = sends.get(conversation, ())
            judgement = self._judge(
                one.event, known, policy, recorded_ms=one.recorded_ms, now_ms=now
            )
            if judgement.whose is Whose.UNDETERMINED:
                continue
            ours = judgement.send if judgement.whose is Whose.OURS else None
            if ours:
                sends[conversation] = _claimed(known, ours, one.event.mid)
            change = settled_change(one.event, judgement, policy, now)
            settled.append(
                Settled(
                    seq=seq,
                    conversation=conversation,
                    change=change,
                    echo_of=ours,
                    mid=one.event.mid or "",
                )
            )
        if not settled:
            return
        await self._store.settle(lease, settled, now)
        still = self._open.get(lease, {})
        for done in settled:
            still.pop(done.seq, None)
            if done.change is not None:
                self._changed(lease, done.conversation)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)


def _claimed(sends: Sequence[Sent], send: str | None, mid: str | None) -> tuple[Sent, ...]:
    return tuple(
        replace(one, echo_mid=one.echo_mid or mid) if one.id == send else one for one in sends
    )
