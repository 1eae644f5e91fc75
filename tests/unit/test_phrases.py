"""The service's own words: in every language, short, and with their values in them."""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.handing_over import NOTE_CHARACTERS, handover_note, handover_text
from vestlus.conversation.hours import parse_holiday, parse_opening
from vestlus.conversation.phrases import LANGUAGES, Phrase, say, say_own, spoken_language
from vestlus.conversation.phrases_when import when_words
from vestlus.conversation.words import Command, command_of

TALLINN = ZoneInfo("Europe/Tallinn")
#: A Wednesday.
NOW = datetime(2026, 9, 16, 15, 30, tzinfo=TALLINN)
VALUES = {
    Phrase.DISCLOSURE: {"name"},
    Phrase.DISCLOSURE_PRIVACY: {"url"},
    Phrase.HANDOVER_HOURS: {"when"},
}
EACH = [(language, phrase) for language in LANGUAGES for phrase in Phrase]


def test_ten_languages_are_spoken() -> None:
    assert set(LANGUAGES) == {"et", "en", "ru", "fi", "lv", "lt", "de", "sv", "pl", "uk"}


@pytest.mark.parametrize(("language", "phrase"), EACH)
def test_every_phrase_is_short_and_holds_its_values_in_every_language(
    language: str, phrase: Phrase
) -> None:
    names = VALUES.get(phrase, set())
    text = say(phrase, language, **{name: f"{{{name}}}" for name in names})
    assert 0 < len(text.encode()) <= 300
    assert {name for _, name, _, _ in Formatter().parse(text) if name} == names
    assert text == text.strip()


@pytest.mark.parametrize(("language", "phrase"), EACH)
def test_no_phrase_is_the_same_in_two_languages(language: str, phrase: Phrase) -> None:
    values = {"name": "X", "url": "X", "when": "X"}
    others = {say(phrase, one, **values) for one in LANGUAGES if one != language}
    assert say(phrase, language, **values) not in others


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_in_danger_is_told_to_call_112(language: str) -> None:
    assert "112" in say(Phrase.EMERGENCY, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_word_that_starts_again_is_one_that_starts_again(language: str) -> None:
    (word,) = re.findall(r"[„“”\"«]([^„“”\"«»]+)[“”\"»]", say(Phrase.STOPPED, language))
    assert command_of(word) is Command.START


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_word_that_confirms_an_erasure_is_a_yes(language: str) -> None:
    text = say(Phrase.DELETE_ASK, language)
    (word,) = re.findall(r"[„“”\"«]([^„“”\"«»]+)[“”\"»]", text)
    assert command_of(word) is Command.YES


@pytest.mark.parametrize(
    ("language", "asked"),
    [
        ("et", "inimest"),
        ("en", "a person"),
        ("ru", "сотрудника"),
        ("uk", "людину"),
        ("fi", "ihmistä"),
        ("lv", "cilvēku"),
        ("lt", "žmogaus"),
        ("de", "einen Menschen"),
        ("sv", "en människa"),
        ("pl", "człowieka"),
    ],
)
def test_whom_users_are_told_to_ask_for_can_be_asked_for(language: str, asked: str) -> None:
    assert asked.removeprefix("einen ") in say(Phrase.UNSAFE, language)
    assert command_of(asked) is Command.PERSON


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_more_is_said_to_be_erased_than_this_conversation(language: str) -> None:
    yours = r"\b(?:teie|your|ваши|ваші|jūsu|jūsų|państwa|ihre|dina)\b|tietosi"
    assert not re.search(yours, say(Phrase.DELETED, language).casefold())


@pytest.mark.parametrize(
    ("language", "account", "spoken"),
    [
        ("et", "ru", "et"),
        ("en-GB", "et", "en"),
        ("DE_at", "et", "de"),
        ("ja", "ru", "ru"),
        ("zh-Hant", "fi-FI", "fi"),
        ("", "et", "et"),
        ("ja", "ko", "en"),
        ("", "", "en"),
    ],
)
def test_what_is_not_spoken_falls_back_to_the_account_and_then_to_english(
    language: str, account: str, spoken: str
) -> None:
    assert spoken_language(language, account) == spoken
    assert say(Phrase.HANDOVER, language, account_language=account) == say(Phrase.HANDOVER, spoken)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_tag_gets_a_phrase(language: str, account: str) -> None:
    assert say(Phrase.APOLOGY, language, account_language=account)


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        say(Phrase.DISCLOSURE, "et")


@given(st.text(max_size=40))
def test_values_are_put_in_as_they_are(name: str) -> None:
    assert name in say(Phrase.DISCLOSURE, "et", name=name)
    assert say_own({"et": "Mina: {name} {muu}"}, Phrase.DISCLOSURE, "et", name=name) == (
        f"Mina: {name} {{muu}}"
    )


def test_the_accounts_own_words_go_first_in_the_users_language() -> None:
    own = {"et": "Oma sõnad.", "en-GB": "Own words.", "fi": " "}
    assert say_own(own, Phrase.APOLOGY, "et") == "Oma sõnad."
    assert say_own(own, Phrase.APOLOGY, "en-gb") == "Own words."
    assert say_own(own, Phrase.APOLOGY, "ja", account_language="et") == "Oma sõnad."
    # Our words in the user's language rather than the account's in another.
    assert say_own(own, Phrase.APOLOGY, "ru", account_language="et") == say(Phrase.APOLOGY, "ru")
    assert say_own(own, Phrase.APOLOGY, "fi", account_language="et") == say(Phrase.APOLOGY, "fi")
    assert say_own(own, Phrase.APOLOGY, "ja") == say(Phrase.APOLOGY, "en")


@pytest.mark.parametrize(
    ("language", "days", "time"),
    [
        ("et", "täna|homme|esmaspäeval|1. oktoobril", " kell 09:00"),
        ("en", "today|tomorrow|on Monday|on 1 October", " at 09:00"),
        ("ru", "сегодня|завтра|в понедельник|1 октября", " в 9:00"),
        ("uk", "сьогодні|завтра|у понеділок|1 жовтня", " о 9:00"),
        ("fi", "tänään|huomenna|maanantaina|1. lokakuuta", " klo 9.00"),
        ("lv", "šodien|rīt|pirmdien|1. oktobrī", " plkst. 9:00"),
        ("lt", "šiandien|rytoj|pirmadienį|spalio 1 d.", " 9:00 val."),
        ("de", "heute|morgen|am Montag|am 1. Oktober", " um 9:00 Uhr"),
        ("sv", "idag|imorgon|på måndag|den 1 oktober", " kl. 09.00"),
        ("pl", "dziś|jutro|w poniedziałek|1 października", " o 9:00"),
    ],
)
def test_a_moment_to_come_is_said_as_people_say_it(language: str, days: str, time: str) -> None:
    nine = NOW.replace(hour=9, minute=0)
    moments = [nine + timedelta(days=ahead) for ahead in (0, 1, 5, 15)]
    said = [when_words(moment, NOW, language) for moment in moments]
    assert said == [f"{day}{time}" for day in days.split("|")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_weekday_and_month_has_its_own_name(language: str) -> None:
    days = {when_words(NOW + timedelta(days=step), NOW, language) for step in range(7)}
    months = {
        when_words(NOW.replace(year=2027, month=month, day=1), NOW, language)
        for month in range(1, 13)
    }
    assert len(days) == 7
    assert len(months) == 12


def test_the_same_weekday_of_next_week_is_said_by_its_date() -> None:
    assert when_words(NOW + timedelta(days=7), NOW, "et") == "23. septembril kell 15:30"


def test_today_is_the_day_in_the_zone_of_the_moment() -> None:
    late = datetime(2026, 9, 16, 22, 30, tzinfo=UTC)  # 01:30 in Tallinn, a day later
    assert when_words(datetime(2026, 9, 17, 9, 0, tzinfo=TALLINN), late, "et") == "täna kell 09:00"


def test_eleven_o_clock_in_ukrainian() -> None:
    assert when_words(NOW.replace(hour=11), NOW, "uk") == "сьогодні об 11:30"


OPENINGS = [parse_opening("Mon-Fri 09:00-17:00")]


def told(now: datetime, language: str = "et", *holidays: str) -> str:
    return handover_text(
        now=now,
        openings=OPENINGS,
        holidays=[parse_holiday(one) for one in holidays],
        language=language,
        account_language="et",
    )


def test_during_working_hours_a_person_is_promised_without_a_time() -> None:
    assert told(NOW) == say(Phrase.HANDOVER, "et")


def test_outside_working_hours_the_user_is_told_when_people_are_back() -> None:
    assert "homme kell 09:00" in told(NOW.replace(hour=18))
    assert "täna kell 09:00" in told(NOW.replace(hour=6))
    assert "esmaspäeval kell 09:00" in told(NOW.replace(hour=18) + timedelta(days=2))
    assert "reedel kell 09:00" in told(NOW.replace(hour=18), "et", "2026-09-17")
    assert "on Friday at 09:00" in told(NOW.replace(hour=18), "en-US", "09-17")
    # Words and weekday are of one language, the account's where the user's is not spoken.
    assert told(NOW.replace(hour=18), "ja") == told(NOW.replace(hour=18), "et")


def test_without_working_hours_nothing_is_promised() -> None:
    text = handover_text(now=NOW, openings=[], holidays=[], language="en", account_language="et")
    assert text == say(Phrase.HANDOVER, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_hand_over_fits_into_one_message(language: str) -> None:
    moments = (
        datetime(2026, 1, 1, 18, 0, tzinfo=TALLINN) + timedelta(days=day) for day in range(366)
    )
    assert all(len(told(moment, language).encode()) <= 400 for moment in moments)


def test_a_note_holds_the_reason_and_the_last_words() -> None:
    assert handover_note(["Tere", "Soovin  rääkida\ninimesega"], "user asked") == (
        "user asked: Tere / Soovin rääkida inimesega"
    )
    assert handover_note([], "user asked") == "user asked"
    assert handover_note([" "], "") == ""


def test_a_note_keeps_the_newest_words_when_there_are_too_many() -> None:
    note = handover_note(["vana " * 50, "uus " * 20], "r")
    assert note == "r: " + " ".join(["uus"] * 20)
    long = handover_note(["sõna " * 100], "r")
    assert long.endswith("sõna…")
    assert len(long) <= NOTE_CHARACTERS + len("r: ")


@given(st.lists(st.text(max_size=400), max_size=4), st.text(max_size=20))
def test_a_note_is_never_longer_than_the_reason_and_300_characters(
    texts: list[str], reason: str
) -> None:
    assert len(handover_note(texts, reason)) <= len(reason) + 2 + NOTE_CHARACTERS
