"""Posts in the form in which pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from image_bank.catalogue import Picture
from vestlus.console.codes import Codes
from vestlus.console.words import Language, known, words
from vestlus.desk.calendar import Day, Entry, Form
from vestlus.desk.posts import Item
from vestlus.desk.problems import Problem
from vestlus.store.plan_rows import OccurrenceRow
from vestlus.store.post_rows import PostPicture

#: State → class of its badge; others have none.
TONES: Final[Mapping[str, str]] = {
    "time.unreadable": "bad",
    "draft.waiting": "warn",
    "draft.ready": "good",
    "draft.failed": "bad",
    "draft.lapsed": "warn",
    "draft.skipped": "warn",
    "post.published": "good",
    "post.looking": "warn",
    "post.dead": "bad",
    "post.unknown": "bad",
}

#: The feed shows so much of a caption, and then "more" (as the Instagram app does; not documented).
_SHORT: Final = 125
_SHORT_LINES: Final = 2

#: Proportions that a post can have: Meta's "IG User Media" reference, "Image Specifications".
_NARROWEST: Final = 0.8
_WIDEST: Final = 1.91
_FRAME: Final = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """An entry of the calendar."""

    time: str
    link: str
    state: str
    tone: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class DayCell:
    """A day of the calendar."""

    date: date
    label: str
    short: str
    today: bool
    beside: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a preview; no ``picture`` where it left the bank."""

    alt: str
    picture: Picture | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A post as Instagram shows it. The frame is ``width`` by ``height`` of any unit."""

    account: str
    story: bool
    shown: tuple[Shown, ...]
    width: int
    height: int
    caption: str
    #: The beginning of the caption where the feed shows no more at first; else empty.
    short: str
    ai_generated: bool


def state_key(form: Form | str, state: str) -> str:
    """The words of a state."""
    return f"posts.state.{form}.{state}"


def form_of(row: Item) -> Form:
    """What it is so far."""
    return Form.DRAFT if isinstance(row, OccurrenceRow) else Form.POST


def tone_of(form: Form | str, state: str) -> str:
    """The class of the badge of a state."""
    return TONES.get(f"{form}.{state}", "")


def clock_time(at_ms: int, language: Language, zone: ZoneInfo) -> str:
    """The time of a day. In an hour that clocks show twice, with its offset from UTC."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    said = format_time(at, "HH:mm", tzinfo=zone, locale=str(language))
    if at.replace(fold=0).utcoffset() == at.replace(fold=1).utcoffset():
        return said
    return f"{said} (UTC{at:%z})"


def day_cell(
    day: Day, language: Language, zone: ZoneInfo, *, today: date, month: int | None
) -> DayCell:
    """A day of the calendar; ``month`` is the one that is looked at."""
    return DayCell(
        date=day.date,
        label=format_date(day.date, "EEEE, d. MMMM", locale=str(language))
        if language is Language.ESTONIAN
        else format_date(day.date, "EEEE, d MMMM", locale=str(language)),
        short=format_date(day.date, "EEE", locale=str(language)),
        today=day.date == today,
        beside=month is not None and day.date.month != month,
        cells=tuple(_cell(one, language, zone) for one in day.entries),
    )


def _cell(entry: Entry, language: Language, zone: ZoneInfo) -> Cell:
    one = entry.of
    by_name = f"/console/posts/schedules/{one.name}"
    return Cell(
        time=clock_time(one.at_ms, language, zone),
        link=by_name if entry.form is Form.TIME else f"/console/posts/{one.id}",
        state=words(language, state_key(entry.form, one.state)),
        tone=tone_of(entry.form, one.state),
        entry=entry,
    )


def preview_of(row: Item, pictures: Mapping[str, Picture], account: str, *, story: bool) -> Preview:
    """How Instagram would show it."""
    shown = tuple(_shown(one, pictures) for one in row.pictures)
    width, height = (9, 16) if story else _frame(shown)
    return Preview(
        account=account,
        story=story,
        shown=shown,
        width=width,
        height=height,
        caption=row.caption,
        short=_short(row.caption),
        ai_generated=row.ai_generated,
    )


def why(language: Language, reason: str, problem: str) -> str:
    """Why something did not go out; in the words that were recorded where there are no others."""
    key = f"posts.why.{reason}"
    if reason and known(key):
        return words(language, key)
    return problem or Codes(language).reason(reason)


def refusals(language: Language, problems: tuple[Problem, ...]) -> list[str]:
    """What is wrong with what somebody wants."""
    found = []
    for one in problems:
        key = f"posts.refused.{one.reason}"
        found.append(words(language, key, **one.values) if known(key) else str(one))
    return found


def _shown(one: PostPicture, pictures: Mapping[str, Picture]) -> Shown:
    picture = pictures.get(one.id)
    if picture is None:
        return Shown(one.alt or one.id)
    return Shown(
        one.alt or picture.alt or picture.shows, picture, picture.post_file or picture.file
    )


def _frame(shown: tuple[Shown, ...]) -> tuple[int, int]:
    """The proportions of the first picture as it is posted: the others of a carousel are cut to
    them.
    """
    first = shown[0].picture if shown else None
    ratio = first.width / first.height if first and first.height else 1.0
    ratio = min(max(ratio, _NARROWEST), _WIDEST)
    return round(_FRAME * ratio), _FRAME


def _short(caption: str) -> str:
    lines = caption.split("\n")
    short = "\n".join(lines[:_SHORT_LINES])[:_SHORT]
    return short.rstrip() if len(short) < len(caption) else ""
