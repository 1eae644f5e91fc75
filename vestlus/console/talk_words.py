"""How conversations and their messages are told on pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta

from vestlus.console.rendering import LAST_MS
from vestlus.console.visits import Visit
from vestlus.console.words import Language, known
from vestlus.conversation.events import EventKind
from vestlus.conversation.window import HUMAN_AGENT_WINDOW_MS, window_end_ms
from vestlus.desk.looking import silence_of
from vestlus.desk.transcript_lines import Line
from vestlus.desk.transcripts import Holder
from vestlus.desk.writing import Way, way_to_write
from vestlus.store.rows import Silence
from vestlus.store.talk_rows import Talk

#: Digits of a user's number that tell users of a page apart.
_TAIL: Final = 4

_UTC: Final = ZoneInfo("UTC")

#: Less than this left to answer is worth a warning.
_SOON_MS: Final = 2 * 60 * 60 * 1000

_SILENT: Final = {
    Silence.PERSON: "",
    Silence.HANDOVER: "warn",
    Silence.STANDBY: "",
    Silence.STOPPED: "",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """A sign on a conversation. ``kind`` is a class of the style sheet."""

    text: str
    kind: str = ""


def tail(user: str) -> str:
    """The end of a user's number."""
    return user[-_TAIL:]


def language_name(code: str, language: Language) -> str:
    """The name of a language, by its BCP 47 code; the code itself where it has none."""
    try:
        name = Locale.parse(code, sep="-").get_display_name(str(language))
    except (UnknownLocaleError, ValueError):
        name = None
    return name or code


def left_until(until_ms: int, now_ms: int, language: Language) -> str:
    """How long it is until then, in words."""
    left = timedelta(milliseconds=min(max(until_ms - now_ms, 0), LAST_MS))
    return format_timedelta(left, locale=str(language), threshold=1.5)


def since(at_ms: int, now_ms: int, language: Language, zone: ZoneInfo) -> str:
    """When something began: the time, with the day where it is another one."""
    at, now = (datetime.fromtimestamp(min(one, LAST_MS) / 1000, zone) for one in (at_ms, now_ms))
    if at.date() == now.date():
        return format_time(at, "short", tzinfo=zone, locale=str(language))
    return format_datetime(at, "medium", tzinfo=zone, locale=str(language))


def badges(visit: Visit, talk: Talk, zone: ZoneInfo) -> list[Badge]:
    """The signs on a conversation, what calls for people first. Times are by the page's clock."""
    row, now_ms, said = talk.row, visit.now_ms, visit.words
    found = []
    if row.waiting_ms:
        waits = since(row.waiting_ms, now_ms, visit.language, zone)
        found.append(Badge(said("conversations.badge.waiting", since=waits), "bad"))
    if talk.unread:
        found.append(Badge(said("conversations.badge.unread"), "unread"))
    if talk.drafts:
        found.append(Badge(said("conversations.badge.drafts", count=talk.drafts), "warn"))
    if talk.failed:
        found.append(Badge(said("conversations.badge.failed", count=talk.failed), "bad"))
    if silence := silence_of(row, now_ms):
        found.append(Badge(said(f"conversations.badge.{silence}"), _SILENT[silence]))
    found.append(window_badge(visit, row.user_ms))
    if row.language:
        found.append(Badge(language_name(row.language, visit.language), "plain"))
    return found


def window_badge(visit: Visit, user_ms: int) -> Badge:
    """How long one may still answer."""
    way = way_to_write(user_ms, visit.now_ms)
    until = window_end_ms(user_ms) if way is Way.USUAL else user_ms + HUMAN_AGENT_WINDOW_MS
    left = left_until(until, visit.now_ms, visit.language)
    soon = way is Way.USUAL and until - visit.now_ms < _SOON_MS
    return Badge(visit.words(f"conversations.badge.{way}", left=left), "warn" if soon else "plain")


def preview(visit: Visit, talk: Talk) -> str:
    """What was said last, in a line's length or more; the page cuts it."""
    if talk.last is None:
        return visit.words("conversations.said_nothing")
    event = talk.last.event
    said = " ".join((event.text or "").split())
    if not said and event.attachments:
        said = came_word(visit, event.attachments[-1].type, ours=event.kind is EventKind.ECHO)
    elif not said:
        key = "unsupported" if event.is_unsupported else "erased"
        said = visit.words(f"conversations.{key}")
    return said


def came_word(visit: Visit, type_: str, *, ours: bool = False) -> str:
    """What came with a message, in words; ``ours``: with one of the account's."""
    plain = type_.removeprefix("ig_").replace("post", "share")
    if plain in ("image", "media"):
        return visit.words("conversations.picture_sent" if ours else "conversations.picture")
    key = f"conversations.came.{plain}"
    return visit.words(key if known(key) else "conversations.came.other")


def holder_words(visit: Visit, holder: Holder) -> str:
    """Who has taken a conversation over."""
    if holder.in_app:
        return visit.words("conversations.holder_app")
    if not holder.name:
        return visit.words("conversations.holder_unknown")
    if holder.name == visit.person.name:
        return visit.words("conversations.holder_you")
    return visit.words("conversations.holder", name=holder.name)


def by_day(
    lines: tuple[Line, ...], zone: ZoneInfo, language: Language
) -> list[tuple[str, str, list[Line]]]:
    """Lines by the day of the account's calendar: its date, its name, and its lines."""
    days = []
    for day, some in groupby(lines, lambda one: _at(one.at_ms, zone).date()):
        name = format_date(day, "full", locale=str(language))
        days.append((day.isoformat(), name, list(some)))
    return days


def hour(at_ms: int, zone: ZoneInfo, language: Language) -> str:
    """The time of day."""
    return format_time(_at(at_ms, zone).timetz(), "short", tzinfo=zone, locale=str(language))


def written(at_ms: int, zone: ZoneInfo) -> str:
    """A time as programs read it."""
    return _at(at_ms, zone).isoformat(timespec="seconds")


def _at(at_ms: int, zone: ZoneInfo) -> datetime:
    # Instagram's times are whatever somebody with an app secret wrote.
    return datetime.fromtimestamp(min(max(at_ms, 0), LAST_MS) / 1000, UTC).astimezone(zone)


#: The last moment that can be written as a date, in whatever zone.
