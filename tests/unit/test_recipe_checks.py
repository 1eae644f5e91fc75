"""What is wrong with a recipe is said when it is written, all at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.drafting import ACCOUNT, DAY, DUE, bank_picture, recipe
from vestlus.planning.picking import RESERVED_MS, Reservations, Use, merged, oldest_first
from vestlus.planning.recipe_checks import problems_of_recipe
from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.settings_account import Account

OWNER = Account(id=ACCOUNT)
BANK = {
    one.id: one
    for one in (
        bank_picture("hall", "town"),
        bank_picture("park", "town", "green"),
        bank_picture("later", "town", valid_from=date(2027, 6, 1)),
        bank_picture("over", "town", valid_until=date(2026, 12, 1)),
        bank_picture("private", in_posts=False),
    )
}


@pytest.mark.parametrize(
    "of",
    [
        recipe(pictures=("hall", "later"), count=2, template="{{ event.title }} {{ now|date }}"),
        recipe(choice=Choice.TAGGED, tags=("town",), count=3),
        recipe(choice=Choice.MODEL, prompt="About {{ event.title }}"),
        recipe(pictures=("hall",), story=True),
    ],
)
def test_a_recipe_that_can_be_made_has_no_problems(of: Recipe) -> None:
    assert problems_of_recipe(of, OWNER, BANK, DUE) == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    of = recipe(pictures=("unheard", "over", "private", "hall"), count=4, template="{{ nothing }}")
    assert problems_of_recipe(of, OWNER, BANK, DUE) == [
        "caption: knows event, now and account, and not nothing",
        "unheard: is not in the bank: `vestlus images list` shows what is",
        "over: is not for posts of this account on 2026-12-24: `vestlus images show over`",
        "private: is not for posts of this account on 2026-12-24: `vestlus images show private`",
    ]
    story = recipe(pictures=("hall", "park"), count=2, story=True, prompt="{% if %}", template="x")
    told = problems_of_recipe(story, OWNER, BANK, DUE)
    assert [one.partition(":")[0] for one in told] == [
        "prompt",
        "caption, prompt",
        "story",
        "story",
    ]


def test_too_few_pictures_with_the_tags_are_counted() -> None:
    of = recipe(choice=Choice.TAGGED, tags=("town", "green"), count=2)
    (told,) = problems_of_recipe(of, OWNER, BANK, DUE)
    assert told == (
        "tags: the bank has 1 pictures for posts of this account with the tags town, green, and "
        "2 are wanted: `vestlus images list` shows what there is"
    )


def test_an_account_that_is_not_set_up_and_a_line_too_long_are_said() -> None:
    of = recipe(pictures=("hall",))
    assert problems_of_recipe(of, None, BANK, DUE) == [f"account: {ACCOUNT} is not set up"]
    wordy = OWNER.model_copy(update={"caption_lines": {"et": "x" * 301}})
    assert "caption_lines" in problems_of_recipe(of, wordy, BANK, DUE)[0]


NAMES = st.sampled_from("abcdefgh")


@given(
    st.sets(NAMES),
    st.dictionaries(NAMES, st.integers(min_value=DUE - 90 * DAY, max_value=DUE + 9 * DAY)),
    st.integers(min_value=0, max_value=60),
)
def test_none_comes_again_within_its_days_and_the_longest_unused_come_first(
    names: set[str], used: dict[str, int], days: int
) -> None:
    use = Use(used, DUE, days)
    order = [one.id for one in oldest_first(map(bank_picture, names), use)]
    assert set(order) <= names
    for one in names:
        too_soon = days and used.get(one, 0) > DUE - days * DAY + 2 * 3_600_000
        assert (one in order) is not bool(too_soon)
    times = [(used.get(one, 0), one) for one in order]
    assert times == sorted(times)


def test_what_is_reserved_is_so_for_others_of_the_account_and_for_a_while() -> None:
    reserved = Reservations()
    reserved.take("o1", "1", ["a", "b"], DUE, 0)
    reserved.take("o2", "1", ["b"], DUE + 1, 0)
    assert reserved.of_others("o3", "1", RESERVED_MS - 1) == {"a": DUE, "b": DUE + 1}
    assert reserved.of_others("o2", "1", 1) == {"a": DUE, "b": DUE}
    assert reserved.of_others("o3", "2", 1) == {}
    reserved.release("o1")
    reserved.release("o1")
    assert reserved.of_others("o3", "1", 1) == {"b": DUE + 1}
    assert reserved.of_others("o3", "1", RESERVED_MS) == {}
    assert merged({"a": 1, "b": 5}, {"a": 3, "b": 2}) == {"a": 3, "b": 5}


def test_a_picture_that_is_for_others_is_none_of_ours() -> None:
    bank = {"hall": replace(BANK["hall"], accounts=("9",))}
    assert problems_of_recipe(recipe(choice=Choice.MODEL), OWNER, bank, DUE)[0].startswith("tags")
