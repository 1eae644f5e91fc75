"""Conditions of event rules: Jinja2 expressions over ``event``.

They run where captions do, in the bounded part of Jinja2 of :mod:`vestlus.planning.templates`:
whoever wrote them is trusted, the data that they meet are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import Environment, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables

from vestlus.planning.templates import Facts, TemplateFailed, problem_of_template, render
from vestlus.scheduling.event_rules import ConditionFailed

#: Characters of a condition.
LONGEST_CONDITION: Final = 2_000

#: Whether a condition holds for an event's data. Raises ConditionFailed.
Condition = Callable[[Mapping[str, Any]], bool]

#: To read expressions only, never to run them.
_READER: Final = Environment(autoescape=True)

#: What a condition knows besides the event: nothing that tells.
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)

_HOLDS: Final = "holds"


def compile_condition(source: str) -> Condition:
    """A Jinja2 expression over ``event``; one that is blank always holds.

    Raises ValueError, for whoever wrote it.
    """
    if not source.strip():
        return lambda _: True
    if len(source) > LONGEST_CONDITION:
        raise ValueError(f"has {len(source)} characters, and may have {LONGEST_CONDITION}")
    try:
        # By itself first: it must be one expression and end no block of the template below.
        _READER.compile_expression(source)
        names = find_undeclared_variables(_READER.parse("{{ (" + source + "\n) }}"))
    except TemplateSyntaxError as error:
        raise ValueError(f"is not a Jinja2 expression: {error}") from None
    except (RecursionError, SyntaxError, MemoryError):
        raise ValueError("is nested too deeply") from None
    if names - {"event"}:
        raise ValueError(f"knows event, and not {', '.join(sorted(names - {'event'}))}")
    template = "{% if (" + source + "\n) %}" + _HOLDS + "{% endif %}"
    problem = problem_of_template(template)
    if problem:
        raise ValueError(problem)

    def holds(event: Mapping[str, Any]) -> bool:
        facts = Facts(event=event, now=_NO_TIME, account_name="", account_language="")
        try:
            return render(template, facts).text == _HOLDS
        except TemplateFailed as error:
            raise ConditionFailed(str(error)) from None

    return holds
