"""Every column of the store is declared: what it holds of users, or why it holds nothing."""

from __future__ import annotations

from vestlus.privacy.inventory import HOLDS, HOLDS_NONE
from vestlus.store import schema
from vestlus.store.sql_user_rows import UserRows
from vestlus.store.sqlite import SqliteDialect

COLUMNS = {
    (table.name, column.name) for table in schema.metadata.sorted_tables for column in table.columns
}


def test_every_column_is_declared_and_none_besides() -> None:
    held = {(table, column) for table, columns in HOLDS.items() for column in columns}
    without = {(table, column) for table, (_, columns) in HOLDS_NONE.items() for column in columns}

    assert held | without == COLUMNS
    assert not held & without


def test_every_declaration_says_something() -> None:
    words = [why for columns in HOLDS.values() for why in columns.values()]
    assert all([*words, *(why for why, _ in HOLDS_NONE.values())])


def test_what_is_declared_to_hold_something_is_what_is_read_and_taken_away() -> None:
    assert set(UserRows(SqliteDialect())._tables) == set(HOLDS)
