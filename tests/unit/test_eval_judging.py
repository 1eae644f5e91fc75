from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.conversation.reply import Concern, PicturePart, Reply, TextPart
from vestlus.evaluation.judging import judge
from vestlus.evaluation.matching import certain_language, contains, normalised
from vestlus.evaluation.questions import Asked

ESTONIAN = "Tere! Oleme avatud kella 9–19 ja pühapäeval ei ole me avatud."
ENGLISH = "Hello! We are open from 9 to 19, and on Sunday we are closed."
FINNISH = "Olemme avoinna klo 9–19, mutta sunnuntaina se ei ole auki, kun on pyhä."
RUSSIAN = "Здравствуйте! Мы открыты до 19."


def asked(**expected: Any) -> Asked:  # noqa: ANN401 - any field
    return Asked.model_validate({"ask": "x", **expected})


def reply(text: str = "", *pictures: str, **more: Any) -> Reply:  # noqa: ANN401 - any field
    texts = (TextPart(text),) if text else ()
    return Reply(parts=(*texts, *map(PicturePart, pictures)), **more)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Avatud 9–19.", "9-19"),
        ("Avatud 9 \u2013 19.", "9–19"),
        ("Avatud 9-19.", "9 — 19"),
        ("PÜHAPÄEVAL suletud", "puhapaeval"),
        ("viivis on 0,10\u00a0€", "0,10 €"),
        ("Telefon\n  600 0010", "telefon 600 0010"),
        ("raamat «Kevade»", '"Kevade"'),
        ("raamat „Kevade“", "“Kevade”"),
        ("Часы работы: ЁЛКА", "елка"),
        ("https://a.example/b.", "https://a.example/b"),
        ("maksab 20.", "20"),
        ("ﬁnantsid", "finants"),
        ("м\u2019яч, п\u02bcять", "м'яч, п\u00b4ять"),
        ("l\u2018été d\u2032hiver", "l'ete d'hiver"),
        ("9.12.2025 9–19", "9–19"),
        ("Sadama 12 10115 Tallinn", "Sadama 12"),
        ("600 0010 või 600 0011", "600 0010"),
        ("maksab 1 200 eurot", "1 200 eurot"),
        ("hind 20, 30 või 40.", "30"),
    ],
)
def test_a_fact_is_found_however_it_is_written(text: str, fact: str) -> None:
    assert judge(asked(must=fact), reply(text)) == ()
    assert judge(asked(must_not=fact), reply(text)) == (f'says "{fact}"',)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("kell 19", "9"),
        ("kell 90", "9"),
        ("1200 eurot", "20"),
        ("8.30", "8.3"),
        ("maksab 10,50 eurot", "50"),
        ("maksab 10,50 eurot", "10"),
        ("maksab 10.50 eurot", "50"),
        ("maksab 1 200 eurot", "200 eurot"),
        ("maksab 1\u00a0200 eurot", "1"),
        ("maksab 1 200 300 eurot", "200"),
    ],
)
def test_a_number_is_not_found_in_a_longer_one(text: str, fact: str) -> None:
    assert judge(asked(must=fact), reply(text)) == (f'lacks "{fact}"',)


def test_of_alternatives_one_is_enough() -> None:
    expected = asked(must=[["1,50", "1.50"], "tund"])
    assert judge(expected, reply("1.50 eurot tund")) == ()
    assert judge(expected, reply("2 eurot")) == ('lacks "1,50" or "1.50"', 'lacks "tund"')


def test_a_fact_may_be_spread_over_the_parts_of_an_answer() -> None:
    parts = (TextPart("Avatud 9–19."), PicturePart("map"), TextPart("Sadama 12"))
    assert judge(asked(must=["9–19", "Sadama 12"]), Reply(parts=parts)) == ()


@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=30))
def test_a_text_without_digits_at_its_ends_is_found_in_whatever_holds_it(
    before: str, fact: str, after: str
) -> None:
    wanted = normalised(f"|{fact}|")
    assert contains(normalised(f"{before} |{fact}| {after}"), wanted)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("text", "language"), [(ESTONIAN, "et"), (ENGLISH, "en"), (FINNISH, "fi"), ("OK 12", "")]
)
def test_the_language_of_sentences_is_told_by_their_words(text: str, language: str) -> None:
    assert certain_language(text) == language


@pytest.mark.parametrize(
    ("text", "said", "expected", "problem"),
    [
        (ESTONIAN, "et", "et", ""),
        (ESTONIAN, "", "et", ""),
        (ENGLISH, "en-GB", "en", ""),
        (RUSSIAN, "ru", "ru", ""),
        (RUSSIAN, "", "ru", ""),
        (FINNISH, "fi", "fi", ""),
        ("Sadama 12", "et", "et", ""),
        ("Jā, esam atvērti.", "lv", "lv", ""),
        (RUSSIAN, "et", "et", "is not in et, by its letters"),
        (ESTONIAN, "ru", "ru", "is not in ru, by its letters"),
        (ENGLISH, "et", "et", "is in en and not in et, by its words"),
        (RUSSIAN, "uk", "ru", "is in uk and not in ru, as the model says"),
        ("Sadama 12", "en", "et", "is in en and not in et, as the model says"),
        ("Sadama 12", "", "et", "cannot be told to be in et"),
        ("9–19", "", "et", ""),
        ("+372 600 0010", "en", "ru", ""),
    ],
)
def test_the_language_is_judged_by_letters_words_and_what_the_model_says(
    text: str, said: str, expected: str, problem: str
) -> None:
    found = judge(asked(language=expected), reply(text, language=said))
    assert found == ((problem,) if problem else ())


@pytest.mark.parametrize(
    ("wanted", "handed_over", "found"),
    [
        (True, True, ()),
        (False, False, ()),
        (None, True, ()),
        (True, False, ("does not hand over to a person",)),
        (False, True, ("hands over to a person",)),
    ],
)
def test_a_hand_over_is_judged_where_it_is_expected_or_not(
    wanted: bool | None,  # noqa: FBT001 - a parameter of the test
    handed_over: bool,  # noqa: FBT001
    found: tuple[str, ...],
) -> None:
    assert judge(asked(handover=wanted, must="x"), reply("x", handover=handed_over)) == found


@pytest.mark.parametrize(
    ("wanted", "shown", "found"),
    [
        ("map", ["map"], ()),
        ("map", ["hours", "map"], ()),
        (True, ["hours"], ()),
        (False, [], ()),
        (None, ["hours"], ()),
        ("map", [], ("does not show map",)),
        ("map", ["hours"], ("does not show map, but hours",)),
        (True, [], ("shows no picture",)),
        (False, ["a", "b"], ("shows a picture: a, b",)),
    ],
)
def test_pictures_are_judged_where_something_is_expected(
    wanted: str | bool | None,  # noqa: FBT001 - a parameter of the test
    shown: list[str],
    found: tuple[str, ...],
) -> None:
    expected = {"must": "x"} if wanted is None else {"must": "x", "picture": wanted}
    assert judge(asked(**expected), reply("x", *shown)) == found


def test_a_concern_is_no_answer_unless_it_is_expected() -> None:
    emergency = Reply(parts=(), concern=Concern.EMERGENCY)
    assert judge(asked(concern="emergency"), emergency) == ()
    assert judge(asked(must=["a", "b"]), emergency) == (
        "is not answered: moderation says emergency",
    )
    assert judge(asked(concern="unsafe_messages"), emergency) == (
        "is not answered: moderation says emergency",
    )
    assert judge(asked(concern="emergency"), reply("Tere")) == (
        "is answered, and moderation had to say emergency",
    )
