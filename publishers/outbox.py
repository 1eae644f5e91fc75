"""The walk along one outbox partition: due rows are sent, doubtful ones looked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable

import structlog

from publishers.actions import Actions
from publishers.attempt import MetaClock
from publishers.book import LedgerBook
from publishers.dispatch import Dispatch
from publishers.drafts import DraftSweep
from publishers.echo_evidence import EchoEvidence
from publishers.lane import Lane
from publishers.lanes import Lanes
from publishers.look import Look
from publishers.looking import Looker
from publishers.lookout import Lookout
from publishers.missed_reading import SearchParts
from publishers.notes import Notes
from publishers.outcome import Outcomes
from publishers.pictures import PictureDesk, PictureSource
from publishers.posts_worker import PostWorker
from publishers.reader import LedgerReader
from publishers.rules import SendingRules
from publishers.searches import Searches
from publishers.sending import LeaseRemaining, Sender
from publishers.tally import Tally
from publishers.together import TogetherLedger
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import LeaseLost
from vestlus.instagram.port import Messaging
from vestlus.instagram.usage import Usage
from vestlus.messages import ActionRequest, SearchRequest, SendReference
from vestlus.store.ledger import SendState
from vestlus.store.port import Ledger
from vestlus.store.rows import Lease, SendRow

_log = structlog.get_logger(__name__)


class OutboxWorker:
    """Serves one outbox partition for as long as its lease is held.

    - Each conversation has at most one row in hand, its first unfinished one: a user's order is
      kept. Conversations go at the same time, nearest deadline first.
    - Each account has a queue, a budget, slots and a share of the memory of its own: none delays
      another, whatever it has waiting. What waits for a stopped account stays in the ledger.
    - What is in memory is a cache of the ledger; a new worker reads it anew.
    - ``posts``, if given, are published beside the messages, in the same budgets.

    :meth:`run` does everything and returns when cancelled. It raises LeaseLost when the lease
    is lost, and whatever else ends it. Requests in flight at a hard stop are left SENDING, which
    the next holder treats as ambiguous; :meth:`drain` first lets them finish.
    """

    def __init__(
        self,
        *,
        lease: Lease,
        ledger: Ledger,
        together: TogetherLedger,
        messaging: Messaging,
        pictures: PictureSource,
        lease_remaining: LeaseRemaining,
        clock: Clock,
        monotonic: Callable[[], float],
        rules: SendingRules,
        tally: Tally,
        chance: random.Random,
        missed: SearchParts | None = None,
        posts: PostWorker | None = None,
    ) -> None:
        """Without ``missed``, no missed messages are looked for; ``posts`` are published beside the
        messages, in the same budgets.
        """
        self._lease = lease
        self._posts = posts
        self._clock = clock
        self._searches = Searches(missed, lease=lease, clock=clock, rules=rules, tally=tally)
        self._book = LedgerBook(
            ledger=ledger,
            together=together,
            lease=lease,
            clock=clock,
            tally=tally,
        )
        self._lanes = Lanes(rules, clock, monotonic, stopped=self._stopped, opened=self._opened)
        self._reader = LedgerReader(self._book, rules, monotonic, self._learn, self._lanes)
        meta = MetaClock(clock, monotonic, rules)
        echoes = EchoEvidence(ledger, meta, rules)
        self._outcomes = Outcomes(clock=clock, rules=rules, tally=tally, chance=chance)
        self._sender = Sender(
            book=self._book,
            messaging=messaging,
            desk=PictureDesk(
                source=pictures,
                uploads=messaging,
                ledger=ledger,
                clock=clock,
                monotonic=monotonic,
                rules=rules,
                tally=tally,
            ),
            outcomes=self._outcomes,
            lease_remaining=lease_remaining,
            clock=clock,
            monotonic=monotonic,
            echoes=echoes,
            rules=rules,
            tally=tally,
        )
        self._dispatch = Dispatch(
            sender=self._sender, through=self._reader.again, spawn=self._spawn, clock=clock
        )
        self._drafts = DraftSweep(book=self._book, rules=rules)
        self._actions = Actions(
            presence=messaging,
            may_call=lambda: not self._dispatch.draining and self._sender.lease_suffices(),
            spawn=self._spawn,
            clock=clock,
            monotonic=monotonic,
            share=together.actions,
            rules=rules,
            tally=tally,
        )
        looker = Looker(
            book=self._book,
            ledger=ledger,
            messaging=messaging,
            clock=clock,
            monotonic=monotonic,
            meta=meta,
            echoes=echoes,
            rules=rules,
            tally=tally,
        )
        self._lookout = Lookout(
            looker=looker,
            lanes=self._lanes,
            looked=self._looked,
            spawn=self._spawn,
            clock=clock,
            rules=rules,
        )
        self._group: asyncio.TaskGroup | None = None

    @property
    def in_flight(self) -> int:
        """Rows whose attempt is under way."""
        return self._lanes.in_flight

    @property
    def waiting(self) -> int:
        """Rows in memory that wait for their turn; of a stopped account few are."""
        return self._lanes.waiting

    @property
    def looking(self) -> int:
        """Ambiguous sends."""
        return self._lanes.looking

    @property
    def held_up_seconds(self) -> float:
        """How long the oldest row has been due that only this process or the store holds up."""
        return self._lanes.held_up_seconds()

    def ring(self, sends: Iterable[SendReference]) -> None:
        """These rows were just written. Losing a ring delays until the next reading."""
        sends = tuple(sends)
        self._reader.ring(sends)
        self._searches.heard({one.account for one in sends})

    def show(self, actions: Iterable[ActionRequest]) -> None:
        """Users are to be shown something, if it can be done in time."""
        actions = tuple(actions)
        self._actions.ask(actions)
        self._searches.heard({one.account for one in actions})

    def search(self, requests: Iterable[SearchRequest]) -> None:
        """Somebody wants missed messages of these accounts to be looked for."""
        self._searches.ask(requests)

    def bus_returned(self) -> None:
        """The bus was away: where it was for the webhook too, what came meanwhile was refused."""
        self._searches.suspect("bus_was_away")

    def usage(self, account: str, usage: Usage) -> None:
        """Follows Meta's usage headers for an account, if it is one of this partition."""
        if (lane := self._lanes.get(account)) is not None:
            lane.usage(usage)

    def token_renewed(self, account: str) -> None:
        """An account has a new token: it need not wait for the next probe."""
        if (lane := self._lanes.get(account)) is not None:
            lane.resume(self._clock())

    async def drain(self, seconds: float) -> bool:
        """Begins nothing more and waits for what is in flight; whether all of it ended."""
        self._dispatch.draining = self._lookout.draining = True
        if self._posts is not None:
            self._posts.draining = True
        try:
            async with asyncio.timeout(seconds):
                if self._posts is not None:
                    await self._posts.drained()
                for lane in tuple(self._lanes.values()):
                    while lane.in_flight or lane.readings.under_way:
                        lane.changed.clear()
                        await lane.changed.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Serves until cancelled. Raises LeaseLost."""
        try:
            async with self._book:
                recovered = await until_available(self._book.recover)
                if recovered:
                    _log.warning("sends_left_ambiguous", lease=self._lease.name, count=recovered)
                restored_ms = await until_available(self._searches.restored)
                async with asyncio.TaskGroup() as group:
                    self._group = group
                    self._spawn(self._reader.run(), "reader")
                    self._spawn(self._lookout.walk_echoes(), "echoes")
                    self._spawn(self._drafts.run(), "drafts")
                    self._spawn(self._actions.take(self._lane), "asked")
                    self._searches.begin(self._lane, restored_ms)
                    if self._posts is not None:
                        self._spawn(self._posts.run(self._lane), "posts")
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        """Starts a task whose failure ends the worker."""
        if self._group is None:
            message = "the worker does not run"
            raise RuntimeError(message)
        self._group.create_task(work, name=f"{self._lease.name}.{name}")

    def _learn(self, row: SendRow) -> None:
        lane = self._lane(row.account)
        if row.state is SendState.PENDING:
            self._actions.answering(row.account, row.user)
            lane.add(row, self._clock())
        elif row.state is SendState.LOOKING:
            self._lookout.add(lane, row, self._outcomes.of(row))
        else:
            self._spawn(self._doubt(row), "doubt")

    def _lane(self, account: str) -> Lane:
        if (lane := self._lanes.get(account)) is not None:
            return lane
        lane = self._lanes.new(account)
        self._spawn(self._dispatch.walk(lane), "sends")
        self._spawn(self._lookout.walk_reads(lane), "reads")
        self._spawn(self._actions.walk(lane), "actions")
        return lane

    def _stopped(self, lane: Lane) -> None:
        self._reader.let_go(lane.surplus(self._clock(), self._lanes.dying_ms()))

    def _opened(self) -> None:
        self._reader.hurry()

    def _looked(self, look: Look) -> None:
        notes, row = self._outcomes.notes, look.row
        notes.pop(row.id, None)
        if look.resends:
            # Its echo may still come, and be told by when it was attempted.
            notes[row.id] = Notes(claimed_at=look.claimed_at)
        self._reader.again(row)

    async def _doubt(self, row: SendRow) -> None:
        """A row that is SENDING although nobody here sends it: its claim's answer was lost."""
        await self._sender.doubt(row)
        self._reader.again(row)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the worker: the loss of its lease, if that is among it."""
    leaves: list[BaseException] = []
    groups: list[BaseExceptionGroup[BaseException]] = [errors]
    while groups:
        for error in groups.pop().exceptions:
            if isinstance(error, BaseExceptionGroup):
                groups.append(error)
            else:
                leaves.append(error)
    return next((error for error in leaves if isinstance(error, LeaseLost)), leaves[0])
