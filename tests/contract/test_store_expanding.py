"""Migrations expand, and contract a release later: the code before goes on working meanwhile.

Each migration since :data:`~vestlus.store.migrate.OLDEST_REVISION` is made on a real database of
either kind, and the schema compared before and after.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from vestlus.store.migrate import OLDEST_REVISION, newest_revision
from vestlus.store.open import open_backend

MIGRATIONS = Path(__file__).parents[2] / "vestlus" / "store" / "migrations"

#: What is made of the schema by a broken migration, and what the check says of it.
BROKEN = {
    "op.drop_column('ledger', 'erased')": "ledger.erased is gone",
    "op.drop_table('dead_letter')": "dead_letter is gone",
    "op.rename_table('lease', 'leases')": "lease is gone",
    "op.add_column('lease', sa.Column('why', sa.Text))": "",
    "op.add_column('lease', sa.Column('why', sa.Text, nullable=False, server_default='x'))": "",
    (
        "\n    with op.batch_alter_table('lease', recreate='always') as lease:"
        "\n        lease.add_column(sa.Column('why', sa.Text, nullable=False))"
    ): "lease.why must be given",
    "op.create_index('one_each', 'dead_letter', ['reason'], unique=True)": (
        "dead_letter: rows of the code before may break one_each"
    ),
}

BROKEN_FILE = """
import sqlalchemy as sa
from alembic import op

revision = "z0001"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade():
    {body}
"""


@dataclass(frozen=True, slots=True)
class Column:
    """What code that writes rows must know of a column."""

    type: str
    nullable: bool
    given: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema as the code before sees it."""

    columns: Mapping[str, Mapping[str, Column]]
    #: What rows of a table must fulfil, by name.
    demands: Mapping[str, frozenset[str]]


def shape(connection: Connection) -> Shape:
    """Tables with their columns and demands; weeks of the history are no tables of their own."""
    found = inspect(connection)
    tables = [name for name in found.get_table_names() if not name.startswith("history_")]
    columns = {
        table: {
            one["name"]: Column(
                type=str(one["type"]),
                nullable=bool(one["nullable"]),
                given=one["default"] is None
                and not one.get("identity")
                and one.get("autoincrement") is not True,
            )
            for one in found.get_columns(table)
        }
        for table in tables
    }
    demands = {
        table: frozenset(
            str(one["name"])
            for one in (
                *(index for index in found.get_indexes(table) if index["unique"]),
                *found.get_unique_constraints(table),
                *found.get_check_constraints(table),
                *found.get_foreign_keys(table),
            )
        )
        for table in tables
    }
    return Shape(columns, demands)


def breaches(before: Shape, after: Shape) -> list[str]:
    """What of the schema the code before would stumble over."""
    found: list[str] = []
    for table, columns in before.columns.items():
        now = after.columns.get(table)
        if now is None:
            found.append(f"{table} is gone")
            continue
        found += [f"{table}.{name} is gone" for name in columns if name not in now]
        for name, one in now.items():
            was = columns.get(name)
            if was is not None and (was.type, was.nullable) != (one.type, one.nullable):
                found.append(f"{table}.{name} is another: {was} and {one}")
            if was is None and one.given and not one.nullable:
                found.append(f"{table}.{name} must be given")
        more = after.demands[table] - before.demands[table]
        found += [f"{table}: rows of the code before may break {name}" for name in sorted(more)]
    return found


def configured(scripts: Path, connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    return config


async def walked(url: str, scripts: Path) -> dict[str, list[str]]:
    """Makes every migration; what each of those since the oldest revision breaks."""
    result: dict[str, list[str]] = {}

    def walk(connection: Connection) -> None:
        config = configured(scripts, connection)
        every = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
        revisions: Sequence[str] = [script.revision for script in every]
        before = shape(connection)
        for revision in revisions:
            command.upgrade(config, revision)
            after = shape(connection)
            if revision > OLDEST_REVISION:
                result[revision] = breaches(before, after)
            before = after

    backend = open_backend(url)
    try:
        await backend.migrate(walk)
    finally:
        await backend.close()
    return result


async def test_since_the_oldest_code_that_may_run_beside_migrations_only_add(
    new_store_url: str,
) -> None:
    found = await walked(new_store_url, MIGRATIONS)
    assert newest_revision() in found
    assert {revision: said for revision, said in found.items() if said} == {}


@pytest.mark.parametrize(("body", "said"), BROKEN.items())
async def test_a_migration_that_takes_away_or_demands_is_found(
    body: str, said: str, tmp_path: Path
) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    file = scripts / "versions" / "z0001_broken.py"
    file.write_text(BROKEN_FILE.format(newest=newest_revision(), body=body), "utf-8")
    found = await walked(f"sqlite:///{tmp_path / 'store.sqlite'}", scripts)
    assert found["z0001"][:1] == ([said] if said else [])
