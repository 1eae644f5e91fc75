"""The walk along the posts of one outbox partition."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from publishers.lane import Lane
from publishers.posts_book import PostBook
from publishers.posts_desk import NotNow, PostDesk, PostPictures
from publishers.posts_moves import PostMoves
from publishers.posts_outcome import PostOutcomes
from publishers.posts_quota import PostQuotas
from publishers.posts_rules import PostRules
from publishers.rate import CallKind
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus import tracing
from vestlus.errors import LeaseLost
from vestlus.instagram.port import Publishing
from vestlus.steady_clock import SteadyClock
from vestlus.store.port import Posts
from vestlus.store.post_rows import PostRow
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)

LaneOf = Callable[[str], Lane]


@dataclass(frozen=True, slots=True)
class Posting:
    """What a publisher needs for posts, beside what it needs for messages."""

    store: Posts
    publishing: Publishing
    pictures: PostPictures
    rules: PostRules


class PostWorker:
    """Publishes what is planned for the accounts of one outbox partition, under its lease.

    - Each account has one request for posts under way at most, and a class of its own in the
      account's budget: posts take nothing from messages, and wait a while for them to go first.
    - The earliest planned post goes first where the day's quota has room for some only.
    - Nothing is begun, and nothing given up, by a clock that has just jumped ahead.
    - What is in memory is nothing that the store does not have.

    :meth:`run` does everything and returns when cancelled. It raises LeaseLost. A request in
    flight at a hard stop leaves its post in doubt; :meth:`drained` first lets it finish.
    """

    def __init__(
        self,
        *,
        lease: Lease,
        posting: Posting,
        lease_remaining: Callable[[], float],
        clock: SteadyClock,
        monotonic: Callable[[], float],
        rules: SendingRules,
        tally: Tally,
    ) -> None:
        self._lease = lease
        self._lease_remaining = lease_remaining
        self._needed = rules.request_seconds + rules.lease_margin_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._rules = posting.rules
        self._book = PostBook(store=posting.store, lease=lease, clock=clock)
        quotas = PostQuotas(
            store=posting.store,
            limits_of=rules.limits_of,
            rules=posting.rules,
            clock=clock,
            monotonic=monotonic,
        )
        desk = PostDesk(
            book=self._book,
            store=posting.store,
            publishing=posting.publishing,
            pictures=posting.pictures,
            quotas=quotas,
            outcomes=PostOutcomes(posting.rules),
            request_seconds=rules.request_seconds,
            may_begin=self._may_begin,
            clock=clock,
            tally=tally,
        )
        self._moves = PostMoves(desk)
        #: Accounts with a task at work, and until when others wait, on the monotonic clock.
        self._busy: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._changed = asyncio.Event()
        #: Set once nothing may be begun any more.
        self.draining = False

    async def run(self, lane_of: LaneOf) -> None:
        """Serves until cancelled. Raises LeaseLost."""
        async with self._book:
            if recovered := await self._book.recover():
                _log.warning("posts_left_in_doubt", lease=self._lease.name, count=recovered)
            async with asyncio.TaskGroup() as group:
                while True:
                    self._changed.clear()
                    if not (self.draining or self._clock.unsettled_seconds()):
                        await self._begin(group, lane_of)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._rules.poll_seconds):
                            await self._changed.wait()

    async def drained(self) -> None:
        """Waits for what is under way; nothing begins once :attr:`draining` is set."""
        while self._busy:
            self._changed.clear()
            await self._changed.wait()

    async def _begin(self, group: asyncio.TaskGroup, lane_of: LaneOf) -> None:
        """Starts a task for each account that has something due and none yet."""
        now = self._monotonic()
        resting = {account for account, until in self._not_before.items() if until > now}
        posts = await self._book.due(self._rules.page, frozenset(self._busy | resting))
        by_account: defaultdict[str, list[PostRow]] = defaultdict(list)
        for post in posts:
            by_account[post.account].append(post)
        for account, due in by_account.items():
            self._busy.add(account)
            due.sort(key=lambda post: (post.planned_ms, post.id))
            group.create_task(
                self._serve(account, due, lane_of(account)), name=f"{self._lease.name}.posts"
            )

    async def _serve(self, account: str, due: Sequence[PostRow], lane: Lane) -> None:
        try:
            for post in due:
                # Without a request too, a post may be given up by what the clock says.
                if self.draining or self._clock.unsettled_seconds():
                    return
                with tracing.continued("post step", post.traceparent) as span:
                    span.note(account=account, post__state=str(post.state))
                    pause = await self._moves.move(post, lambda: self._admit(lane))
                if pause:
                    self._not_before[account] = self._monotonic() + pause
                    return
        except LeaseLost:
            raise
        except Exception as defect:  # noqa: BLE001 - what is wrong with posts must not stop messages
            _log.error("posts_failed_unexpectedly", account=account, error=type(defect).__name__)
            self._not_before[account] = self._monotonic() + self._rules.defect_seconds
        finally:
            self._busy.discard(account)
            self._changed.set()

    def _may_begin(self) -> bool:
        """See :attr:`publishers.posts_desk.PostDesk.may_begin`."""
        return self._lease_remaining() > self._needed and not self._clock.unsettled_seconds()

    async def _admit(self, lane: Lane) -> None:
        """See :data:`publishers.posts_desk.Admit`."""
        for _ in range(self._rules.patience_looks):
            if lane.is_idle(self._clock()):
                break
            await asyncio.sleep(self._rules.patience_look_seconds)
        if not await lane.budget.take_within(CallKind.PUBLISH, self._rules.turn_seconds):
            raise NotNow(lane.budget.paused_seconds())
        if self.draining or not self._may_begin():
            raise NotNow(0.0)
