"""Statements are compiled once for all the stores that a test run opens.

SQLAlchemy keeps what it compiled with the engine. A service has one engine for as long as it
runs; a test run has a thousand, and would compile the same statements for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Compiled
from sqlalchemy.engine.interfaces import CompiledCacheType


class _Compiled(dict[Any, Compiled]):
    """The ``compiled_cache`` of every connection.

    Its keys begin with the dialect, an object of each engine's own. Here dialects of one class
    are one: those of the stores are made with the same options, for the same servers.
    """

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401  as dict has it
        return super().get(_for_all(key), default)

    def __setitem__(self, key: Any, compiled: Compiled) -> None:  # noqa: ANN401  as dict has it
        super().__setitem__(_for_all(key), compiled)


def _for_all(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (type(dialect), *statement)


def share_compiled() -> Callable[[], None]:
    """Have all engines of this process share; returns what ends it."""
    compiled: CompiledCacheType = _Compiled()

    def take_part(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    event.listen(Engine, "engine_connect", take_part)
    return lambda: event.remove(Engine, "engine_connect", take_part)
