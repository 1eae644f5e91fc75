from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vestlus.assistant.knowledge_chunks import CHUNK_TOKENS, chunks
from vestlus.conversation.history import CHARACTERS_PER_TOKEN

MOST = int(CHUNK_TOKENS * CHARACTERS_PER_TOKEN)


def test_a_piece_begins_with_the_headings_it_stands_under() -> None:
    text = """\
Sissejuhatus.

# Tasud

## Printimine ##

Lehekülg 0,20 €.

Värviline 0,50 €.

## Viivis

0,10 € päevas.

# Ruumid

Kaks ruumi."""
    assert list(chunks(text)) == [
        "Sissejuhatus.",
        "Tasud > Printimine\nLehekülg 0,20 €.\n\nVärviline 0,50 €.",
        "Tasud > Viivis\n0,10 € päevas.",
        "Ruumid\nKaks ruumi.",
    ]


def test_a_heading_with_nothing_under_it_is_not_lost() -> None:
    assert list(chunks("# Pühapäeval suletud\n# Telefon 600 0000\n## Varuks")) == [
        "Pühapäeval suletud",
        "Telefon 600 0000 > Varuks",
    ]


def test_a_heading_inside_a_code_block_is_text() -> None:
    assert list(chunks("# Näide\n```\n# ei ole pealkiri\n\nlõpp\n```")) == [
        "Näide\n```\n# ei ole pealkiri\n\nlõpp\n```"
    ]


def test_a_hashtag_is_no_heading() -> None:
    assert list(chunks("#raamatukogu on avatud")) == ["#raamatukogu on avatud"]


def test_paragraphs_are_kept_together_as_far_as_they_fit() -> None:
    paragraphs = [f"Lõik {number}. " + "sõna " * 40 for number in range(9)]
    found = list(chunks("# Pikk\n\n" + "\n\n".join(paragraphs)))
    assert 1 < len(found) < len(paragraphs)
    assert all(piece.startswith("Pikk\nLõik ") for piece in found)


def test_a_long_paragraph_is_cut_at_the_ends_of_sentences() -> None:
    sentence = "See lause on natuke pikem kui teised laused siin. "
    found = list(chunks(sentence * 60))
    assert len(found) > 1
    assert all(piece.endswith("siin.") for piece in found)


def test_a_text_without_any_break_is_cut_all_the_same() -> None:
    found = list(chunks("x" * (3 * MOST + 1)))
    assert "".join(found) == "x" * (3 * MOST + 1)
    assert all(len(piece) <= MOST for piece in found)


def test_nothing_gives_nothing() -> None:
    assert list(chunks("")) == []
    assert list(chunks("\n \n\n")) == []


line = st.text(alphabet="abcõ .#!?-|`\t", max_size=30) | st.sampled_from(
    ["", "# Üks", "## Kaks", "###### Kuus #", "```", "~~~", "word " * 300, "s. " * 400, "y" * 900]
)


@given(st.lists(line, max_size=25).map("\n".join))
def test_no_word_is_lost_and_no_piece_is_too_long(text: str) -> None:
    found = list(chunks(text))
    # 200 of the headings and a line end may come before a piece.
    assert all(0 < len(piece) <= MOST + 201 for piece in found)
    words = re.findall(r"[abcdõÜkKswyorsU]+", "\n".join(found))
    for word in re.findall(r"[abcdõÜkKswyorsU]+", text):
        assert len(word) >= MOST or word in words
