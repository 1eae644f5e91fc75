"""A rule that makes a post of an event, a table ``[[event_rules]]`` of ``vestlus.toml``; and who
may send events.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from vestlus.scheduling.quiet import parse_quiet_hours
from vestlus.settings_posts import PlanName, PostPlan
from vestlus.settings_values import comma_separated, header_safe

#: The source of events that the command line hands in.
COMMAND_LINE = "cli"

_SOURCE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    if value:
        # Here: most processes have no rules, and need not load what reads their schemas.
        from vestlus.planning.schemas import schema_problems  # noqa: PLC0415

        problems = schema_problems(value)
        if problems:
            raise ValueError("; ".join(problems))
    return value


def _condition(value: str) -> str:
    if value:
        # As above.
        from vestlus.planning.conditions import compile_condition  # noqa: PLC0415

        compile_condition(value)
    return value


def _quiet_hours(value: str) -> str:
    parse_quiet_hours(value)
    return value


class EventRule(PostPlan):
    """What to post when something happened. ``docs/events.md`` has the table."""

    #: The name in ``/events/{name}``; several rules may have the same.
    event: PlanName
    #: JSON Schema that the payload must fit.
    payload: Annotated[dict[str, Any], Field(default_factory=dict), AfterValidator(_schema)]
    #: A Jinja2 expression over ``event``; empty for always.
    when: Annotated[str, AfterValidator(_condition)] = ""
    delay_minutes: Annotated[float, Field(ge=0, le=60 * 24 * 30)] = 0.0
    #: Time that must lie between the rule's posts.
    cool_down_minutes: Annotated[float, Field(ge=0, le=60 * 24 * 365)] = 0.0
    #: Posts of this rule on one day of the account's calendar; 0 for no limit.
    most_per_day: Annotated[int, Field(ge=0, le=100)] = 0
    #: No posts of this rule then: ``22:00-07:00`` by the account's clock; they wait.
    quiet_hours: Annotated[str, AfterValidator(_quiet_hours)] = ""


def event_source(entry: SecretStr) -> tuple[str, str]:
    """The source and the token of ``source=token``. Raises ValueError, without the token."""
    source, separator, token = entry.get_secret_value().partition("=")
    source, token = source.strip(), token.strip()
    # A token that ends in = without a source before it reads like a source without a token.
    if not separator or not token.strip("="):
        raise ValueError("must read source=token")
    if not _SOURCE.fullmatch(source):
        raise ValueError("must begin with a source: 1 to 64 letters, digits, . - and _")
    if source == COMMAND_LINE:
        raise ValueError(f"must have another source than {COMMAND_LINE}: the command line is that")
    try:
        header_safe(SecretStr(token))
    except ValueError as error:
        raise ValueError(f"has a token that {error}") from None
    return source, token


def _checked(entry: SecretStr) -> SecretStr:
    event_source(entry)
    return entry


def _told_apart(entries: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """One source may have several tokens, while one is replaced by another."""
    first: dict[str, tuple[int, str]] = {}
    for at, (source, token) in enumerate(map(event_source, entries)):
        before, owner = first.setdefault(token, (at, source))
        if owner != source:
            raise ValueError(f"{before} and {at} have one token and are of two sources")
    return entries


EventTokens = Annotated[
    tuple[Annotated[SecretStr, AfterValidator(_checked)], ...],
    BeforeValidator(comma_separated),
    AfterValidator(_told_apart),
]
