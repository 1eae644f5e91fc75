"""The pretend model answers from the persona it is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.languages import IN_RUSSIAN, UNKNOWN, guess_language
from vestlus.simulator.markers import find_markers
from vestlus.simulator.persona_match import answer

PERSONA = """Answer briefly. Never invent opening hours or prices.
<persona>
# Vabaõhumuuseum
Oled muuseumi abiline ja vastad sõbralikult.
- Muuseum on avatud E–R 9–17 ja L 10–15.
- Aadress: Vabaõhumuuseumi tee 12, Tallinn.
- Telefon: +372 654 9100.
- Pilet maksab täiskasvanule 12 €, lastele 6,50 €.
- E-post: info@muuseum.ee
- Parkimine on maja taga tasuta.
- Koerad on rihma otsas lubatud.
</persona>
"""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Mis kell te avate?", "E–R 9–17"),
        ("Kui kaua te lahti olete?", "E–R 9–17"),
        ("When do you open?", "E–R 9–17"),
        ("What are your opening hours?", "E–R 9–17"),
        ("Во сколько вы открываетесь?", "E–R 9–17"),  # noqa: RUF001 - Russian
        ("Kus te asute?", "tee 12"),
        ("Where are you located?", "tee 12"),
        ("Какой у вас адрес?", "tee 12"),  # noqa: RUF001 - Russian
        ("Mis on teie telefoninumber?", "654 9100"),
        ("Kui palju pilet maksab?", "12 €"),
        ("How much is a ticket?", "12 €"),
        ("Сколько стоит билет?", "12 €"),
        ("What is your e-mail?", "info@muuseum.ee"),
        ("Kas parkida saab?", "Parkimine"),
        ("Kas koeraga tohib tulla?", "Koerad"),
    ],
)
def test_the_line_that_fits_the_question_is_the_answer(question: str, expected: str) -> None:
    said = answer(PERSONA, [question]).text
    assert expected in said
    assert said.removeprefix(f"{IN_RUSSIAN} ") in PERSONA


def test_a_changed_persona_changes_the_answer() -> None:
    changed = PERSONA.replace("E–R 9–17", "E–R 10–19")
    assert "E–R 10–19" in answer(changed, ["Mis kell te avate?"]).text


def test_only_the_marked_part_is_searched() -> None:
    assert "Never invent" not in answer(PERSONA, ["opening hours prices"]).text


def test_without_marks_every_line_is_searched() -> None:
    assert answer("Avatud 9–17.\nKoeri ei lubata.", ["Mis kell te avate?"]).text == "Avatud 9–17."


def test_a_greeting_is_returned_with_the_answer_or_alone() -> None:
    assert answer(PERSONA, ["Tere! Mis kell te avate?"]).text.startswith("Tere! Muuseum on avatud")
    assert answer(PERSONA, ["Hello!"]).text == "Hello! How can I help?"


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Kas teil lumelaudu on?", "et"),
        ("Do you have any snowboards?", "en"),
        ("Есть ли у вас сноуборды?", "ru"),  # noqa: RUF001 - Russian
    ],
)
def test_what_nothing_fits_is_said_to_be_unknown_in_the_users_language(
    question: str, language: str
) -> None:
    assert guess_language(question) == language
    assert answer(PERSONA, [question]).text == UNKNOWN[language]


def test_a_burst_is_answered_together_with_every_marker() -> None:
    said = answer(PERSONA, ["Mis kell te avate? #u1-1", "Kus te asute? #u1-2", "ja? #u1-3"]).text
    assert "E–R 9–17" in said
    assert "tee 12" in said
    assert find_markers(said) == ["#u1-1", "#u1-2", "#u1-3"]


def test_orders_in_a_persona_are_not_given_as_answers() -> None:
    persona = """<persona>
# Kuidas vastata
- Lahtiolekuajad, hinnad ja aadress: ütle need alati välja.
# Mida teada
- Ära nimeta hindu ega lahtiolekuaegu, mida siin kirjas ei ole.
- Konto pidaja ei ole muid andmeid andnud.
</persona>"""
    assert answer(persona, ["Mis kell te avate?"]).text == UNKNOWN["et"]
    assert answer(persona, ["Tere! Mis kell te avate?"]).text == f"Tere! {UNKNOWN['et']}"


@pytest.mark.parametrize(
    ("order", "question"),
    [
        ("Sa oled Sadama raamatukogu abiline.", "Kas see on Sadama raamatukogu?"),
        ("You are the assistant of the harbour library.", "Is this the harbour library?"),
    ],
)
def test_who_the_model_is_to_be_is_not_read_out(order: str, question: str) -> None:
    said = answer(f"<persona>\n# Sadama raamatukogu\n{order}\n</persona>", [question])
    assert said.text == UNKNOWN[said.language]


def test_small_talk_is_answered_as_such() -> None:
    assert answer(PERSONA, ["Tere päevast!"]).text == "Tere! Kuidas saan aidata?"
    assert answer(PERSONA, ["Aitäh!"]).text.startswith("Palun!")


def test_who_asks_for_a_person_is_passed_on() -> None:
    assert answer(PERSONA, ["Tahan rääkida inimesega"]).wants_person
    assert not answer(PERSONA, ["Mis kell te avate?"]).wants_person


def test_a_picture_alone_is_thanked_for() -> None:
    assert answer(PERSONA, [""], picture=True).text.startswith("Aitäh pildi eest")
    assert answer(PERSONA, ["[image]"]).text.startswith("Aitäh pildi eest")


@given(st.text(), st.lists(st.text(), max_size=4))
def test_any_text_gets_an_answer(instructions: str, messages: list[str]) -> None:
    said = answer(instructions, messages)
    assert said.text.strip()
    assert said.language in UNKNOWN


@given(st.lists(st.integers(0, 10**6), max_size=5))
def test_every_marker_comes_back_once_and_in_order(numbers: list[int]) -> None:
    markers = [f"#u{number}-{place}" for place, number in enumerate(numbers)]
    said = answer(PERSONA, [f"Mis kell te avate? {marker}" for marker in markers]).text
    assert find_markers(said) == markers
