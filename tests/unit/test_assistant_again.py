from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.assistant.again import wants_it_again
from vestlus.assistant.again_words import AGAIN, ANOTHER, LOST


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
    assert wants_it_again(["Tere", text])
    assert wants_it_again([unicodedata.normalize("NFD", text)])


@pytest.mark.parametrize(
    "text",
    [
        "",
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
    assert not wants_it_again([text])


def test_nothing_asks_for_nothing() -> None:
    assert not wants_it_again([])


@given(st.sampled_from(sorted({word for words in AGAIN.values() for word in words})), st.text())
def test_every_word_of_the_table_is_found_on_a_line_of_its_own(word: str, other: str) -> None:
    assert wants_it_again([f"{other}\n{word.removesuffix('-')}\n{other}"])


@pytest.mark.parametrize(
    "text",
    [
        "Can you send me the map please, I deleted it",
        "Can I see the price list?",
        "I didn\u2019t get it",
        "Palun saatke mulle see kaart",
        "Pilt ei tulnud kohale, saatke palun",
        "Pilt ei tulnud veel kohale",
        "Kas saate saata pildi, kus on lahtiolekuajad?",
        "Näita menüüd",
        "Пришлите карту, пожалуйста",
        "Карта не пришла",
        "Надішліть мапу, будь ласка",
        "Näytä kartta",
        "Bitte schicken Sie mir den Plan",
        "Pokaż mapę",
        "Encore une fois",
    ],
)
def test_who_asks_for_a_certain_thing_or_has_lost_it_may_get_it_again(text: str) -> None:
    assert wants_it_again(["Tere", text])
    assert wants_it_again([unicodedata.normalize("NFD", text)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Saatke palun veel üks pilt!",
        "Saatke palun mõni teine pilt",
        "Saada pilt!",
        "Send me a picture please",
        "Another picture please",
        "Show me something else",
        "Пришлите ещё одну картинку",
        "Пришлите другую картинку",
        "Покажите фото, пожалуйста",
        "Näytä vielä yksi kuva",
        "Noch ein Bild bitte",
        "Encore une photo",
        "Mis kell te avate?",
        "Aitäh!",
    ],
)
def test_who_asks_for_another_or_for_just_any_does_not_want_the_same(text: str) -> None:
    assert not wants_it_again(["Tere", text])


@given(st.sampled_from(sorted({word for words in LOST.values() for word in words})))
def test_what_is_lost_is_wanted_again_also_with_another_wish(word: str) -> None:
    assert wants_it_again([f"{word.removesuffix('-')}\n{ANOTHER['et'][0]}"])
