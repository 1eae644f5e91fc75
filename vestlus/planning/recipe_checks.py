"""What is wrong with a recipe, when it is written; and with a draft, when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from image_bank.catalogue import Picture
from image_bank.links import local_day
from vestlus.conversation.phrases import Phrase, say_own
from vestlus.instagram.caption_limits import MAX_CAPTION, counts
from vestlus.planning.picking import picture_problem, with_tags
from vestlus.planning.ports import Impossible
from vestlus.planning.templates import problem_of_template
from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.settings_account import Account
from vestlus.settings_posts import MOST_PICTURES
from vestlus.store.plan_rows import OccurrenceRow

#: Characters of the line under captions: more of it leaves no caption.
LONGEST_LINE = 300


def problems_of_recipe(
    recipe: Recipe, account: Account | None, pictures: Mapping[str, Picture], now_ms: int
) -> list[str]:
    """One line for each problem, as far as it can be known before a draft is made.

    ``account``: the settings of the recipe's account; ``pictures``: the bank. A picture that may
    be posted from a later day on is no problem yet.
    """
    found = [
        f"{name}: {problem}"
        for name, text in (("caption", recipe.template), ("prompt", recipe.prompt))
        if (problem := problem_of_template(text))
    ]
    if recipe.template and recipe.prompt:
        found.append("caption, prompt: the words are given, or written: one of the two")
    found += _of_form(recipe)
    if account is None:
        return [*found, f"account: {recipe.account} is not set up"]
    if len(_line(recipe, account)) > LONGEST_LINE:
        found.append(f"caption_lines: the line has more than {LONGEST_LINE} characters")
    today = local_day(account, now_ms)
    if recipe.choice is Choice.NAMED:
        for one in dict.fromkeys(recipe.pictures):
            found += filter(None, [_of_picture(one, pictures, recipe.account, today)])
        return found
    usable = [_from(one, today) for one in pictures.values()]
    there = len(with_tags(usable, recipe.tags, recipe.account, today))
    if there < recipe.count:
        among = f" with the tags {', '.join(recipe.tags)}" if recipe.tags else ""
        found.append(
            f"tags: the bank has {there} pictures for posts of this account{among}, and "
            f"{recipe.count} are wanted: `vestlus images list` shows what there is"
        )
    return found


def problem_of_draft(
    occurrence: OccurrenceRow, pictures: Mapping[str, Picture], day: date
) -> Impossible | None:
    """What keeps a draft from being posted on this day of the account's calendar, if anything."""
    if not occurrence.pictures:
        return Impossible("picture_unavailable", "the draft has no pictures: draft it anew")
    missing = [
        problem
        for one in occurrence.pictures
        if (problem := picture_problem(one.id, pictures, occurrence.account, day))
    ]
    if missing:
        return Impossible("picture_unavailable", "; ".join(missing))
    most = 1 if occurrence.recipe.story else MOST_PICTURES
    if len(occurrence.pictures) > most:
        words = f"the draft has {len(occurrence.pictures)} pictures, and {most} are taken"
        return Impossible("carousel_count", words)
    found = counts(occurrence.caption)
    if not found.fit:
        words = f"the caption has {found}; Instagram takes {MAX_CAPTION}, 30 and 20: shorten it"
        return Impossible("caption_too_long", words)
    if occurrence.recipe.story and occurrence.caption:
        return Impossible("story_caption", "the draft is a story, which has no caption")
    return None


def _of_form(recipe: Recipe) -> list[str]:
    if not recipe.story:
        return []
    found = []
    if recipe.template or recipe.prompt:
        found.append("story: has no caption")
    if recipe.count > 1 or len(recipe.pictures) > 1:
        found.append("story: has one picture")
    return found


def _of_picture(name: str, pictures: Mapping[str, Picture], account: str, today: date) -> str:
    known = pictures.get(name)
    return picture_problem(
        name, pictures if known is None else {name: _from(known, today)}, account, today
    )


def _from(picture: Picture, today: date) -> Picture:
    """The same for whoever asks what may be posted today or on a later day."""
    later = picture.valid_from is not None and picture.valid_from > today
    return replace(picture, valid_from=None) if later else picture


def _line(recipe: Recipe, account: Account) -> str:
    return say_own(
        account.caption_lines,
        Phrase.CAPTION_LINE,
        recipe.language or account.language,
        account_language=account.language,
    )
