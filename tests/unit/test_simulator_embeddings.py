"""Near vectors mean near texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.embeddings import embed

TEXTS = {
    "hours": "Lahtiolekuajad: oleme avatud esmaspäevast reedeni kell 9-19.",
    "hall": "Lugemissaal akendega merele, laudade ja lampidega",
    "fine": "Viivis on 0,10 eurot päevas iga raamatu kohta",
    "print": "Printimine maksab 0,20 eurot lehekülg",
    "door": "Main entrance from the harbour street with a ramp",
    "card": "Для записи нужен документ, читательский билет бесплатный",
}


def likeness(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(embed(one), embed(other), strict=True))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Mis kell te avate?", "hours"),
        ("When do you open?", "hours"),
        ("Во сколько вы открываетесь?", "hours"),  # noqa: RUF001 - Russian
        ("näita lugemissaali", "hall"),
        ("merevaade", "hall"),
        ("kui suur viivis", "fine"),
        ("kas saab printida", "print"),
        ("where is the entrance ramp", "door"),
        ("нужен ли документ", "card"),
    ],
)
def test_the_nearest_text_is_the_one_that_is_meant(query: str, expected: str) -> None:
    nearest = max(TEXTS, key=lambda name: likeness(query, TEXTS[name]))
    assert nearest == expected


def test_texts_without_a_common_word_are_far_apart() -> None:
    assert likeness("koerad rihma otsas", TEXTS["print"]) < 0.2


@given(st.text(), st.integers(1, 64))
def test_embeddings_have_the_asked_size_and_length_one(text: str, size: int) -> None:
    vector = embed(text, size)
    assert len(vector) == size
    assert abs(sum(value * value for value in vector) - 1) < 1e-4
    assert vector == embed(text, size)
