"""Runs the migrations that a database lacks, with Alembic."""

from __future__ import annotations

from functools import cache
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from vestlus.errors import StoreTooNew

#: Above what a transaction of the service may last.
LOCK_SECONDS: Final = 10

#: Where the migrations are, as Alembic names a folder of a package.
_MIGRATIONS: Final = "vestlus.store:migrations"


def upgrade(connection: Connection) -> None:
    """In the connection's transaction; one at a time in a process.

    Raises StoreTooNew when the schema is newer than this code. On PostgreSQL the turns of other
    processes wait meanwhile, and what cannot be locked within LOCK_SECONDS has the upgrade fail, so
    that nobody waits behind it for longer: it is to be tried again.
    """
    current = MigrationContext.configure(connection).get_current_heads()
    newer = sorted(set(current) - set(known_revisions()))
    if newer:
        raise StoreTooNew(tuple(newer))
    if current and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        # Before anything else: transactions of turns begin with their lease and go on to other
        # tables. One that had its lease and waited for a table that is locked here, while this
        # waits for leases or for a table of that one, would close a ring.
        connection.exec_driver_sql("LOCK TABLE lease IN EXCLUSIVE MODE")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@cache
def known_revisions() -> tuple[str, ...]:
    """Newest first, each made from the next. To find them is to run every migration's file."""
    every = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in every)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return config
