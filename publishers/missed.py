"""Looking for messages whose webhooks never came, one call at a time, for one account."""

from __future__ import annotations

import math

import structlog

from publishers.gaps import Gaps
from publishers.left_out import LeftOut
from publishers.missed_reading import MissedReader, SearchParts
from publishers.missed_run import TRIES, Run
from publishers.rate import AccountBudget, CallKind
from publishers.reconcile import retry_seconds
from publishers.rules import SendingRules
from publishers.tally import Tally
from vestlus.backoff import until_available
from vestlus.clock import Clock
from vestlus.errors import BusUnavailable, GraphError, LeaseLost, Refused, Throttled
from vestlus.instagram.graph_errors import stops_account
from vestlus.instagram.missed import MissedPolicy
from vestlus.measuring.catalogue import (
    MISSED_LOOKS,
    MISSED_MESSAGES,
    MISSED_UNREADABLE,
    MISSED_UNTIL,
    of,
)
from vestlus.store.rows import Lease

_log = structlog.get_logger(__name__)


class MissedSearch:
    """Reads the account's newest conversations and publishes what no webhook brought.

    A look reads every conversation that was updated since the last complete look began, less a
    margin; so nothing that Instagram still lists is passed over: a message is never older than
    its conversation's last update, and each conversation's newest 20 messages are compared one
    by one with what is recorded. What is found goes through the inbox, with the key that its
    webhook would have. The time noted in the store moves on only when a look was complete:
    when each of them was read, or Instagram refused it five times. What it refused is tried again
    by the looks of the next hour, as far back as by the first, while this search lives.

    The first look of an account takes in nothing: what was written before the service knew the
    account is no business of the bot's.

    :meth:`call` makes at most one call of the Conversations API. A kill costs what was read.
    """

    def __init__(
        self,
        account: str,
        *,
        lease: Lease,
        parts: SearchParts,
        clock: Clock,
        rules: SendingRules,
        tally: Tally,
        restored_ms: int = 0,
    ) -> None:
        """``restored_ms`` is when the store was restored from a backup, 0 for never."""
        self._account = account
        self._lease = lease
        self._parts = parts
        self._clock = clock
        self._rules = rules
        self._tally = tally
        self._policy = MissedPolicy(
            grace_ms=round(rules.missed_grace_seconds * 1000),
            stale_ms=round(rules.missed_stale_seconds * 1000),
            tolerance_ms=round(rules.clock_tolerance_seconds * 1000),
        )
        self._reader = MissedReader(
            account, parts=parts, policy=self._policy, clock=clock, tally=tally
        )
        self._gaps = Gaps(rules)
        self._run: Run | None = None
        #: A new holder of the lease does not know them.
        self._left_out = LeftOut()
        self._asked_since_ms: int | None = None
        self._failures = 0
        #: Whether the last call failed for want of the bus.
        self._waits_for_bus = False
        #: When the next call, or the next look by itself, is due.
        self._next_ms = clock() if rules.missed_sweep_seconds > 0 or restored_ms else None
        self._restored_ms = restored_ms
        #: Until when everything is known to be recorded, as far as this search was told.
        self._known_ms = 0

    @property
    def holds_sends(self) -> bool:
        """Whether nothing may be sent yet: the store was restored from a backup, and what Instagram
        has of the time since is not recorded. What seems unanswered may have been answered.
        """
        return self._known_ms < self._restored_ms

    def ask(self, since_ms: int) -> None:
        """A person wants a look, as far back as that; it begins when the one under way ends."""
        asked = self._asked_since_ms
        self._asked_since_ms = since_ms if asked is None else min(asked, since_ms)
        if self._run is None:
            self._next_ms = self._clock()

    def suspect(self, sign: str) -> None:
        """By this sign webhooks may have been lost: looks come sooner, where there are any. It came
        by the bus, or from it: one that could not pass on what it found goes on at once.
        """
        if not self._gaps.suspected:
            _log.info("delivery_gap_suspected", account=self._account, sign=sign)
        self._gaps.suspect(self._clock())
        if self._waits_for_bus:
            self._waits_for_bus, self._failures = False, 0
            self._next_ms = self._clock()

    def heard(self) -> None:
        """A user of the account is being answered: webhooks come."""
        self._gaps.heard(self._clock())

    def wait(self, now_ms: int) -> float:
        """Seconds until a call is wanted; infinity for "not before somebody asks"."""
        # A look under way answers a suspicion too, or is followed by one that does.
        gap_ms = self._gaps.due_ms if self._run is None else None
        due = [one for one in (self._next_ms, gap_ms) if one is not None]
        return max(0.0, (min(due) - now_ms) / 1000) if due else math.inf

    async def call(self, budget: AccountBudget) -> None:
        """Makes the next call. Needs a token of the Conversations API. Raises LeaseLost."""
        try:
            if self._run is None and not await self._begin():
                return
            await self._step()
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - a search that breaks must not stop the sends
            self._failed(error, budget)
        else:
            self._failures, self._waits_for_bus = 0, False

    async def _begin(self) -> bool:
        """Plans a look; False when nothing is to be read."""
        now_ms = self._clock()
        if self._gaps.began(now_ms):
            _log.info("delivery_gap_suspected", account=self._account, sign="silence")
        until_ms = await until_available(lambda: self._parts.store.looked_until(self._account))
        self._known_ms = until_ms
        if until_ms:
            # Though this look may be put off: the alert goes by how old it is.
            of(MISSED_UNTIL, self._account).set(until_ms / 1000)
        if not until_ms and self._asked_since_ms is None and not self.holds_sends:
            await self._note(now_ms)
            self._rest(now_ms)
            return False
        await self._reader.prepare()
        # Only now: had that failed, what was asked for would be forgotten.
        asked, self._asked_since_ms = self._asked_since_ms, None
        since_ms = max(until_ms, now_ms - round(self._rules.missed_reach_seconds * 1000))
        if asked is not None:
            since_ms = min(since_ms, asked) if until_ms else asked
        self._run = Run(since_ms - self._policy.tolerance_ms, now_ms, self._left_out())
        return True

    async def _step(self) -> None:
        run = self._run
        assert run is not None  # noqa: S101 - `call` has seen to it
        if run.listing:
            await self._list(run)
        elif run.unread:
            await self._read(run)
        if not run.listing and not run.unread:
            await self._end(run)
        else:
            self._next_ms = self._clock()

    async def _list(self, run: Run) -> None:
        run.listed(await self._parts.listings.threads(self._account, run.after))

    async def _read(self, run: Run) -> None:
        one = run.unread[0]
        try:
            listed = await self._parts.listings.thread_messages(self._account, one.thread.id)
            taken_in = await self._reader.take_in(listed, one.since_ms)
        except (Throttled, LeaseLost):
            raise
        except Refused as error:
            if stops_account(error):
                raise
            self._refused(run, error)
            return
        except Exception:
            run.put_back(refused=False)
            raise
        run.unread.popleft()
        self._left_out.read(one)
        run.taken_in += taken_in.count
        run.stale += taken_in.stale
        run.too_fresh = run.too_fresh or taken_in.too_fresh

    def _refused(self, run: Run, error: Refused) -> None:
        """Goes on with the others. Only where all were tried it waits, once for all of them, and
        longer each time: raises the error then.
        """
        before = run.round
        left = run.put_back(refused=True)
        if left is not None and self._left_out.add(left, self._clock()):
            of(MISSED_UNREADABLE, self._account).inc()
            _log.warning("thread_not_readable", account=self._account, reason=error.reason)
        self._failures = before
        if run.round > before:
            raise error

    async def _end(self, run: Run) -> None:
        self._run = None
        self._tally.count("searched")
        self._tally.count("missed", run.taken_in)
        of(MISSED_LOOKS, self._account, "complete" if run.complete else "incomplete").inc()
        of(MISSED_MESSAGES, self._account).inc(run.taken_in)
        if run.taken_in:
            _log.warning(
                "missed_messages_found",
                account=self._account,
                count=run.taken_in,
                stale=run.stale,
            )
        if run.complete and not (self.holds_sends and run.taken_in):
            # What was too fresh, or on its way, is looked at again next time.
            await self._note(run.began_ms - self._policy.grace_ms)
        if run.complete and run.taken_in:
            # Where some were lost, more may be.
            self._gaps.suspect(self._clock())
        self._rest(run.began_ms, soon=run.too_fresh)

    async def _note(self, until_ms: int) -> None:
        await until_available(
            lambda: self._parts.store.note_looked(self._lease, self._account, until_ms)
        )
        of(MISSED_UNTIL, self._account).set(until_ms / 1000)
        held, self._known_ms = self.holds_sends, until_ms
        if held and not self.holds_sends:
            _log.info("sends_go_on_after_restoring", account=self._account)

    def _rest(self, began_ms: int, *, soon: bool = False) -> None:
        """Plans the next look."""
        if self._asked_since_ms is not None:
            self._next_ms = self._clock()
            return
        sweep, grace = self._rules.missed_sweep_seconds, self._rules.missed_grace_seconds
        waits = [sweep] if sweep > 0 else []
        if self.holds_sends:
            # By then what was found is recorded, and the look that finds nothing more is the last.
            waits.append(grace)
        if soon:
            # By then the webhooks that may have been on the way came, or did not.
            waits.append(grace)
            self._asked_since_ms = began_ms - 2 * self._policy.grace_ms if sweep <= 0 else None
        self._next_ms = began_ms + round(min(waits) * 1000) if waits else None

    def _failed(self, error: Exception, budget: AccountBudget) -> None:
        """Goes on later where it was."""
        self._failures += 1
        self._waits_for_bus = isinstance(error, BusUnavailable)
        of(MISSED_LOOKS, self._account, "put_off").inc()
        wait = retry_seconds(self._rules.missed_retry_seconds, self._failures, self._rules)
        if isinstance(error, Throttled):
            self._tally.count("throttled")
            # Sending has a limit of its own and goes on.
            budget.pause_class(CallKind.LOOK, error.retry_after)
            wait = max(wait, error.retry_after)
        if self._run is not None and self._run.listing and self._failures >= TRIES:
            # The cursor may have expired: from the beginning.
            run, self._run = self._run, None
            self.ask(run.since_ms)
        reason = error.reason if isinstance(error, GraphError) else type(error).__name__
        _log.warning("missed_search_waits", account=self._account, reason=reason, seconds=wait)
        self._next_ms = self._clock() + round(wait * 1000)
