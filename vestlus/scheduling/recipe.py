"""What a post is to be made of: the part that schedules and event rules have in common."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Choice(StrEnum):
    """Who chooses a post's pictures."""

    #: Those of ``Recipe.pictures``, as they are.
    NAMED = "named"
    #: Pictures with every tag of ``Recipe.tags``, the least recently used first.
    TAGGED = "tagged"
    #: The model, among those with every tag of ``Recipe.tags``; without tags, among all.
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a post is made of. Checked where it is read, so that none is without pictures.

    With neither ``template`` nor ``prompt`` the post has no caption. With ``prompt`` the model
    writes it, from the event's data where an event is the reason.
    """

    account: str
    #: A story has one picture and no caption.
    story: bool = False
    choice: Choice = Choice.NAMED
    #: Ids of the image bank.
    pictures: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    #: How many are chosen: 1 is a picture, 2 to 10 a carousel.
    count: int = 1
    #: A picture that the account posted within so many days is not chosen again.
    not_again_days: int = 30
    #: Jinja2, sandboxed; knows ``event``, ``now`` and ``account``.
    template: str = ""
    #: What the model is asked for; Jinja2 as above.
    prompt: str = ""
    #: BCP 47; empty for the account's.
    language: str = ""
    #: Whether a person says yes before it goes out; ``None``: as the account has it.
    approve: bool | None = None
    #: How long a draft waits for that yes, and how long a yes is good for, hours.
    approval_hours: float = 24.0
    #: How long after its time it may still be published, hours.
    within_hours: float = 24.0
