"""Templates as trees: what is let through, and where their steps are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from jinja2 import nodes as jinja
from jinja2.meta import find_undeclared_variables

from vestlus.planning.template_filters import EACH, FILTERS, JOINED, OWN, SEEN

#: What templates know.
NAMES: Final = frozenset({"event", "now", "account"})

#: The one method that can be called, of times only.
METHOD: Final = "strftime"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ALLOWED: Final = _set(
    "Template Output TemplateData If For Assign With Name Const Tuple List Dict Pair Keyword "
    "CondExpr Filter Test Getattr Getitem Slice Concat Compare Operand And Or Not Neg Pos "
    "Add Sub Mul Div FloorDiv Mod Call"
)
TESTS: Final = _set(
    "defined undefined none string number mapping sequence boolean true false integer float "
    "even odd divisibleby in eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >="
)
_FILTERS: Final = FILTERS.keys() - {EACH, JOINED, OWN, SEEN}


def objections(tree: jinja.Template) -> Iterator[str]:
    """What of a template is not let through."""
    for node in tree.find_all(jinja.Node):
        kind = type(node).__name__
        if kind not in _ALLOWED:
            yield f"line {node.lineno}: has {_word(kind)}, which templates for posts do not have"
        if isinstance(node, jinja.Filter) and node.name not in _FILTERS:
            known = ", ".join(sorted(_FILTERS))
            yield f"line {node.lineno}: there is no filter {node.name}; there are {known}"
        if isinstance(node, jinja.Test) and node.name not in TESTS:
            yield f"line {node.lineno}: there is no test {node.name}"
        if isinstance(node, jinja.Call) and not (
            isinstance(node.node, jinja.Getattr) and node.node.attr == METHOD
        ):
            yield f"line {node.lineno}: calls something; only now.strftime(…) can be called"
    unknown = sorted(find_undeclared_variables(tree) - NAMES)
    if unknown:
        yield f"knows event, now and account, and not {', '.join(unknown)}"


def _word(kind: str) -> str:
    words = {"Pow": "a power (**)", "AssignBlock": "a block that sets a name"}
    return words.get(kind, kind.lower())


def count_steps(tree: jinja.Template) -> None:
    """Puts our own filters where loops, comparisons and joined texts are, and around the texts that
    the template's author wrote into it.
    """
    for loop in list(tree.find_all(jinja.For)):
        loop.iter = _filtered(loop.iter, EACH)
    for comparison in list(tree.find_all(jinja.Compare)):
        comparison.expr = _filtered(comparison.expr, SEEN)
    for node in list(tree.find_all(jinja.Node)):
        for name, value in list(node.iter_fields()):
            several = [_replaced(one) for one in value] if isinstance(value, list) else None
            setattr(node, name, _replaced(value) if several is None else several)


def _replaced(node: Any) -> Any:  # noqa: ANN401 - whatever a node holds
    if isinstance(node, jinja.Concat):
        return _filtered(jinja.List(node.nodes, lineno=node.lineno), JOINED)
    if isinstance(node, jinja.Const) and isinstance(node.value, str):
        return _filtered(node, OWN)
    return node


def _filtered(node: Any, name: str) -> jinja.Filter:  # noqa: ANN401 - an expression
    return jinja.Filter(node, name, [], [], None, None, lineno=node.lineno)
