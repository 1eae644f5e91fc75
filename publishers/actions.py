"""Typing and read marks: shown while there is room, and never missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable

import structlog

from publishers.bucket import Bucket
from publishers.lane import Lane
from publishers.rate import CallKind
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus.clock import Clock
from vestlus.errors import GraphError, Throttled
from vestlus.instagram.graph_errors import stops_account
from vestlus.instagram.port import Presence
from vestlus.messages import ActionRequest

_log = structlog.get_logger(__name__)

#: How soon an account is looked at again that has no room at this moment.
_GLANCE_SECONDS = 0.05

#: Starts a task, named, whose failure ends the worker.
Spawn = Callable[[Coroutine[None, None, None], str], None]


class Actions:
    """Shows users what their accounts want them shown, as far as nothing better is to be done.

    A request is dropped when it is late, when its user is being answered, when its account is
    stopped or has too many of them, and when the process shows as many as it may. It waits while
    answers are waiting, and takes only what they leave of the account's budget. One user has one
    under way at most, in order. None is tried again, and no failure of one matters.
    """

    def __init__(
        self,
        *,
        presence: Presence,
        may_call: Callable[[], bool],
        spawn: Spawn,
        clock: Clock,
        monotonic: Callable[[], float],
        share: Bucket,
        rules: SendingRules,
        tally: Tally,
    ) -> None:
        """``share`` is of all partitions of the process."""
        self._monotonic = monotonic
        self._share = share
        self._presence = presence
        self._may_call = may_call
        self._spawn = spawn
        self._clock = clock
        self._rules = rules
        self._tally = tally
        #: What was asked for until :meth:`take` takes it.
        self._asked: asyncio.Queue[ActionRequest] = asyncio.Queue(rules.actions_waiting)
        #: By account: what waits, by user and action, oldest first.
        self._waiting: dict[str, dict[tuple[str, str], ActionRequest]] = {}
        #: Account and user of what is under way.
        self._under_way: set[tuple[str, str]] = set()
        self._changed = asyncio.Event()

    def ask(self, requests: Iterable[ActionRequest]) -> None:
        """These are to be shown; at any time, also before anything can be."""
        for request in requests:
            try:
                self._asked.put_nowait(request)
            except asyncio.QueueFull:
                self._tally.count("action_dropped")

    async def take(self, lane_of: Callable[[str], Lane]) -> None:
        """Takes what is asked for to its account's lane, for good."""
        while True:
            request = await self._asked.get()
            self.offer(lane_of(request.account), request)

    def offer(self, lane: Lane, request: ActionRequest) -> None:
        """Takes a request, or drops it. A newer one replaces what waits to show the same."""
        waiting = self._waiting.setdefault(lane.account, {})
        place = (request.user, request.action)
        full = len(waiting) >= self._rules.actions_waiting and place not in waiting
        if full or lane.stopped or request.until_ms < self._clock():
            self._tally.count("action_dropped")
            return
        waiting[place] = request
        self._changed.set()

    def answering(self, account: str, user: str) -> None:
        """An answer to this user is about to go: what waits to be shown would come after it."""
        waiting = self._waiting.get(account, {})
        for place in [one for one in waiting if one[0] == user]:
            self._drop(account, place)

    async def walk(self, lane: Lane) -> None:
        """Shows what is offered for one account, for good."""
        while True:
            self._changed.clear()
            self._drop_useless(lane)
            request = self._next(lane.account)
            if request is None:
                await self._changed.wait()
                continue
            if self._share.wait(self._monotonic()) > 0:
                self._drop(lane.account, (request.user, request.action))
                continue
            idle = lane.is_idle(self._clock()) and self._may_call()
            if not (idle and lane.budget.take_spare()):
                await asyncio.sleep(_GLANCE_SECONDS)
                continue
            self._share.take(self._monotonic())
            del self._waiting[lane.account][request.user, request.action]
            self._under_way.add((lane.account, request.user))
            self._spawn(self._show(lane, request), "action")

    def _drop_useless(self, lane: Lane) -> None:
        now_ms = self._clock()
        for place, request in tuple(self._waiting.get(lane.account, {}).items()):
            if lane.stopped or request.until_ms < now_ms:
                self._drop(lane.account, place)

    def _drop(self, account: str, place: tuple[str, str]) -> None:
        del self._waiting[account][place]
        self._tally.count("action_dropped")

    def _next(self, account: str) -> ActionRequest | None:
        """The oldest request of a user who has none under way."""
        waiting = self._waiting.get(account, {}).values()
        free = (one for one in waiting if (account, one.user) not in self._under_way)
        return next(free, None)

    async def _show(self, lane: Lane, request: ActionRequest) -> None:
        try:
            async with asyncio.timeout(self._rules.action_seconds):
                await self._presence.sender_action(
                    request.account,
                    request.user,
                    request.action,
                    gate=lambda: lane.budget.pace(self._rules.action_seconds, CallKind.ACTION),
                )
        except Throttled as error:
            self._failed(request, error.reason)
            lane.budget.pause_extras(error.retry_after)
        except GraphError as error:
            self._failed(request, error.reason)
            if stops_account(error):
                lane.budget.pause_extras(self._rules.token_probe_seconds)
        except TimeoutError:
            self._failed(request, "timeout")
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong here matters
            self._failed(request, type(error).__name__)
        else:
            self._tally.count("acted")
        finally:
            self._under_way.discard((lane.account, request.user))
            self._changed.set()

    def _failed(self, request: ActionRequest, reason: str) -> None:
        self._tally.count("action_dropped")
        _log.info("action_failed", account=request.account, action=request.action, reason=reason)
