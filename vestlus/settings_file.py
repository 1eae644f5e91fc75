"""``vestlus.toml`` as it is read, before anything in it is checked."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

#: Keys of the file that are lists of tables, and have no name in the environment; and what one is.
TABLES: Final = {
    "accounts": "an account",
    "schedules": "a schedule",
    "event_rules": "an event rule",
}

#: The same for keys that are one table.
SINGLE_TABLES: Final = {"retention": "retention", "prices": "prices", "sign_in": "sign_in"}


def read_file(
    environ: Mapping[str, str], names: Mapping[str, str], problems: list[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values by field, and how each was named; adds to ``problems`` what is wrong.

    ``names`` has the fields by the names of the environment, which are the file's too.
    """
    named = environ.get("VESTLUS_CONFIG", "")
    path = Path(named or "vestlus.toml")
    if not path.is_file():
        if named:
            problems.append(f"VESTLUS_CONFIG: there is no file {named}")
        return {}, {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        problems.append(f"{path}: cannot be read as TOML: {error}")
        return {}, {}
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for key, value in table.items():
        if key in TABLES or key in SINGLE_TABLES:
            entries = _tables(key, value, path, problems)
            if entries is not None:
                values[key] = entries
                origin[key] = f"{path}: {key}"
        elif key in names:
            values[names[key]] = value
            origin[names[key]] = f"{path}: {key}"
        else:
            problems.append(
                f"{path}: {key} is not a setting{meant(key, (*names, *TABLES, *SINGLE_TABLES))}"
            )
    return _resolved(values, environ, path, problems), origin


def meant(name: str, known: Iterable[str]) -> str:
    """Offers the known name that is like a misspelt one; empty where none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _tables(
    key: str, value: object, path: Path, problems: list[str]
) -> list[dict[str, Any]] | dict[str, Any] | None:
    """What a key of tables holds, or None and a problem."""
    if key in SINGLE_TABLES:
        if not isinstance(value, dict):
            problems.append(f"{path}: {key} must be a table, written [{key}]")
            return None
        return dict(value)
    entries = _entries(value)
    if entries is None:
        problems.append(f"{path}: {key} must be tables, each written [[{key}]]")
        return None
    return [_account(entry, path.parent) for entry in entries] if key == "accounts" else entries


def _entries(value: object) -> list[dict[str, Any]] | None:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return None
    return [dict(one) for one in value]


def _account(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    for name in ("persona", "knowledge"):
        if isinstance(entry.get(name), str):
            entry[name] = (folder / entry[name]).absolute()
    return entry


def _resolved(
    value: Any,  # noqa: ANN401 - the values of a TOML file are of any type
    environ: Mapping[str, str],
    path: Path,
    problems: list[str],
) -> Any:  # noqa: ANN401 - see above
    """Replaces ``env:NAME`` by that variable's value, at any depth."""
    if isinstance(value, dict):
        return {key: _resolved(item, environ, path, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, environ, path, problems) for item in value]
    if isinstance(value, str) and value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in environ:
            problems.append(f"{name}: is not set, and {path} refers to it")
        # Where it is not set the text stays, so that nothing is said to be missing beside that.
        return environ.get(name, value)
    return value
