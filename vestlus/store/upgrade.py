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

#: Where the migrations are, as Alembic names a folder of a package.
_MIGRATIONS: Final = "vestlus.store:migrations"


def upgrade(connection: Connection) -> None:
    """In the connection's transaction; one at a time in a process.

    Raises StoreTooNew when the schema is newer than this code.
    """
    current = MigrationContext.configure(connection).get_current_heads()
    newer = sorted(set(current) - set(known_revisions()))
    if newer:
        raise StoreTooNew(tuple(newer))
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
