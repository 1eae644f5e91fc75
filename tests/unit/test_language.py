"""The language of a few words, guessed without a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.language import guess_language
from vestlus.conversation.phrases import LANGUAGES, Phrase, say


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("et", "Tere!"),
        ("et", "Mis kell te homme avate?"),
        ("et", "palju maksab pilet"),
        ("et", "Täna õhtul"),
        ("en", "Hello"),
        ("en", "What time do you open tomorrow?"),
        ("en", "Where is the exhibition on Wałęsa?"),
        ("ru", "Здравствуйте, во сколько вы открываетесь?"),
        ("ru", "Сколько стоит билет?"),
        ("ru", "Привет"),
        ("uk", "Привіт"),
        ("uk", "Скільки коштує квиток?"),
        ("uk", "Добрий день"),
        ("fi", "Moi, onko kirjasto auki?"),
        ("fi", "Paljonko lippu maksaa"),
        ("lv", "Labdien! Cik maksā biļete?"),
        ("lt", "Laba diena, kiek kainuoja bilietas?"),
        ("de", "Guten Tag, wann haben Sie geöffnet?"),
        ("de", "Was kostet die Karte?"),
        ("sv", "Hej, när öppnar ni?"),
        ("pl", "Dzień dobry, kiedy otwieracie?"),
    ],
)
def test_short_messages_in_every_language_are_told_apart(language: str, text: str) -> None:
    assert guess_language([text], "xx") == language


@pytest.mark.parametrize("text", ["", "👍", "ok", "12:30", "Tallinn", "mari@example.ee", "Sveiki"])
def test_what_says_nothing_gives_the_default(text: str) -> None:
    assert guess_language([text], "fi-FI") == "fi-FI"


def test_cyrillic_that_could_be_either_is_russian_unless_the_default_is_ukrainian() -> None:
    assert guess_language(["Таллинн"], "et") == "ru"
    assert guess_language(["Таллинн"], "uk") == "uk"


def test_all_messages_count_together() -> None:
    assert guess_language(["Tallinn", "ok", "kas te olete avatud"], "en") == "et"


def test_decomposed_letters_are_letters_too() -> None:
    assert guess_language(["o\u0303htul"], "en") == "et"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_services_own_words_are_in_the_language_they_claim(language: str) -> None:
    values = {"name": "X", "url": "https://example.ee", "when": ""}
    texts = [say(phrase, language, **values) for phrase in Phrase]
    assert guess_language(texts, "xx") == language


@given(st.lists(st.text(max_size=80), max_size=4), st.sampled_from(["et", "xx"]))
def test_any_text_gives_a_language_that_is_spoken_or_the_default(
    texts: list[str], default: str
) -> None:
    assert guess_language(texts, default) in {*LANGUAGES, default}
