"""What a post is made of, as ``vestlus.toml`` says it: the keys that ``[[schedules]]`` and
``[[event_rules]]`` have in common.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from vestlus.scheduling.recipe import Choice, Recipe
from vestlus.settings_values import OptionalText, language_tag

#: Meta, "IG User Media": a carousel has two to ten.
MOST_PICTURES = 10

_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")


def plan_name(value: str) -> str:
    """A name that fits into addresses, commands and keys."""
    if not _NAME.fullmatch(value):
        raise ValueError("must be 1 to 64 small letters, digits, - and _")
    return value


def template(value: str) -> str:
    """A template as :mod:`vestlus.planning.templates` takes it; raises ValueError."""
    if value:
        # Loaded where there are templates: most commands start without any.
        from vestlus.planning.templates import problem_of_template  # noqa: PLC0415

        if problem := problem_of_template(value):
            raise ValueError(problem)
    return value


PlanName = Annotated[str, AfterValidator(plan_name)]


class PostPlan(BaseModel):
    """What to post. See :class:`vestlus.scheduling.recipe.Recipe`, which it becomes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: PlanName
    #: May be left out where one account is configured.
    account: OptionalText = None
    story: bool = False
    #: Ids of the image bank; or tags by which pictures are chosen.
    pictures: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    #: Who chooses among the pictures with these tags: the one used longest ago, or the model.
    choose: Literal["oldest", "model"] = "oldest"
    count: Annotated[int, Field(ge=1, le=MOST_PICTURES)] = 1
    not_again_days: Annotated[int, Field(ge=0, le=3650)] = 30
    #: The words themselves, a Jinja2 template; or what the model is asked to write.
    caption: Annotated[str, AfterValidator(template)] = ""
    prompt: Annotated[str, AfterValidator(template)] = ""
    language: Annotated[str, AfterValidator(lambda value: value and language_tag(value))] = ""
    approve: bool | None = None
    approval_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 24.0
    within_hours: Annotated[float, Field(gt=0, le=24 * 7)] = 24.0

    @model_validator(mode="after")
    def _is_a_post(self) -> PostPlan:
        if self.caption and self.prompt:
            raise ValueError("has a caption and a prompt: the words are given, or written")
        if self.pictures and (self.tags or self.choose == "model"):
            raise ValueError("names pictures, and ways to choose them: one of the two")
        if not self.pictures and not self.tags and self.choose != "model":
            raise ValueError('has no pictures: name pictures or tags, or let choose = "model"')
        if len(self.pictures) > MOST_PICTURES:
            raise ValueError(f"has {len(self.pictures)} pictures; a carousel takes 2 to 10")
        if self.story and (self.caption or self.prompt):
            raise ValueError("is a story, which has no caption")
        if self.story and (len(self.pictures) > 1 or self.count > 1):
            raise ValueError("is a story, which has one picture")
        return self

    def recipe(self, account: str) -> Recipe:
        """The same for the code that makes posts; ``account`` where this names none."""
        if self.pictures:
            choice = Choice.NAMED
        else:
            choice = Choice.MODEL if self.choose == "model" else Choice.TAGGED
        return Recipe(
            account=self.account or account,
            story=self.story,
            choice=choice,
            pictures=self.pictures,
            tags=self.tags,
            count=len(self.pictures) or self.count,
            not_again_days=self.not_again_days,
            template=self.caption,
            prompt=self.prompt,
            language=self.language,
            approve=self.approve,
            approval_hours=self.approval_hours,
            within_hours=self.within_hours,
        )
