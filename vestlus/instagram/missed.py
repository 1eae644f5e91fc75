"""Which listed messages no webhook brought. Pure.

Known is a message by its mid, under which its webhook was recorded or by which one of our sends
is proved. Whether a listing bears the very ids of the webhooks is assumed and not documented by
Meta; so a message is known too by its words and its time, and a listing in which no id fits
although some should is not used at all: answering twice is worse than answering late.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from vestlus.conversation.echoes import normalised
from vestlus.conversation.events import Event, EventKind, Missed, event_key
from vestlus.conversation.identity import conversation_id
from vestlus.instagram.port import ListedMessage

#: ``created_time`` comes in whole seconds: the message may be so much younger than it says.
_WHOLE_SECOND_MS: Final = 999


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A recorded message of a conversation, of either side. ``timestamp_ms`` is Meta's."""

    mid: str | None
    text: str
    timestamp_ms: int
    from_user: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedPolicy:
    """When a listed message counts as missed. Times are milliseconds."""

    #: What is younger may have its webhook on the way, which tells more than a listing does.
    grace_ms: int = 60_000
    #: What is older is not answered, but shown.
    stale_ms: int = 6 * 60 * 60 * 1000
    #: How far the times of a listing and of a webhook may differ for the same message.
    tolerance_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What a listing shows."""

    #: Messages of the user's and echoes, oldest first, as their webhooks would have been.
    events: tuple[Event, ...] = ()
    #: There are unknown ones, seconds old, whose webhooks may still be on the way.
    too_fresh: bool = False
    #: No id of the listing is one of those that it should have: nothing can be told.
    ids_differ: bool = False


def user_of(listed: Sequence[ListedMessage], own: Collection[str]) -> str | None:
    """The other side of a conversation; ``None`` where that cannot be told."""
    named = {one.sender for one in listed} | {to for one in listed for to in one.recipients}
    others = named - set(own)
    return others.pop() if len(others) == 1 else None


def missed_messages(
    account: str,
    user: str,
    listed: Sequence[ListedMessage],
    *,
    known_mids: Collection[str],
    known: Sequence[KnownMessage],
    since_ms: int,
    now_ms: int,
    policy: MissedPolicy,
) -> Findings:
    """What of a listing, newest first, is to be taken in.

    ``known_mids`` are those of the listed mids under which a message was recorded or sent;
    ``known`` are the conversation's recorded messages from about the same time.
    """
    if _ids_differ(listed, known_mids, known, policy):
        return Findings(ids_differ=True)
    listed_mids = {one.mid for one in listed}
    unmatched = [one for one in known if one.mid not in listed_mids]
    events: list[Event] = []
    last_ms = 0
    # Of one second's messages, the later listed is the older.
    oldest_first = sorted(listed, key=lambda message: message.created_ms, reverse=True)[::-1]
    answered = _answered(oldest_first, user)
    for one in oldest_first:
        # A burst is ordered by time, and a listing knows no parts of a second.
        at_ms = max(one.created_ms, min(last_ms, one.created_ms + _WHOLE_SECOND_MS))
        if one.mid in known_mids:
            times = (each.timestamp_ms for each in known if each.mid == one.mid)
            last_ms = max(at_ms, *times, 0)
            continue
        last_ms = at_ms
        if one.created_ms + _WHOLE_SECOND_MS < since_ms:
            continue
        twin = _twin(one, user, unmatched, policy)
        if twin is not None:
            unmatched.remove(twin)
            continue
        if one.created_ms + policy.grace_ms > now_ms:
            # One that was written this moment is mostly recorded the next.
            arrived = one.created_ms + _WHOLE_SECOND_MS + policy.tolerance_ms < now_ms
            return Findings(tuple(events), too_fresh=arrived)
        missed = Missed.LATE
        if one.sender == user and one.created_ms + policy.stale_ms < now_ms:
            missed = Missed.PAST if one.mid in answered else Missed.STALE
        events.append(_event(account, user, one, at_ms, missed))
    return Findings(tuple(events))


def _answered(oldest_first: Sequence[ListedMessage], user: str) -> frozenset[str]:
    """The messages of the user's after which our side wrote."""
    ours = [place for place, one in enumerate(oldest_first) if one.sender != user]
    return frozenset(one.mid for one in oldest_first[: ours[-1]]) if ours else frozenset()


def _event(account: str, user: str, one: ListedMessage, at_ms: int, missed: Missed) -> Event:
    """As the webhook would have told it, with the same key, so that it changes nothing later."""
    # Whatever the user did not write is from our side: which of the account's ids it bears is
    # undocumented, and our own words must never be taken for a question.
    kind = EventKind.MESSAGE if one.sender == user else EventKind.ECHO
    return Event(
        key=event_key(kind, account, one.mid),
        kind=kind,
        account=account,
        user=user,
        conversation=conversation_id(account, user),
        mid=one.mid,
        timestamp_ms=at_ms,
        text=one.text or None,
        attachments=one.attachments,
        is_unsupported=not (one.text or one.attachments),
        missed=missed,
    )


def _twin(
    one: ListedMessage, user: str, known: Sequence[KnownMessage], policy: MissedPolicy
) -> KnownMessage | None:
    """A recorded message that is this one under another id."""
    from_user = one.sender == user
    words = normalised(one.text)
    earliest = one.created_ms - policy.tolerance_ms
    latest = one.created_ms + _WHOLE_SECOND_MS + policy.tolerance_ms
    alike = (
        each
        for each in known
        if each.from_user == from_user
        and normalised(each.text) == words
        and earliest <= each.timestamp_ms <= latest
    )
    return next(alike, None)


def _ids_differ(
    listed: Sequence[ListedMessage],
    known_mids: Collection[str],
    known: Sequence[KnownMessage],
    policy: MissedPolicy,
) -> bool:
    if not listed or any(one.mid in known_mids for one in listed):
        return False
    first = min(one.created_ms for one in listed) + policy.tolerance_ms
    last = max(one.created_ms for one in listed) - policy.tolerance_ms
    return any(one.mid and first <= one.timestamp_ms <= last for one in known)
