"""Answers are cut into messages that Instagram takes, and nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.splitting import MESSAGE_LIMIT_BYTES, split_text

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
