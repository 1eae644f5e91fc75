"""Brings a database's schema up to date, whoever else does the same at the same time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from importlib import resources
from threading import Lock
from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

from vestlus.errors import PartitionMismatch
from vestlus.store import schema
from vestlus.store.names import OLDEST
from vestlus.store.sql_dialect import Backend, Dialect
from vestlus.store.sql_errors import translated

#: Where the migrations are. A file's name begins with its revision; sorted, the newest is last.
_VERSIONS: Final = "vestlus.store.migrations.versions"
_FILE: Final = re.compile(r"(a\d{4})_\w+\.py")

#: Code whose newest revision is this one, or a later one, works on the schema of this code: since
#: then migrations have only added. Whoever takes something away raises it, one release after the
#: last code that used it.
OLDEST_REVISION: Final = "a0008"

#: Where Alembic notes the revision.
_REVISION: Final = table("alembic_version", column("version_num"))

#: What operators call the numbers that a store is made for.
_SETTINGS: Final = {"partitions": "VESTLUS_PARTITIONS"}

#: Alembic keeps what it is doing in globals.
_one_at_a_time: Final = Lock()


async def bring_up_to_date(backend: Backend, *, made_for: Mapping[str, int]) -> None:
    """Makes or migrates the schema, and records what the store is made for, or compares it.

    A schema that a newer version has only added to is left as it is: during an upgrade processes
    of both versions run, and those of the old one start again when they die. Raises StoreError when
    the schema is newer than this code and not for it, PartitionMismatch, StoreUnavailable.
    """

    def work(connection: Connection) -> None:
        present = _revisions_of(connection)
        if present != [newest_revision()] and not _takes_this_code(connection, present):
            # Here: it takes 0.3 s to load, and every process of the service opens the store.
            from vestlus.store.upgrade import upgrade  # noqa: PLC0415

            with _one_at_a_time:
                upgrade(connection)
            _note_oldest(connection, backend.dialect)
        _compare(connection, backend.dialect, made_for)

    with translated():
        await backend.migrate(work, partial(_is_right, made_for=made_for))


def _is_right(connection: Connection, *, made_for: Mapping[str, int]) -> bool:
    """Whether nothing is to be done. Raises PartitionMismatch where the store is for others."""
    present = _revisions_of(connection)
    if present != [newest_revision()] and not _takes_this_code(connection, present):
        return False
    return _recorded(connection, made_for)


def _takes_this_code(connection: Connection, present: list[str]) -> bool:
    """Whether the schema is a newer one, and says that this code works on it."""
    if not present or max(present) <= newest_revision():
        return False
    meta = schema.meta.c
    oldest = connection.scalar(select(meta.value).where(meta.name == OLDEST))
    return oldest is not None and oldest <= newest_revision()


def _note_oldest(connection: Connection, dialect: Dialect) -> None:
    note = dialect.insert(schema.meta).values(name=OLDEST, value=OLDEST_REVISION)
    connection.execute(
        note.on_conflict_do_update(index_elements=["name"], set_={"value": note.excluded.value})
    )


def _revisions_of(connection: Connection) -> list[str]:
    if not inspect(connection).has_table(_REVISION.name):
        return []
    return list(connection.scalars(select(_REVISION.c.version_num)))


@cache
def newest_revision() -> str:
    """What this code's schema is at."""
    files = (one.name for one in resources.files(_VERSIONS).iterdir())
    return max(found[1] for found in map(_FILE.fullmatch, files) if found)


def _compare(connection: Connection, dialect: Dialect, made_for: Mapping[str, int]) -> None:
    if _recorded(connection, made_for):
        return
    values = [{"name": name, "value": str(number)} for name, number in made_for.items()]
    connection.execute(dialect.insert(schema.meta).on_conflict_do_nothing(), values)
    _recorded(connection, made_for)


def _recorded(connection: Connection, made_for: Mapping[str, int]) -> bool:
    """Whether all of it is noted, and as it is here. Raises PartitionMismatch."""
    rows = connection.execute(select(schema.meta.c.name, schema.meta.c.value))
    recorded = {row.name: row.value for row in rows}
    for name, number in made_for.items():
        if recorded.get(name, str(number)) != str(number):
            raise PartitionMismatch(int(recorded[name]), number, _SETTINGS.get(name, name))
    return recorded.keys() >= made_for.keys()
