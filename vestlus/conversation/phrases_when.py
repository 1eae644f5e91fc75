"""A moment to come, in words: tomorrow at 09:00."""

# ruff: noqa: RUF001, RUF003  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vestlus.conversation.phrases import spoken_language

#: Further away, a weekday alone would be taken for this week's.
_DAYS_BY_NAME = 7


@dataclass(frozen=True, slots=True)
class _Words:
    """How a language says when. ``weekdays`` begin with Monday, months with January."""

    today: str
    tomorrow: str
    weekdays: str
    months: str
    #: ``day`` of the month and ``month``.
    date: str
    #: Behind the day: ``hour`` and ``minute``.
    time: str = " {hour:02}:{minute:02}"


_WORDS = {
    "et": _Words(
        "täna",
        "homme",
        "esmaspäeval teisipäeval kolmapäeval neljapäeval reedel laupäeval pühapäeval",
        "jaanuaril veebruaril märtsil aprillil mail juunil juulil augustil septembril oktoobril"
        " novembril detsembril",
        "{day}. {month}",
        " kell {hour:02}:{minute:02}",
    ),
    "en": _Words(
        "today",
        "tomorrow",
        "on_Monday on_Tuesday on_Wednesday on_Thursday on_Friday on_Saturday on_Sunday",
        "January February March April May June July August September October November December",
        "on {day} {month}",
        " at {hour:02}:{minute:02}",
    ),
    "ru": _Words(
        "сегодня",
        "завтра",
        "в_понедельник во_вторник в_среду в_четверг в_пятницу в_субботу в_воскресенье",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "{day} {month}",
        " в {hour}:{minute:02}",
    ),
    "uk": _Words(
        "сьогодні",
        "завтра",
        "у_понеділок у_вівторок у_середу у_четвер у_п’ятницю у_суботу у_неділю",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "{day} {month}",
        " о {hour}:{minute:02}",
    ),
    "fi": _Words(
        "tänään",
        "huomenna",
        "maanantaina tiistaina keskiviikkona torstaina perjantaina lauantaina sunnuntaina",
        "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta"
        " syyskuuta lokakuuta marraskuuta joulukuuta",
        "{day}. {month}",
        " klo {hour}.{minute:02}",
    ),
    "lv": _Words(
        "šodien",
        "rīt",
        "pirmdien otrdien trešdien ceturtdien piektdien sestdien svētdien",
        "janvārī februārī martā aprīlī maijā jūnijā jūlijā augustā septembrī oktobrī novembrī"
        " decembrī",
        "{day}. {month}",
        " plkst. {hour}:{minute:02}",
    ),
    "lt": _Words(
        "šiandien",
        "rytoj",
        "pirmadienį antradienį trečiadienį ketvirtadienį penktadienį šeštadienį sekmadienį",
        "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio"
        " gruodžio",
        "{month} {day} d.",
        " {hour}:{minute:02} val.",
    ),
    "de": _Words(
        "heute",
        "morgen",
        "am_Montag am_Dienstag am_Mittwoch am_Donnerstag am_Freitag am_Samstag am_Sonntag",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "am {day}. {month}",
        " um {hour}:{minute:02} Uhr",
    ),
    "sv": _Words(
        "idag",
        "imorgon",
        "på_måndag på_tisdag på_onsdag på_torsdag på_fredag på_lördag på_söndag",
        "januari februari mars april maj juni juli augusti september oktober november december",
        "den {day} {month}",
        " kl. {hour:02}.{minute:02}",
    ),
    "pl": _Words(
        "dziś",
        "jutro",
        "w_poniedziałek we_wtorek w_środę w_czwartek w_piątek w_sobotę w_niedzielę",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października"
        " listopada grudnia",
        "{day} {month}",
        " o {hour}:{minute:02}",
    ),
}


def when_words(moment: datetime, now: datetime, language: str) -> str:
    """When something will be, seen from now: today, tomorrow, a weekday, or a date, and the time.

    Both with their zone; the words are of the zone of ``moment``. In the language that
    :func:`vestlus.conversation.phrases.spoken_language` finds for ``language``.
    """
    spoken = spoken_language(language)
    words = _WORDS[spoken]
    days = (moment.date() - now.astimezone(moment.tzinfo).date()).days
    if days == 0:
        day = words.today
    elif days == 1:
        day = words.tomorrow
    elif 0 < days < _DAYS_BY_NAME:
        day = _one(words.weekdays, moment.weekday())
    else:
        month = _one(words.months, moment.month - 1)
        day = words.date.format(day=moment.day, month=month)
    time = words.time.format(hour=moment.hour, minute=moment.minute)
    # Ukrainian says "об 11:00", and "о" before all other hours.
    return day + (time.replace(" о 11", " об 11") if spoken == "uk" else time)


def _one(words: str, index: int) -> str:
    return words.split()[index].replace("_", " ")
