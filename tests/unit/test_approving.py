"""When a draft needs a yes, how long it waits for one, and how long one is good."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestlus.scheduling.approving import (
    Standing,
    carries_line,
    deadline_ms,
    goes_until_ms,
    needs_yes,
    standing_of_ready,
    standing_of_waiting,
    waits_until_ms,
    yes_reaches,
    yes_until_ms,
)
from vestlus.scheduling.recipe import Recipe

MINUTE = 60_000
HOUR = 60 * MINUTE
DUE = 1_000 * HOUR

moments = st.integers(min_value=1, max_value=3_000 * HOUR)
recipes = st.builds(
    Recipe,
    account=st.just("1"),
    approve=st.none() | st.booleans(),
    approval_hours=st.floats(min_value=0.01, max_value=720),
    within_hours=st.floats(min_value=0.01, max_value=168),
)


@given(recipe=recipes, by_model=st.booleans(), account=st.booleans())
def test_the_recipe_decides_then_the_account_and_only_about_the_models_words(
    *, recipe: Recipe, by_model: bool, account: bool
) -> None:
    asked = needs_yes(recipe, by_model=by_model, account_approves=account)
    expected = recipe.approve if recipe.approve is not None else by_model and account
    assert asked is expected
    # What a model wrote is read by a person, or says of itself that a model wrote it.
    assert carries_line(by_model=by_model, needs_yes=asked) is (by_model and not asked)


@given(recipes, moments, moments, moments, moments)
def test_a_draft_that_waits_ends_once_and_at_the_latest_with_its_post(
    recipe: Recipe, drafted: int, due: int, first: int, second: int
) -> None:
    earlier, later = sorted((first, second))
    before, after = (
        standing_of_waiting(recipe, drafted_ms=drafted, due_ms=due, now_ms=now)
        for now in (earlier, later)
    )
    assert Standing.GOES not in (before, after)
    if before is not Standing.WAITS:
        assert after is not Standing.WAITS
    if later > deadline_ms(recipe, due):
        assert after is Standing.TOO_LATE
    if later <= min(due, deadline_ms(recipe, due)):
        assert after is Standing.WAITS


@given(recipes, moments, moments, moments)
def test_no_post_goes_out_early_late_or_on_an_old_yes(
    recipe: Recipe, decided: int, due: int, now: int
) -> None:
    standing = standing_of_ready(recipe, decided_ms=decided, due_ms=due, now_ms=now)
    goes = due <= now <= deadline_ms(recipe, due) and now <= yes_until_ms(
        recipe, decided_ms=decided
    )
    assert (standing is Standing.GOES) is goes
    if standing is Standing.WAITS:
        assert now < due


@given(recipes, st.just(0) | moments, moments, moments)
def test_a_post_may_go_out_as_long_as_its_draft_might(
    recipe: Recipe, decided: int, due: int, now: int
) -> None:
    standing = standing_of_ready(recipe, decided_ms=decided, due_ms=due, now_ms=now)
    may = now <= goes_until_ms(recipe, decided_ms=decided, due_ms=due)
    assert may is (standing in (Standing.WAITS, Standing.GOES))


@given(recipes, moments, moments)
def test_a_yes_that_reaches_lets_the_post_go_out_for_a_while_when_it_is_due(
    recipe: Recipe, decided: int, due: int
) -> None:
    while_ms = min(15 * MINUTE, round(recipe.approval_hours * HOUR) // 2)
    last = goes_until_ms(recipe, decided_ms=decided, due_ms=due)
    reaches = yes_reaches(recipe, decided_ms=decided, due_ms=due)
    assert (last >= min(due + while_ms, deadline_ms(recipe, due))) or not reaches
    if yes_until_ms(recipe, decided_ms=decided) < due + while_ms:
        assert not reaches


@given(recipes, moments)
def test_a_yes_can_be_said_when_the_post_is_due_and_in_half_of_its_hours_before(
    recipe: Recipe, due: int
) -> None:
    half = round(recipe.approval_hours * HOUR) // 2
    for decided in (due, due - half):
        assert yes_reaches(recipe, decided_ms=decided, due_ms=due)


def test_a_yes_that_would_end_minutes_after_the_post_is_due_is_too_early() -> None:
    """Of an event whose post is due as much later as a yes is good for."""
    for hours, while_ms in ((24, 15 * MINUTE), (0.5, 15 * MINUTE), (0.2, 6 * MINUTE)):
        recipe = Recipe(account="1", approval_hours=hours)
        last = DUE - round(hours * HOUR) + while_ms
        assert not yes_reaches(recipe, decided_ms=last - 1, due_ms=DUE)
        assert yes_reaches(recipe, decided_ms=last, due_ms=DUE)


@given(recipes, moments, moments)
def test_what_needs_no_yes_does_not_lapse(recipe: Recipe, due: int, now: int) -> None:
    standing = standing_of_ready(recipe, decided_ms=0, due_ms=due, now_ms=now)
    assert standing is not Standing.LAPSED


def test_a_draft_of_an_event_that_is_due_in_days_waits_until_then() -> None:
    recipe = Recipe(account="1", approval_hours=6, within_hours=24)
    early = waits_until_ms(recipe, drafted_ms=DUE - 72 * HOUR, due_ms=DUE)
    late = waits_until_ms(recipe, drafted_ms=DUE + HOUR, due_ms=DUE)
    assert (early, late) == (DUE + 6 * HOUR, DUE + 7 * HOUR)
    assert waits_until_ms(
        Recipe(account="1", approval_hours=48, within_hours=2), drafted_ms=DUE, due_ms=DUE
    ) == (DUE + 2 * HOUR)
