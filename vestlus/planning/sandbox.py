"""The one environment in which texts of the settings that are Jinja2 are run: captions, prompts and
conditions.

Whoever wrote them is trusted, the data that they meet are not. So they reach nothing but what they
are given, change nothing, and data cannot make a short text a huge one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: Characters of a condition.
LONGEST_CONDITION: Final = 2_000

#: Of Jinja2's own, those that make much of little or keep something.
_WITHOUT_GLOBALS: Final = ("lipsum", "cycler", "joiner", "namespace")
_WITHOUT_FILTERS: Final = ("center", "format", "indent", "random")

#: Methods of texts that do the same by a width, which may come from the data.
_WITHOUT_METHODS: Final = frozenset(
    {"center", "expandtabs", "format", "format_map", "ljust", "rjust", "zfill"}
)

#: Operators that make a long text of a short one when they meet the wrong kinds of values.
_ONLY_OF_NUMBERS: Final = frozenset({"*", "%"})


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 without ways out. What is not there is an error, not an empty text.

    ``event.items`` is what the data call so, and not Python's method.
    """

    intercepted_binops = _ONLY_OF_NUMBERS | {"**"}

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False)
        for name in _WITHOUT_GLOBALS:
            del self.globals[name]
        for name in _WITHOUT_FILTERS:
            del self.filters[name]

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - as Jinja2 has it
        """An item of a mapping first, then as Jinja2 does."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> None:  # noqa: ANN401 - as above
        """No method of texts that formats is made safe: none is allowed."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ANN401 - as above
        """Whether a template may use it."""
        if isinstance(obj, str) and attr in _WITHOUT_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Raises SecurityError where the operator could make much of little."""
        if operator == "**":
            raise SecurityError("** is not allowed")
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"{operator} is for numbers only")
        return super().call_binop(context, operator, left, right)


#: Environments are made once: making one takes longer than most texts.
SANDBOX: Final = Sandbox()

#: What a condition says of an event's data. Raises whatever evaluating it may raise.
Condition = Callable[[Mapping[str, Any]], bool]


def compile_condition(source: str) -> Condition:
    """A Jinja2 expression over ``event``; one that is blank always holds.

    Raises ValueError with all that is wrong, for whoever wrote it.
    """
    if not source.strip():
        return lambda _: True
    if len(source) > LONGEST_CONDITION:
        raise ValueError(f"has {len(source)} characters, and may have {LONGEST_CONDITION}")
    try:
        evaluate = SANDBOX.compile_expression(source)
        tree = SANDBOX.parse("{{ (" + source + ") }}")
    except TemplateError as error:
        raise ValueError(f"is not a Jinja2 expression: {error}") from None
    except RecursionError:
        raise ValueError("has too much within brackets") from None
    problems = [
        f"knows only event, and not {name}"
        for name in sorted(meta.find_undeclared_variables(tree) - {"event"} - set(SANDBOX.globals))
    ]
    if tree.find(nodes.Pow):
        problems.append("** is not allowed")
    if problems:
        raise ValueError("; ".join(problems))
    return lambda event: bool(evaluate(event=event))
