"""What a publisher counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from vestlus.errors import GraphError, TokenRejected
from vestlus.store.ledger import SendState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """Counts since the start, and how much there is at this moment."""

    #: Requests whose outcome is awaited.
    in_flight: int
    #: Rows in memory that wait for their turn; what waits for stopped accounts is in the ledger.
    waiting: int
    #: Ambiguous sends being looked for.
    looking: int
    sent: int
    #: Of these, found at Instagram after an ambiguous outcome.
    found: int
    #: Listings read of the Conversations API.
    looked: int
    resent: int
    #: Claimed and not written, for want of time.
    given_back: int
    throttled: int
    token_rejected: int
    #: Errors by which Meta stopped an account until a person looks at it.
    account_stopped: int
    #: Ledger steps made, as ``before/after``.
    steps: Mapping[str, int]
    unknown: Mapping[str, int]
    dead: Mapping[str, int]
    #: Not sent on purpose, by reason; no dead letters.
    cancelled: Mapping[str, int]
    #: Claims put off because of an undetermined echo.
    held: int
    #: Pictures given to Instagram to keep, and those that could not be.
    uploaded: int
    upload_failed: int
    #: Typing and read marks shown, and those that were not.
    acted: int
    actions_dropped: int
    undecodable: int
    #: Looks for missed messages that were carried through, and messages that they found.
    searched: int
    missed: int
    #: Steps of posts, as ``before/after``.
    posts: Mapping[str, int]


@dataclass(slots=True)
class Tally:
    """Counters that several workers of one process share."""

    steps: Counter[tuple[SendState, SendState]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    cancelled: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)

    def step(self, before: SendState, after: SendState, reason: str) -> None:
        """Counts a step that was made."""
        self.steps[before, after] += 1
        if after is SendState.DEAD:
            self.dead[reason] += 1
        elif after is SendState.UNKNOWN:
            self.unknown[reason] += 1
        elif after is SendState.CANCELLED:
            self.cancelled[reason] += 1

    def count(self, event: str, times: int = 1) -> None:
        """Counts anything else."""
        self.events[event] += times

    def stopped(self, account: str, error: GraphError) -> None:
        """Counts, and says loudly, that an account cannot go on until somebody mends it."""
        event = "token_rejected" if isinstance(error, TokenRejected) else "account_stopped"
        self.count(event)
        _log.error(
            event, account=account, reason=error.reason, code=error.code, subcode=error.subcode
        )

    def stats(self, *, in_flight: int, waiting: int, looking: int) -> PublisherStats:
        """The counts as of now."""
        found = self.steps[SendState.LOOKING, SendState.SENT]
        return PublisherStats(
            in_flight=in_flight,
            waiting=waiting,
            looking=looking,
            sent=self.steps[SendState.SENDING, SendState.SENT] + found,
            found=found,
            looked=self.events["looked"],
            resent=self.steps[SendState.LOOKING, SendState.PENDING],
            given_back=self.events["given_back"],
            throttled=self.events["throttled"],
            token_rejected=self.events["token_rejected"],
            account_stopped=self.events["account_stopped"],
            steps={f"{before}/{after}": count for (before, after), count in self.steps.items()},
            unknown=dict(self.unknown),
            dead=dict(self.dead),
            cancelled=dict(self.cancelled),
            held=self.events["held"],
            uploaded=self.events["uploaded"],
            upload_failed=self.events["upload_failed"],
            acted=self.events["acted"],
            actions_dropped=self.events["action_dropped"],
            undecodable=self.events["undecodable"],
            searched=self.events["searched"],
            missed=self.events["missed"],
            posts=dict(self.posts),
        )
