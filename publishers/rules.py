"""The numbers that sending goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from publishers.limits import AccountLimits, account_limits
from vestlus.settings_account import CallLimits

#: The project's defaults, which are Meta's: :class:`~vestlus.settings_account.CallLimits`.
DEFAULT_LIMITS = account_limits(CallLimits())


#: How much later than the client's own timeout a request is cut off. The client knows
#: whether it had written anything, and is let speak first; the lease's margin has room for it.
GUARD_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRules:
    """How a publisher sends and looks. Times are in seconds.

    The lease must be renewed so often that more than ``request_seconds`` plus
    ``lease_margin_seconds`` always remain of it; with less, nothing is sent.
    """

    #: By account; the others have ``limits``.
    limits_by_account: Mapping[str, AccountLimits] = field(default_factory=dict)
    limits: AccountLimits = DEFAULT_LIMITS
    #: Calls of the Conversations API that one look makes: it finds the conversation, then reads.
    calls_per_look: int = 2

    #: The timeout of the client's requests; what was written and not answered is ambiguous.
    request_seconds: float = 10.0
    #: What must remain of the lease beyond the request's own time.
    lease_margin_seconds: float = 2.0
    #: A claimed row whose request could not be written by then is given back.
    write_within_seconds: float = 5.0
    #: How long after a claim was handed to the store its request may be written. The row bears the
    #: time of handing in, by which echoes and listings are told, and a store that was away writes
    #: it much later. As long as a lease: far from ``pictures_evidence_seconds`` even with a
    #: request that Graph applies late, and a store as slow as that cannot be worked with.
    claim_lasts_seconds: float = 20.0
    #: Requests in flight per account; 100 a second at a latency of 2 s.
    in_flight: int = 200
    #: Rows of an account claimed but not written: what a kill makes ambiguous without need.
    unwritten: int = 16

    #: How long an upload may wait for its turn; a picture that cannot go sooner goes by link.
    upload_wait_seconds: float = 2.0
    #: How long after an upload that failed the same picture goes by link without another try.
    upload_retry_seconds: float = 600.0
    #: Until a row is tried again that waits for an undetermined echo.
    held_seconds: float = 0.5
    #: The timeout of typing and read marks: later they say nothing true.
    action_seconds: float = 3.0
    #: Typing and read marks of a whole process a second. Each costs as much CPU as a message, and
    #: under load that is what messages need.
    actions_a_second: float = 40.0
    #: Typing and read marks of one account that wait for room; more are dropped.
    actions_waiting: int = 200

    #: How long after we gave up an ambiguous send its absence at Instagram counts as proof.
    settling_seconds: float = 60.0
    #: How far our clock and Meta's may differ; NTP keeps them within far less.
    clock_tolerance_seconds: float = 5.0
    #: Pictures bear no words to tell them by: what came later after the attempt is another's.
    pictures_evidence_seconds: float = 120.0
    #: Until the first look at an ambiguous send. Echoes mostly arrive sooner.
    first_look_seconds: float = 2.0
    #: Between looks for its echo, which cost Instagram nothing.
    echo_seconds: float = 5.0
    #: First wait after a look that failed; doubles up to ``longest_retry_seconds``.
    look_retry_seconds: float = 5.0
    #: Looks that have failed for so long end as unknown.
    look_give_up_seconds: float = 1800.0

    #: Answers of Graph's that say "not done, try again" before a row is given up.
    not_sent_attempts: int = 8
    #: First wait after such an answer; doubles up to ``longest_retry_seconds``.
    retry_seconds: float = 1.0
    longest_retry_seconds: float = 300.0
    #: First pause of an account whose requests reach nobody; doubles up to the longest.
    unreachable_seconds: float = 1.0
    longest_unreachable_seconds: float = 30.0
    #: Until one row is tried again for an account whose token was rejected, or that Meta stopped.
    token_probe_seconds: float = 60.0

    #: For steps and readings of the ledger to gather that come together after a pause.
    group_seconds: float = 0.005
    #: From one transaction of the ledger's steps to the next, and from one reading of rung rows
    #: to the next. What comes between, of all partitions, shares one.
    steps_seconds: float = 0.025
    reading_seconds: float = 0.02
    #: Between two readings of the ledger when no bell rings.
    poll_seconds: float = 2.0
    #: Conversations read at a time; doubles up to the longest while that shows nothing new.
    page: int = 1000
    longest_page: int = 16_000
    #: Conversations of one account kept in memory, 40 s of sends. The others wait in the ledger.
    known: int = 4_000
    #: Between two looks for rows that expire although their account is stopped.
    sweep_seconds: float = 30.0
    #: Between two looks for drafts whose window has closed.
    draft_sweep_seconds: float = 60.0
    #: Between two looks for messages whose webhooks were missed; 0 for none by itself.
    missed_sweep_seconds: float = 600.0
    #: Missed messages older than this are not answered but shown.
    missed_stale_seconds: float = 6 * 3600.0
    #: What is younger may have its webhook on the way: Meta repeats those at once.
    missed_grace_seconds: float = 60.0
    #: How far back a look by itself goes: as long as Meta lets anybody answer.
    missed_reach_seconds: float = 24 * 3600.0
    #: First wait after a call of such a look that failed; doubles up to the longest.
    missed_retry_seconds: float = 5.0
    #: Between two looks that signs of a delivery gap ask for, however many there are.
    missed_pause_seconds: float = 60.0
    #: How many times its usual pause an account must be silent for that to be such a sign.
    silence_times: float = 20.0
    #: For sends in flight to settle when a lease is let go in good order.
    drain_seconds: float = 30.0

    def limits_of(self, account: str) -> AccountLimits:
        """What one account may do."""
        return self.limits_by_account.get(account, self.limits)
