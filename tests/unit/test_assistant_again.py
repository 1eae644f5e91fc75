from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.assistant.again import _WORDS, asks_again


@pytest.mark.parametrize(
    "text",
    [
        "Näita palun menüüd uuesti",
        "Veel kord!",
        "saada VEEL  KORD see pilt",
        "Can you show it again?",
        "once\nmore please",
        "please re-send",
        "Покажите ещё раз",
        "покажите еще раз, пожалуйста",
        "Повторите картинку",
        "Покажіть ще раз",
        "Näytä uudelleen",
        "Visa det igen",
        "Parādi vēlreiz",
        "Parodyk dar kartą",
        "Bitte noch einmal",
        "Pokaż jeszcze raz",
        "Encore une fois",
        "Otra vez, por favor",
    ],
)
def test_who_asks_for_it_once_more_is_understood(text: str) -> None:
    assert asks_again(["Tere", text])
    assert asks_again([unicodedata.normalize("NFD", text)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Näita menüüd",
        "Against the rules?",
        "Kas teil on taastusravi?",
        "Kas veel on kohti?",
        "Is it more than once a day?",
        "Какая картинка?",
        "Wiederholung gibt es nicht",
        "Foreign guests",
    ],
)
def test_other_words_do_not_pass_for_it(text: str) -> None:
    assert not asks_again([text])


def test_nothing_asks_for_nothing() -> None:
    assert not asks_again([])


@given(st.sampled_from(sorted({word for words in _WORDS.values() for word in words})), st.text())
def test_every_word_of_the_table_is_found_on_a_line_of_its_own(word: str, other: str) -> None:
    assert asks_again([f"{other}\n{word.removesuffix('-')}\n{other}"])
