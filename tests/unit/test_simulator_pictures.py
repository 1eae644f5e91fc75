"""The pretend model finds the sections of a prompt, and shows the picture that fits."""

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_bank import starter_folder
from vestlus.simulator.persona_match import answer
from vestlus.simulator.picture_match import what_is_seen
from vestlus.simulator.prompt_sections import ListedPicture, read_sections

PROMPT = """Rules: choose only from <pictures>. Rest on <knowledge> and <persona>.
<facts>
- Telefon 600 0000
</facts>
<persona>
# Raamatukogu
- Oleme avatud E-R 9-19.
</persona>
<pictures>
door | Peasissepääs Sadama tänavalt | uks, sissepääs, entrance
hall | Lugemissaal akendega merele | saal, laud, reading room
map | Korruste plaan | kaart, плана здания, floor plan
</pictures>
"""
STARTERS = tomllib.loads((starter_folder() / "catalogue.toml").read_text("utf-8"))["pictures"]
KNOWLEDGE = """<knowledge>
[viivis.md]
# Viivised ja reeglid
Ära viivitust karda. Viivis on 0,10 eurot päevas iga raamatu kohta.
</knowledge>"""


def shown(*texts: str, sent: str = "") -> str | None:
    said = f"\nPictures already sent in this conversation: {sent}." if sent else ""
    return answer(PROMPT + said, texts).picture


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kas saadaksite pildi lugemissaalist?", "hall"),
        ("Please send me a photo of the entrance", "door"),
        ("Пришлите фото: план здания", "map"),
        ("Näita korruste plaani palun", "map"),
        ("Palun saada mõni pilt!", "door"),
        ("Lugemissaal akendega merele", "hall"),
        ("Mis kell te avate?", None),
        ("Tere!", None),
        ("Saada pilt koerast", None),
    ],
)
def test_the_picture_that_is_asked_for_is_shown(text: str, expected: str | None) -> None:
    assert shown(text) == expected


def test_the_text_says_that_there_is_a_picture_or_none_and_reads_out_no_line_of_the_list() -> None:
    assert answer(PROMPT, ["Saada pilt lugemissaalist"]).text == "Siin on pilt."
    greeted = answer(PROMPT, ["Tere! Saada pilt lugemissaalist"])
    assert greeted.text == "Tere! Siin on pilt."
    another = answer(PROMPT + KNOWLEDGE, ["Saada veel üks pilt"])
    assert another.text == "Siin on pilt."
    none = answer(PROMPT, ["Please send me a photo of your dog"])
    assert none.picture is None
    assert "no such picture" in none.text


@pytest.mark.parametrize("picture", STARTERS, ids=lambda one: one["id"])
def test_no_answer_and_no_caption_tells_when_a_picture_of_the_starter_bank_fits(
    picture: dict[str, Any],
) -> None:
    listed = f"{picture['id']} | {picture['shows']} | {', '.join(picture['tags'])}"
    prompt = f"<persona>\nOleme avatud 9–19.\n</persona>\n<pictures>\n{listed}\n</pictures>"
    for wish in ("Palun saada mõni pilt!", "Please send me a picture!"):
        said = answer(prompt, [wish])
        assert said.picture == picture["id"]
        assert "Sobib" not in said.text
        assert ", for" not in said.text
    estonian, english = (what_is_seen(picture["shows"], one) for one in ("et", "en"))
    assert picture["shows"].startswith(estonian)
    assert f"/ {english}" in picture["shows"]
    assert not re.search(r"Sobib|, for\b|/", estonian + english)


def test_what_is_seen_is_whole_where_nothing_is_said_of_its_use() -> None:
    assert what_is_seen("A hall for concerts", "en") == "A hall for concerts"


def test_a_picture_is_not_shown_twice_unless_it_is_asked_for_again() -> None:
    assert shown("Saada pilt lugemissaalist", sent="hall") is None
    assert shown("Palun saada mõni pilt", sent="door, hall") == "map"
    assert shown("Saada pilt lugemissaalist uuesti", sent="hall") == "hall"
    assert shown("Send me a picture", sent="door, hall, map") is None


def test_who_asks_for_a_person_gets_no_picture() -> None:
    said = answer(PROMPT, ["Saada pilt lugemissaalist, tahan rääkida inimesega"])
    assert said.wants_person
    assert said.picture is None


def test_facts_and_documents_are_searched_as_the_persona_is() -> None:
    assert "600 0000" in answer(PROMPT, ["Mis on teie telefon?"]).text
    said = answer(PROMPT + KNOWLEDGE, ["Kui suur on viivis raamatu kohta?"]).text
    assert "0,10 eurot" in said
    assert "viivis.md" not in said


def test_words_in_a_prompts_brackets_are_not_the_users() -> None:
    quoted = answer(PROMPT, ["Aitäh [replying to: “Mis kell te avate? #u1-1”] #u1-2"]).text
    assert "#u1-1" not in quoted
    assert "#u1-2" in quoted
    assert answer(PROMPT, ["[a picture]"]).text.startswith("Aitäh pildi eest")


def test_what_is_seen_of_a_picture_is_said() -> None:
    said = answer(PROMPT, ["Mis see on?"], picture=True, seen=["[image 640x480]"]).text
    assert "[image 640x480]" in said


def test_a_section_begins_at_the_last_tag_before_its_end() -> None:
    sections = read_sections(PROMPT + "Pictures already sent in this conversation: a, b.\n")
    assert sections.told == ("\n# Raamatukogu\n- Oleme avatud E-R 9-19.\n",)
    assert sections.pictures[0] == ListedPicture(
        "door", "Peasissepääs Sadama tänavalt", "uks, sissepääs, entrance"
    )
    assert sections.sent == {"a", "b"}


@given(st.text(alphabet="<>/pictures|know le\n", max_size=200))
def test_any_prompt_has_sections_or_is_told_whole(text: str) -> None:
    sections = read_sections(text)
    parts = (*sections.told, *sections.documents)
    assert all(part in text for part in parts)
    assert parts or sections.pictures
    assert all(picture.id for picture in sections.pictures)
