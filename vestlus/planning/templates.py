"""Templates of captions and of prompts: a small part of Jinja2, bounded.

Jinja2's sandbox keeps templates away from Python, but bounds only ``range()``: a product of a text
and a number, a sum that doubles, a padding filter or loops in loops take all memory and time. So a
template here is looked at as a tree before it is compiled, and only what is listed is let through:
output, ``if``, ``for``, ``set``, ``with``, comparisons, sums of numbers, and the filters of
:mod:`vestlus.planning.template_filters`. No function can be called but ``strftime`` of a time.
Every turn of a loop, every filter, sum, comparison and piece of output is a step, of which there
are few; every text that is made is bounded. Values are data: nothing of them is ever read as a
template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError
from jinja2 import Template as JinjaTemplate
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from vestlus.errors import VestlusError
from vestlus.planning.template_filters import BUDGET, FILTERS
from vestlus.planning.template_tree import METHOD, TESTS, count_steps, objections
from vestlus.planning.template_values import (
    CLOSES,
    OPENS,
    AsIs,
    Budget,
    TooMuch,
    bounded,
    number,
    printed,
    quoted,
)

#: Characters of a template: a caption has 2,200, a prompt hardly more.
LONGEST_TEMPLATE: Final = 10_000

_OF_TIMES: Final = frozenset({METHOD, "year", "month", "day", "hour", "minute"})
_OF_LOOPS: Final = frozenset({"index", "index0", "revindex", "first", "last", "length"})

_MARKS: Final = re.compile(f"[{OPENS}{CLOSES}]")
_SAID: Final = re.compile(f"{OPENS}[^{CLOSES}]*{CLOSES}")

#: What a template that is not at fault itself can end with: what it was given did not fit.
_UNFIT: Final = (TemplateError, TooMuch, ArithmeticError, TypeError, ValueError, LookupError)


class TemplateFailed(VestlusError):
    """Nothing can be made of a template with these values. The message says why, for people."""


class FieldMissing(TemplateFailed):
    """The template names a field that is not there; the message names it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may tell. ``now``: the account's local time when the post is due."""

    event: Mapping[str, Any]
    now: datetime
    account_name: str
    account_language: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template came to."""

    text: str
    #: The same with spaces for what an event says: what the template's author answers for.
    written: str


class _Missing(StrictUndefined):
    """Whose message is the name alone."""

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)


class _Environment(ImmutableSandboxedEnvironment):
    """Gives out fields of data, and nothing of the objects that carry them."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - as Jinja2 has it
        if isinstance(obj, Undefined):
            raise UndefinedError(str(obj._undefined_name))  # noqa: SLF001 - it has no other way
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(name=attribute)
        allowed = _OF_TIMES if isinstance(obj, datetime) else frozenset[str]()
        allowed = _OF_LOOPS if isinstance(obj, LoopContext) else allowed
        return getattr(obj, attribute) if attribute in allowed else self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - as Jinja2 has it
        if isinstance(argument, str) or isinstance(obj, Undefined):
            return self.getattr(obj, str(argument))
        if isinstance(obj, str | list | tuple) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                return self.undefined(name=str(argument))
        return self.undefined(name=str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        _budget(context).step()
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return bounded(left, right)
        return number(self.binop_table[operator](number(left), number(right)))


def _environment(finalize: Any) -> _Environment:  # noqa: ANN401 - any function of a value
    made = _Environment(
        undefined=_Missing,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # else constants are worked out before their steps can be counted
        finalize=finalize,
        cache_size=0,
    )
    made.globals.clear()
    made.filters.clear()
    made.filters.update(FILTERS)
    for name in made.tests.keys() - TESTS:
        del made.tests[name]
    return made


_CAPTION: Final = _environment(printed)
_PROMPT: Final = _environment(quoted)


def problem_of_template(text: str) -> str:
    """What is wrong with a template as such, in a sentence that begins in the middle; or empty."""
    return _compiled(text, for_model=False)[1]


def render(text: str, facts: Facts, *, for_model: bool = False) -> Rendered:
    """What a template comes to. ``for_model``: it is a prompt, in which values stand in quotes.

    Values are printed without what people could tap: see
    :func:`vestlus.planning.template_filters.printed`. Raises TemplateFailed.
    """
    template, problem = _compiled(text, for_model=for_model)
    if template is None:
        raise TemplateFailed(problem)
    budget = Budget()
    account = {
        "name": AsIs(facts.account_name),
        "language": AsIs(facts.account_language),
    }
    values = {"event": facts.event, "now": facts.now, "account": account, BUDGET: budget}
    try:
        pieces = [budget.piece(piece) for piece in template.generate(values)]
    except UndefinedError as error:
        raise FieldMissing(f"names the field {error.message!r}, which is not there") from None
    except _UNFIT as error:
        raise TemplateFailed(f"does not fit the data: {_said(error)}") from None
    except RecursionError:
        raise TemplateFailed("is nested too deeply") from None
    whole = "".join(pieces)
    return Rendered(_MARKS.sub("", whole), _SAID.sub(" ", whole))


@lru_cache(maxsize=1_000)  # some for each schedule and rule
def _compiled(text: str, *, for_model: bool) -> tuple[JinjaTemplate | None, str]:
    """The template, or what is wrong with it."""
    environment = _PROMPT if for_model else _CAPTION
    if len(text) > LONGEST_TEMPLATE:
        return None, f"is longer than {LONGEST_TEMPLATE} characters"
    try:
        tree = environment.parse(text)
        problem = next(objections(tree), "")
        if problem:
            return None, problem
        count_steps(tree)
        code = environment.compile(tree)
        return JinjaTemplate.from_code(environment, code, {}), ""
    except TemplateSyntaxError as error:
        return None, f"cannot be read, line {error.lineno}: {error.message}"
    except (SyntaxError, RecursionError, MemoryError):
        return None, "is nested too deeply"


def _budget(context: Context) -> Budget:
    budget = context[BUDGET]
    assert isinstance(budget, Budget)  # noqa: S101 - render puts it there
    return budget


def _said(error: Exception) -> str:
    """An error of Jinja2's or of Python's, without the values that it may repeat."""
    return str(error) if isinstance(error, TooMuch) else type(error).__name__
