from __future__ import annotations

import pytest

from vestlus.assistant.scripts import is_latin_to_cyrillic


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Когда вы открываетесь?", "We open at nine."),
        ("Привет", "Tere!"),
        ("Что это?\n[a picture]", "See on pilt."),
        ("Що це? https://example.com/a", "This is a picture."),
    ],
)
def test_latin_letters_to_a_question_in_cyrillic_alone_are_the_wrong_language(
    asked: str, answer: str
) -> None:
    assert is_latin_to_cyrillic([asked], answer)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Когда вы открываетесь?", "Мы открываемся в 9."),
        ("Адрес?", "Sadama 5, Таллинн"),
        ("Где меню?", "https://kohvik.ee/menu"),
        ("Ваша почта?", "info@kohvik.ee"),
        ("Где вы?", "🙂 12.30"),
        ("Где меню?", ""),
        ("да", "OK, see you"),
        ("Ответьте in English", "We open at nine."),
        ("Mis kell avate?", "Мы открываемся в 9."),
        ("What is this?", "A picture."),
        ("[a picture]", "A picture."),
        ("???", "What do you mean?"),
        ("", "Tere"),
    ],
)
def test_nothing_else_is_called_the_wrong_language(asked: str, answer: str) -> None:
    assert not is_latin_to_cyrillic([asked], answer)


def test_all_messages_of_a_burst_count_together() -> None:
    assert is_latin_to_cyrillic(["Здравствуйте", "Сколько стоит?"], "Eight euros.")
    assert not is_latin_to_cyrillic(["Здравствуйте", "How much?"], "Eight euros.")
