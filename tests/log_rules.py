"""A rule that a linter cannot know: no line of the log has an error's message.

Messages of errors may hold what somebody wrote, addresses and values; ``vestlus.log_errors`` has
what lines may say instead.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOMS: Final = ("vestlus", "actors", "publishers", "image_bank")
_LOGS: Final = frozenset({"log", "_log", "logger", "_logger"})
#: What may be done with an error whose result a line may have.
_HARMLESS: Final = frozenset(
    {"type", "isinstance", "place_of", "_place", "reason_of", "error_fields"}
)
#: Words and numbers of ours on errors of ours, and what has no message.
_OURS: Final = frozenset(
    {"reason", "code", "subcode", "retry_after", "rejected_fields", "problems", "__traceback__"}
)
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ERRORS: Final = ("Error", "Exception", "Failure", "Unavailable")


def breaches_of_the_log_rule(root: Path) -> list[str]:
    """Every place as ``file:line``."""
    paths = [*root.glob("*.py"), *(path for room in ROOMS for path in (root / room).rglob("*.py"))]
    return [
        f"{path.relative_to(root)}:{line}"
        for path in sorted(paths)
        for line in breaches_in(path.read_text(encoding="utf-8"))
    ]


def breaches_in(source: str) -> list[int]:
    """Lines of calls that log an error itself, its message, its arguments or its trace."""
    found: set[int] = set()
    for scope in _scopes(ast.parse(source)):
        errors = _errors_of(scope)
        tainted = _told_by(scope, errors)
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and _is_log_call(node) and _says(node, errors | tainted):
                found.add(node.lineno)
    return sorted(found)


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    """What names are known in: each function with those in it, and the rest of the module."""
    rest = [one for one in tree.body if not isinstance(one, _DEFINITIONS)]
    yield ast.Module(rest, [])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node


def _errors_of(scope: ast.AST) -> set[str]:
    """Names of what was caught there, and of arguments that are errors by their type."""
    caught = {
        node.name for node in ast.walk(scope) if isinstance(node, ast.ExceptHandler) and node.name
    }
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = scope.args
        for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            kind = ast.unparse(one.annotation) if one.annotation else ""
            if kind.removesuffix(" | None").endswith(_ERRORS):
                caught.add(one.arg)
    return caught


def _told_by(scope: ast.AST, errors: set[str]) -> set[str]:
    """Names of what was made of errors."""
    tainted: set[str] = set()
    for _ in range(3):  # what is made of what was made
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign) and _says(node.value, errors | tainted):
                tainted |= {one.id for one in node.targets if isinstance(one, ast.Name)}
            if (
                isinstance(node, ast.AnnAssign | ast.NamedExpr)
                and node.value is not None
                and isinstance(node.target, ast.Name)
                and _says(node.value, errors | tainted)
            ):
                tainted.add(node.target.id)
    return tainted


def _is_log_call(node: ast.Call) -> bool:
    called = node.func
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id in _LOGS
    )


def _says(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression has anything of these but what is harmless."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _HARMLESS:
            return False
        if isinstance(node.func, ast.Attribute) and node.func.attr == "exception":
            return _is_log_call(node)
    if isinstance(node, ast.keyword) and node.arg == "exc_info":
        return True
    if isinstance(node, ast.Attribute) and node.attr in _OURS:
        return False
    if isinstance(node, ast.Name):
        return node.id in names
    return any(_says(child, names) for child in ast.iter_child_nodes(node))
