"""Answers are cut into messages that Instagram takes, and nothing is lost."""

# ruff: noqa: RUF001  (Cyrillic letters that look like Latin ones)

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.splitting import MESSAGE_LIMIT_BYTES, shortened, split_text

TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from(" \n.!?aäõü😀👍🏽жш,"), st.characters(codec="utf-8")),
    max_size=3000,
)


def without_space(text: str) -> str:
    return "".join(text.split())


@given(TEXTS, st.integers(min_value=4, max_value=1200))
def test_every_piece_fits_is_not_blank_and_nothing_but_white_space_is_lost(
    text: str, limit: int
) -> None:
    pieces = split_text(text, limit)
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)
    assert all(piece == piece.strip() for piece in pieces)
    assert without_space("".join(pieces)) == without_space(text)


@given(TEXTS)
def test_what_fits_is_sent_as_it_is(text: str) -> None:
    if 0 < len(text.strip().encode()) <= MESSAGE_LIMIT_BYTES:
        assert split_text(text) == (text.strip(),)


def test_blank_text_gives_no_message() -> None:
    assert split_text(" \n ") == ()


def test_cuts_at_the_end_of_a_paragraph_before_the_end_of_a_sentence() -> None:
    text = "Esimene lõik. " * 3 + "\n\n" + "Teine lõik. " * 3
    assert split_text(text, 60) == (("Esimene lõik. " * 3).strip(), ("Teine lõik. " * 3).strip())


def test_cuts_at_the_end_of_a_sentence_before_the_end_of_a_word() -> None:
    text = "Oleme avatud iga päev. Pühadel oleme suletud, kuid e-teenused töötavad."
    first, second = split_text(text, 60)
    assert first == "Oleme avatud iga päev."
    assert second == "Pühadel oleme suletud, kuid e-teenused töötavad."


ORDINAL = "Vabariigi aastapäev on pühapäeval, 24. veebruaril, ja maja on siis suletud."


@pytest.mark.parametrize("limit", range(45, 60))
def test_an_ordinal_stays_with_its_month(limit: int) -> None:
    first, *rest = split_text(f"Tere! {ORDINAL}", limit)
    assert first == "Tere!"
    assert not any(piece.endswith("24.") for piece in rest)


@given(
    before=st.lists(st.sampled_from(["maja", "on", "suletud", "ja", "Tere."]), min_size=1),
    held=st.sampled_from(
        ["24. veebruaril", "XX. sajandi", "nr. 5", "tel. 6", "lk. 7", "J. Jannsen", "ул. 8", "1. 5"]
    ),
    after=st.lists(st.sampled_from(["majas", "on", "avatud.", "Uks"]), max_size=8),
    limit=st.integers(40, 120),
)
def test_numbers_initials_and_abbreviations_stay_with_what_follows(
    before: list[str], held: str, after: list[str], limit: int
) -> None:
    pieces = split_text(" ".join([*before, held, *after]), limit)
    assert sum(held in piece for piece in pieces) == 1


def test_a_sentence_may_end_with_a_number_or_an_abbreviation() -> None:
    assert split_text("Maja on avatud kella 10. Tulge!", 28) == (
        "Maja on avatud kella 10.",
        "Tulge!",
    )
    assert split_text("Tule kell 10.\nsiis räägime", 20) == ("Tule kell 10.", "siis räägime")


def test_where_there_is_no_other_place_ordinals_are_cut_off_as_well() -> None:
    assert split_text("1. 2. 3. 4.", 5) == ("1. 2.", "3. 4.")


def test_a_link_is_never_cut() -> None:
    link = "https://www.example.ee/lahtiolekuajad?keel=et&maja=1"
    pieces = split_text(f"Täpsemalt loe meie kodulehelt, kus on kõik kirjas: {link} ja küsi.", 70)
    assert any(link in piece for piece in pieces)


def test_a_word_longer_than_the_limit_is_cut_between_characters() -> None:
    pieces = split_text("👍🏽" * 40, 100)
    assert "".join(pieces) == "👍🏽" * 40
    assert all(piece.startswith("👍") for piece in pieces)


def test_an_abbreviation_inside_a_word_is_no_sentence_end() -> None:
    pieces = split_text("Hind on 3.50 eurot ja sellele lisandub veel postikulu 2.10 eurot", 40)
    assert pieces[0].endswith("lisandub")


FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇪🇪"
KEYCAP = "1️⃣"
WAVE = "👋🏽"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
SEQUENCES = (FAMILY, FLAG, KEYCAP, WAVE, SCOTLAND, "❤️‍🔥", "ö\u0303", "й", "नि", "👩🏿‍🚀")

ANSWER = (
    "Tere! Täname küsimast – õhtune näitus „Öö muuseumis“ on avatud kella 18.00–23.00. 🎉\n\n"
    "Здравствуйте! Вечерняя выставка открыта с 18:00 до 23:00, вход свободный. "
    "Подробнее: https://www.sadam.ee/ru/vystavka?id=5&lang=ru! Ждём вас 👨‍👩‍👧‍👦🇪🇪\n\n"
    "Vaata https://a.ee/b.c?d=e! Tore, et tulete 👋🏽 1️⃣2️⃣3️⃣. "
)


def test_a_long_answer_in_several_scripts_arrives_whole_and_in_whole_characters() -> None:
    text = ANSWER * 5
    pieces = split_text(text)
    assert len(pieces) > 2
    assert all(len(piece.encode()) <= MESSAGE_LIMIT_BYTES for piece in pieces)
    # Each piece goes over the wire as its own UTF-8, and comes back as it was.
    received = [piece.encode().decode(errors="strict") for piece in pieces]
    assert " ".join(received).split() == text.split()


@pytest.mark.parametrize("limit", range(60, 140))
def test_links_and_emoji_of_a_long_answer_are_never_cut(limit: int) -> None:
    pieces = split_text(ANSWER, limit)
    for whole in ("https://www.sadam.ee/ru/vystavka?id=5&lang=ru!", "https://a.ee/b.c?d=e!"):
        assert sum(whole in piece for piece in pieces) == 1
    for whole in (FAMILY, FLAG, WAVE, KEYCAP):
        assert sum(whole in piece for piece in pieces) == 1


def test_marks_inside_a_link_are_no_sentence_ends() -> None:
    text = "vaata https://a.ee/b.c?d=e!f Tore"
    assert split_text(text, 30) == ("vaata https://a.ee/b.c?d=e!f", "Tore")
    assert split_text(text, 26) == ("vaata", "https://a.ee/b.c?d=e!f", "Tore")


def test_a_link_that_follows_a_word_without_a_space_is_cut_off_before_it() -> None:
    text = "ж" * 12 + "https://a.ee/pikk/tee"
    assert split_text(text, 40) == ("ж" * 12, "https://a.ee/pikk/tee")


@given(
    st.lists(st.sampled_from([*SEQUENCES, "a", "ж"]), min_size=1, max_size=60),
    st.integers(min_value=40, max_value=90),
)
def test_no_character_as_people_see_it_is_taken_apart(parts: list[str], limit: int) -> None:
    pieces = split_text("".join(parts), limit)
    assert "".join(pieces) == "".join(parts)
    ends = list(accumulate(map(len, pieces)))
    assert set(ends) <= set(accumulate(map(len, parts)))


@given(st.integers(0, 80), st.integers(20, 60))
def test_flags_are_cut_in_pairs_of_letters(count: int, limit: int) -> None:
    pieces = split_text("x" + FLAG * count, limit)
    assert all(piece.removeprefix("x") == FLAG * (len(piece) // 2) for piece in pieces)


def test_what_alone_is_over_the_limit_is_cut_all_the_same() -> None:
    text = "a" + "\u0301" * 100
    pieces = split_text(text, 50)
    assert "".join(pieces) == text
    assert all(0 < len(piece.encode()) <= 50 for piece in pieces)


def test_half_a_character_does_not_stop_an_answer() -> None:
    assert split_text("Tore \ud83d") == ("Tore \ufffd",)


@given(TEXTS, st.integers(min_value=2, max_value=200))
def test_a_shortened_text_is_its_beginning(text: str, characters: int) -> None:
    short = shortened(text, characters)
    assert len(short) <= characters
    if short != text:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


def test_a_text_is_shortened_between_words() -> None:
    assert shortened("Tere tulemast meile", 15) == "Tere tulemast…"
    assert shortened("Tere tulemast meile", 14) == "Tere tulemast…"
    assert shortened("Tere tulemast meile", 13) == "Tere…"
    assert shortened("Tere", 4) == "Tere"
    assert shortened("Teretulemast", 5) == "Tere…"
    assert shortened(FLAG * 3, 4) == f"{FLAG}…"
