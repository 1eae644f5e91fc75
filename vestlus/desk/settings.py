"""The settings as they may be seen: in groups, with where each came from, without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel

from vestlus.settings import Settings, environment_names
from vestlus.settings_file import SINGLE_TABLES, TABLES
from vestlus.settings_sources import Shown, Source, shown

#: Items of one table; more are only counted.
MOST_ITEMS: Final = 50


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that belong together: the plain ones, those of a table, or those of one item."""

    #: The table's name in ``vestlus.toml``; empty for the plain ones.
    table: str
    #: What the item is called, where the table has several.
    item: str
    settings: tuple[Shown, ...]
    #: Items of the table that are not shown, where this is the last one that is.
    left_out: int = 0


def grouped(settings: Settings) -> tuple[Group, ...]:
    """All settings, the plain ones first."""
    sources = settings.sources
    fields = type(settings).model_fields
    tables = {name for name in fields if _is_table(getattr(settings, name))}
    # Tables that are empty are no plain settings either.
    hidden = tables | set(TABLES) | set(SINGLE_TABLES)
    names = {field: name for name, field in environment_names().items()}
    plain = tuple(
        replace(one, name=names.get(one.name, one.name))
        for one in shown(settings, sources, without=hidden)
    )
    groups = [Group("", "", plain)]
    for name in fields:
        if name in tables:
            groups += _of(name, getattr(settings, name), sources.get(name, Source.START))
    return tuple(groups)


def _is_table(value: object) -> bool:
    several = isinstance(value, tuple) and bool(value) and isinstance(value[0], BaseModel)
    return isinstance(value, BaseModel) or several


def _of(table: str, value: BaseModel | tuple[BaseModel, ...], came: Source) -> Iterator[Group]:
    if isinstance(value, BaseModel):
        yield Group(table, "", tuple(shown(value, {}, came)))
        return
    items = value[:MOST_ITEMS]
    for place, item in enumerate(items):
        name = str(getattr(item, "name", "") or getattr(item, "id", "") or place + 1)
        last = place == len(items) - 1
        yield Group(
            table,
            name,
            tuple(shown(item, {}, came)),
            left_out=len(value) - len(items) if last else 0,
        )
