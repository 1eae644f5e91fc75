"""A rule that makes a post of an event: a table ``[[event_rules]]`` of ``vestlus.toml``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from vestlus.settings_posts import PlanName, PostPlan


class EventRule(PostPlan):
    """What to post when something happened. ``docs/events.md`` has the table."""

    #: The name in ``/events/{name}``; several rules may have the same.
    event: PlanName
    #: JSON Schema that the payload must fit.
    payload: Annotated[dict[str, Any], Field(default_factory=dict)]
    #: A Jinja2 expression over ``event``; empty for always.
    when: str = ""
    delay_minutes: Annotated[float, Field(ge=0, le=60 * 24 * 30)] = 0.0
    #: Time that must have passed since the rule last led to a post.
    cool_down_minutes: Annotated[float, Field(ge=0, le=60 * 24 * 365)] = 0.0
    #: Posts of this rule on one day of the account's calendar; 0 for no limit.
    most_per_day: Annotated[int, Field(ge=0, le=100)] = 0
    #: No posts of this rule then: ``22:00-07:00`` by the account's clock; they wait.
    quiet_hours: str = ""
