"""What to conclude from what is seen at Instagram after an ambiguous send. Pure.

Graph has no idempotency key (Meta documents none), so a send whose answer never came is looked
for before it is sent again. What counts:

- an echo or a listed message with the same text, from our side, not earlier than the attempt (by
  Meta's clock: :mod:`publishers.attempt`) and not claimed by another row, proves the send; one
  message proves one row;
- pictures bear no words: a message of as many attachments and no text proves them, within a
  limited time, the oldest first;
- a missing echo proves nothing;
- a listing that reaches back before the attempt, read when the settling time has passed, and
  without such a message, proves that nothing was sent. Where several pictures were to be sent,
  media of another count prove neither: how Instagram lists them is not documented.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from publishers.attempt import Attempt
from publishers.rules import SendingRules
from vestlus.conversation.echoes import normalised
from vestlus.instagram.port import RecentMessage
from vestlus.store.rows import EchoRow, Kind, SendRow

#: Meta, "Conversations API": only the newest 20 messages of a conversation can be read.
LISTED = 20

#: ``created_time`` comes in whole seconds: the message may be so much younger than it says.
_WHOLE_SECOND_MS = 999

WINDOW_CLOSED = "window_closed"
NOT_FOUND = "not_found"
AMBIGUOUS_TWICE = "ambiguous_twice"
NOT_IN_REACH = "not_in_reach"
LOOK_FAILED = "look_failed"
LOOK_REFUSED = "look_refused"
PICTURES_UNCLEAR = "pictures_unclear"


@dataclass(frozen=True, slots=True)
class Found:
    """Done: Instagram has it under this ``mid``."""

    mid: str


@dataclass(frozen=True, slots=True)
class Resend:
    """Not done, proven; sending it again is safe."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Not done, proven, and too late to do."""


@dataclass(frozen=True, slots=True)
class Unknowable:
    """Nothing that could still be seen would tell."""

    reason: str


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Nothing concluded yet. ``read_ms``: not before this time is the next listing worth it."""

    read_ms: int


Verdict = Found | Resend | Expired | Unknowable | LookAgain


def evidence_since_ms(attempt: Attempt, rules: SendingRules) -> int:
    """Messages older than this cannot be what the attempt made."""
    return attempt.earliest_ms - round(rules.clock_tolerance_seconds * 1000)


def evidence_until_ms(attempt: Attempt, rules: SendingRules) -> int:
    """Messages of pictures from after this are not what the attempt made."""
    settles = latest_give_up_ms(attempt, rules) + round(rules.settling_seconds * 1000)
    believed = attempt.latest_ms + round(rules.pictures_evidence_seconds * 1000)
    return max(settles, believed) + round(rules.clock_tolerance_seconds * 1000)


def settled_ms(gave_up_ms: int, rules: SendingRules) -> int:
    """From when on a listing may prove absence: Graph may apply a request late."""
    return gave_up_ms + round(rules.settling_seconds * 1000)


def latest_give_up_ms(attempt: Attempt, rules: SendingRules) -> int:
    """When the attempt's request had been given up at the latest, whoever made it."""
    longest = rules.claim_lasts_seconds + rules.request_seconds
    return attempt.latest_ms + round(longest * 1000)


def matching_echo(
    row: SendRow, attempt: Attempt, echoes: Sequence[EchoRow], rules: SendingRules
) -> str | None:
    """The mid of the oldest unclaimed echo that proves the row, if there is one."""
    since = evidence_since_ms(attempt, rules)
    matches = [
        echo
        for echo in echoes
        if echo.timestamp_ms >= since and _is_alike(row, attempt, echo, echo.timestamp_ms, rules)
    ]
    return min(matches, key=lambda echo: echo.timestamp_ms).mid if matches else None


def matching_messages(
    row: SendRow, attempt: Attempt, listed: Sequence[RecentMessage], rules: SendingRules
) -> tuple[str, ...]:
    """The mids of listed messages that may be the row's, oldest first; some may be claimed."""
    return tuple(
        message.mid
        for message in _from_our_side(row, attempt, listed, rules)
        if _is_alike(row, attempt, message, message.created_ms, rules)
    )


def half_matching_messages(
    row: SendRow, attempt: Attempt, listed: Sequence[RecentMessage], rules: SendingRules
) -> tuple[str, ...]:
    """The mids of listed media that may be a part of the row's pictures, or more than they."""
    if len(row.pictures) <= 1:
        return ()
    until = evidence_until_ms(attempt, rules)
    return tuple(
        message.mid
        for message in _from_our_side(row, attempt, listed, rules)
        if message.attachments and message.created_ms <= until
    )


def _from_our_side(
    row: SendRow, attempt: Attempt, listed: Sequence[RecentMessage], rules: SendingRules
) -> list[RecentMessage]:
    """What was not sent by the user, since the attempt, oldest first.

    Ours is whatever the user did not send: which of an account's two ids the listing bears is
    undocumented, and taking our own message for a stranger's would send it twice.
    """
    since = evidence_since_ms(attempt, rules)
    # Newest first as listed; of one second's messages, the later listed is the older.
    oldest_first = sorted(listed, key=lambda message: message.created_ms, reverse=True)[::-1]
    return [
        message
        for message in oldest_first
        if message.sender != row.user and message.created_ms + _WHOLE_SECOND_MS >= since
    ]


def _is_alike(
    row: SendRow,
    attempt: Attempt,
    seen: EchoRow | RecentMessage,
    at_ms: int,
    rules: SendingRules,
) -> bool:
    if row.kind is Kind.TEXT:
        return normalised(seen.text) == normalised(row.text)
    of_pictures = not normalised(seen.text) and seen.attachments == len(row.pictures)
    return of_pictures and at_ms <= evidence_until_ms(attempt, rules)


def reaches_back(attempt: Attempt, listed: Sequence[RecentMessage], rules: SendingRules) -> bool:
    """Whether a listing shows everything since the attempt.

    It does when it begins before the attempt, or holds the whole conversation. An empty one
    shows nothing: it contradicts the user's message that the send answers (Meta leaves out
    conversations of the Requests folder that were inactive for 30 days).
    """
    if not listed:
        return False
    if len(listed) < LISTED:
        return True
    oldest = min(message.created_ms for message in listed)
    return oldest + _WHOLE_SECOND_MS < evidence_since_ms(attempt, rules)


def judge_listing(
    row: SendRow,
    attempt: Attempt,
    *,
    listed: Sequence[RecentMessage],
    claimed: Collection[str],
    gave_up_ms: int,
    read_ms: int,
    rules: SendingRules,
) -> Verdict:
    """Concludes from a successful listing, begun at ``read_ms``.

    ``claimed`` are those of the listed mids that already prove other rows.
    """
    unclaimed = [
        mid for mid in matching_messages(row, attempt, listed, rules) if mid not in claimed
    ]
    if unclaimed:
        return Found(unclaimed[0])
    settled = settled_ms(gave_up_ms, rules)
    if read_ms < settled:
        return LookAgain(read_ms=settled)
    if not reaches_back(attempt, listed, rules):
        return Unknowable(NOT_IN_REACH)
    if any(mid not in claimed for mid in half_matching_messages(row, attempt, listed, rules)):
        return Unknowable(PICTURES_UNCLEAR)
    return _judge_absence(row, read_ms)


def _judge_absence(row: SendRow, read_ms: int) -> Verdict:
    if read_ms > row.deadline_ms:
        return Expired()
    return Unknowable(AMBIGUOUS_TWICE) if row.resends else Resend()


def judge_failure(
    *,
    refused: bool,
    failures: int,
    failing_since_ms: int,
    gave_up_ms: int,
    now_ms: int,
    rules: SendingRules,
) -> Verdict:
    """Concludes from a listing that could not be read, for the ``failures``-th time in a row.

    A refused one will not be read later either; until the settling time an echo can still come.
    """
    settled = settled_ms(gave_up_ms, rules)
    if refused:
        return Unknowable(LOOK_REFUSED) if now_ms >= settled else LookAgain(read_ms=settled)
    if now_ms - failing_since_ms >= rules.look_give_up_seconds * 1000:
        return Unknowable(LOOK_FAILED)
    wait = retry_seconds(rules.look_retry_seconds, failures, rules)
    return LookAgain(read_ms=now_ms + round(wait * 1000))


def retry_seconds(first: float, failures: int, rules: SendingRules) -> float:
    """The wait after that many failures in a row, before jitter."""
    return min(first * 2.0 ** min(failures - 1, 30), rules.longest_retry_seconds)
