"""How a post is shown: cut as the feed does it, and said in words that are always there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_bank.catalogue import Picture
from publishers import posts_words
from tests.unit.test_calendar import post
from vestlus.console.post_views import preview_of, refusals, state_key, why
from vestlus.console.words import Language, known, parts, words
from vestlus.desk.calendar import Form
from vestlus.desk.problems import Problem
from vestlus.scheduling.event_rules import Reason
from vestlus.store.occurrences import OccurrenceState
from vestlus.store.post_rows import PostPicture
from vestlus.store.posts import PostState


def picture(width: int, height: int) -> Picture:
    return Picture(
        id="saal",
        file="a.png",
        media_type="image/png",
        size=1,
        width=width,
        height=height,
        shows="Saal",
        post_file="b.jpg",
    )


@pytest.mark.parametrize(
    ("size", "frame"),
    [((100, 100), (1000, 1000)), ((1000, 100), (1910, 1000)), ((100, 400), (800, 1000))],
)
def test_the_frame_has_the_proportions_that_instagram_posts(
    size: tuple[int, int], frame: tuple[int, int]
) -> None:
    found = preview_of(post(1), {"saal": picture(*size)}, "Linn", story=False)
    assert (found.width, found.height) == frame
    assert found.shown[0].file == "b.jpg"


def test_a_story_is_high_and_a_picture_that_is_gone_is_said() -> None:
    found = preview_of(post(1), {}, "Linn", story=True)
    assert (found.width, found.height) == (9, 16)
    assert (found.shown[0].picture, found.shown[0].alt) == (None, "saal")


@given(st.text(max_size=400))
def test_a_caption_is_shown_whole_or_begins_as_it_does(caption: str) -> None:
    row = post(1, caption=caption, pictures=(PostPicture("saal"),))
    found = preview_of(row, {}, "Linn", story=False)
    assert found.caption == caption
    assert caption.startswith(found.short)
    if not found.short:
        assert len(caption) <= 125 or not caption[:125].strip()


def test_every_state_reason_and_refusal_has_words_in_both_languages() -> None:
    keys = [state_key(Form.POST, one) for one in PostState]
    keys += [state_key(Form.DRAFT, one) for one in OccurrenceState]
    keys += [f"posts.why.{one}" for one in posts_words._WORDS]
    keys += [f"events.why.{one}" for one in Reason]
    assert [one for one in keys if not known(one)] == []
    for part in parts():
        for key, (estonian, english) in part.items():
            fields = re.findall(r"{(\w+)}", estonian), re.findall(r"{(\w+)}", english)
            assert sorted(fields[0]) == sorted(fields[1]), key
            assert estonian, key
            assert english, key


def test_what_has_no_words_is_told_as_it_was_recorded() -> None:
    assert why(Language.ESTONIAN, "never_heard_of", "it was so") == "it was so"
    assert why(Language.ESTONIAN, "", "vale päev") == "vale päev"
    said = refusals(Language.ENGLISH, (Problem("never_heard_of", "is odd", "at"),))
    assert said == ["at: is odd"]
    assert words(Language.ENGLISH, "posts.state.post.published") == "published"
