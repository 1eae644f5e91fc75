"""What is wrong with a plan as far as it can be known before a post of it is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from image_bank.catalogue import Picture
from vestlus.instagram.caption_limits import MAX_CAPTION, MAX_HASHTAGS, MAX_MENTIONS, counts
from vestlus.planning.recipe_checks import problems_of_recipe
from vestlus.planning.templates import Facts, TemplateFailed, render
from vestlus.scheduling.recipe import Recipe
from vestlus.settings import Settings
from vestlus.settings_account import Account


def problems_of_schedule(
    recipe: Recipe, account: Account, pictures: Mapping[str, Picture], *, due_ms: int, now_ms: int
) -> list[str]:
    """One line for each problem of what a schedule posts; ``due_ms`` is its next time.

    Its words are made as they will be then: no event brings anything into them.
    """
    found = problems_of_recipe(recipe, account, pictures, now_ms)
    facts = Facts(
        event={},
        now=datetime.fromtimestamp(due_ms / 1000, ZoneInfo(account.timezone)),
        account_name=account.name,
        account_language=recipe.language or account.language,
    )
    for key, text in (("caption", recipe.template), ("prompt", recipe.prompt)):
        try:
            rendered = render(text, facts, for_model=key == "prompt")
        except TemplateFailed as error:
            found.append(f"{key}: {error}")
            continue
        has = counts(rendered.text.strip())
        if key == "caption" and not has.fit:
            limits = f"{MAX_CAPTION} characters, {MAX_HASHTAGS} hashtags and {MAX_MENTIONS}"
            found.append(f"caption: Instagram takes {limits} mentions; this has {has}")
    return list(dict.fromkeys(found))


def problems_of_plans(
    settings: Settings, pictures: Mapping[str, Picture], now_ms: int
) -> Iterator[tuple[str, str]]:
    """Names and problems of what the settings plan, without schedules whose times are over."""
    for schedule in settings.schedules:
        owner = settings.account(schedule.account or "")
        if owner is None:
            continue
        upcoming = next(iter(schedule.recurrence(owner.timezone).after(now_ms)), None)
        if upcoming is not None:
            recipe = schedule.recipe(owner.id)
            for problem in problems_of_schedule(
                recipe, owner, pictures, due_ms=upcoming.at_ms, now_ms=now_ms
            ):
                yield schedule.name, problem
    for rule in settings.event_rules:
        owner = settings.account(rule.account or "")
        if owner is not None:
            for problem in problems_of_recipe(rule.recipe(owner.id), owner, pictures, now_ms):
                yield rule.name, problem
