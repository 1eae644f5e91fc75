"""Brings a database's schema up to date, whoever else does the same at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select

from vestlus.errors import PartitionMismatch, StoreError
from vestlus.store import schema
from vestlus.store.sql_dialect import Backend, Dialect
from vestlus.store.sql_errors import translated

#: Where the migrations are, as Alembic names a folder of a package.
_MIGRATIONS: Final = "vestlus.store:migrations"

#: What operators call the numbers that a store is made for.
_SETTINGS: Final = {"partitions": "VESTLUS_PARTITIONS"}

#: Alembic keeps what it is doing in globals.
_one_at_a_time: Final = Lock()


async def bring_up_to_date(backend: Backend, *, made_for: Mapping[str, int]) -> None:
    """Makes or migrates the schema, and records what the store is made for, or compares it.

    Raises StoreError when the schema is newer than this code, PartitionMismatch,
    StoreUnavailable.
    """

    def work(connection: Connection) -> None:
        with _one_at_a_time:
            _migrate(connection)
        _compare(connection, backend.dialect, made_for)

    with translated():
        await backend.migrate(work)


def _migrate(connection: Connection) -> None:
    current = MigrationContext.configure(connection).get_current_heads()
    known = _known_revisions()
    if current == known[:1]:
        return
    newer = sorted(set(current) - set(known))
    if newer:
        message = (
            f"the store's schema is at revision {', '.join(newer)}, which this version of Vestlus "
            f"does not know: use a newer Vestlus, or another store"
        )
        raise StoreError(message)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return config


@cache
def _known_revisions() -> tuple[str, ...]:
    """Newest first, each made from the next. To find them is to run every migration's file."""
    every = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in every)


def _compare(connection: Connection, dialect: Dialect, made_for: Mapping[str, int]) -> None:
    values = [{"name": name, "value": str(number)} for name, number in made_for.items()]
    connection.execute(dialect.insert(schema.meta).on_conflict_do_nothing(), values)
    rows = connection.execute(select(schema.meta.c.name, schema.meta.c.value))
    recorded = {row.name: row.value for row in rows}
    for name, number in made_for.items():
        if recorded[name] != str(number):
            raise PartitionMismatch(int(recorded[name]), number, _SETTINGS.get(name, name))
