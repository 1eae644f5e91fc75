"""Moderation flags the words that it was given, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestlus.simulator.jsontypes import BadInputError, Json, JsonObject
from vestlus.simulator.model_http import RequestLog
from vestlus.simulator.moderation import CATEGORIES, ModerationApi, default_words, read_inputs


@given(st.sampled_from(sorted(CATEGORIES)))
def test_each_category_has_a_made_up_word(category: str) -> None:
    words = {word for word, named in default_words().items() if named == category}
    assert words == {f"#flag-{category.replace('/', '-')}"}


def test_each_text_is_judged_alone_and_parts_are_judged_together() -> None:
    assert len(read_inputs("a")) == 1
    assert len(read_inputs(["a", "b"])) == 2
    part: JsonObject = {"type": "text", "text": "a"}
    assert read_inputs([part, part]) == [[("text", "a"), ("text", "a")]]


@pytest.mark.parametrize("given_input", [None, 3, [], [3], [{"type": "text"}], ["a", 3]])
def test_other_input_is_refused(given_input: Json) -> None:
    with pytest.raises(BadInputError):
        read_inputs(given_input)


@pytest.mark.parametrize(
    "change",
    [{"words": ["a"]}, {"words": {"a": "rudeness"}}, {"words": {"": "hate"}}, {"fault": "slow"}],
)
def test_a_wrong_change_is_refused_and_changes_nothing(change: JsonObject) -> None:
    moderation = ModerationApi(RequestLog(lambda: 0.0))
    before = moderation.to_json()
    with pytest.raises(BadInputError):
        moderation.change(change)
    assert moderation.to_json() == before
    moderation.change({"words": {"Halb": "hate"}, "fault": "hang"})
    assert moderation.to_json() == {"words": {"halb": "hate"}, "fault": "hang"}
