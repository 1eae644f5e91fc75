"""A conversation as people read it: who said what, who did what, and what became of each message.

The store keeps the same message in several tables for times of their own: events for 14 days, the
ledger for 30, the history for 90. What is newer is told with all that is known of it, what is older
as the history has it. Nothing here reads or writes anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from vestlus.desk.transcript_lines import Line, LineState, What, Who
from vestlus.desk.transcript_reading import Reading
from vestlus.store.operator_rows import DONE, FAILED, HANDED_IN, AuditEntry
from vestlus.store.rows import Silence
from vestlus.store.talk_rows import Talk, TranscriptPart

#: Later than anything.
NEWEST_MS: Final = 2**62

_HAPPENED: Final = frozenset({DONE, HANDED_IN})
_TAKEN: Final = ("conversation.take_over", "conversation.reply")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who keeps the bot silent. ``name`` is empty where it is not known."""

    name: str
    at_ms: int
    #: They wrote in the Instagram app.
    in_app: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftOf:
    """What waits for a person's yes, of one turn."""

    turn: int
    text: str
    #: Ids of the image bank's pictures.
    pictures: tuple[str, ...]
    deadline_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A part of a conversation, oldest line first, and how it stands."""

    talk: Talk
    lines: tuple[Line, ...]
    #: What is older is asked for with this as ``before_ms``; 0 where there is nothing older.
    older_ms: int
    drafts: tuple[DraftOf, ...]
    #: The person who has taken the conversation over, if one has.
    holder: Holder | None


def happened(entries: Sequence[AuditEntry], recorded: Collection[str]) -> list[AuditEntry]:
    """The entries of what was done, newest first as they are given.

    An entry that says ``failed`` takes back the one before it that says that the same act was
    handed in; it may have been handed in anew since. ``recorded`` are keys of events that are
    there: whatever is said of those acts, they were handed in.
    """
    done: list[AuditEntry] = []
    failed: Counter[str] = Counter()
    for one in entries:
        key = one.detail
        if one.outcome == FAILED:
            failed[key] += 1
        elif one.outcome == HANDED_IN and failed[key] and key not in recorded:
            failed[key] -= 1
        elif one.outcome in _HAPPENED:
            done.append(one)
    return done


def transcript_of(
    talk: Talk,
    part: TranscriptPart,
    entries: Sequence[AuditEntry],
    *,
    now_ms: int,
    limit: int,
) -> Transcript:
    """The part as people read it.

    ``entries`` are what the audit says was done with the conversation, newest first, as
    :func:`happened` leaves them; ``limit`` is
    the number of rows of each kind that were asked for.
    """
    reading = Reading(part, entries)
    lines, older_ms = _cut(reading.lines(), part, limit)
    return Transcript(
        talk=talk,
        lines=lines,
        older_ms=older_ms,
        drafts=_drafts(lines),
        holder=_holder(talk, lines, entries, now_ms),
    )


def _cut(lines: Sequence[Line], part: TranscriptPart, limit: int) -> tuple[tuple[Line, ...], int]:
    """The lines of the time of which all kinds were read, and where the next part begins.

    A kind of which there is more than was read ends the part for all of them. What happened in
    the same moment stays together.
    """
    if not part.more:
        return tuple(lines), 0
    ends = [
        min(times)
        for times in (
            [one.at_ms for one in part.history],
            [one.event.timestamp_ms for one in part.events],
            [one.created_ms for one in part.sends],
        )
        if len(times) >= limit
    ]
    floor = max(ends)
    kept = tuple(one for one in lines if one.at_ms > floor)
    if kept:
        return kept, floor + 1
    return tuple(one for one in lines if one.at_ms >= floor), floor


def _drafts(lines: Sequence[Line]) -> tuple[DraftOf, ...]:
    waiting = [one for one in lines if one.state is LineState.DRAFT and one.turn is not None]
    turns = dict.fromkeys(one.turn for one in waiting)
    return tuple(
        DraftOf(
            turn=turn,
            text="\n\n".join(one.text for one in waiting if one.turn == turn and one.text),
            pictures=tuple(id_ for one in waiting if one.turn == turn for id_ in one.bank_pictures),
            deadline_ms=min(one.deadline_ms for one in waiting if one.turn == turn),
        )
        for turn in turns
        if turn is not None
    )


def _holder(
    talk: Talk, lines: Sequence[Line], entries: Sequence[AuditEntry], now_ms: int
) -> Holder | None:
    row = talk.row
    if row.silence is not Silence.PERSON or row.silent_until_ms <= now_ms:
        return None
    taken = next((one for one in entries if one.action in _TAKEN), None)
    in_app = [one for one in lines if one.who is Who.PERSON and one.in_app]
    if in_app and (taken is None or in_app[-1].at_ms > taken.at_ms):
        return Holder("", in_app[-1].at_ms, in_app=True)
    if taken is not None:
        return Holder(taken.person, taken.at_ms)
    acts = [one for one in lines if one.what is What.TAKE_OVER or one.who is Who.PERSON]
    return Holder("", acts[-1].at_ms if acts else 0)
