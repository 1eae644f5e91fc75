"""Measures: of each minute and of each process, and since when an answer is waited for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0012"
down_revision = "a0011"
branch_labels = None
depends_on = None

#: As many as :data:`vestlus.store.measure_rows.NO_TIMES` has places.
_TIMES = 16


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def upgrade() -> None:
    """Adds tables, a column and an index: an older process goes on working."""
    op.create_table(
        "minute",
        sa.Column("minute_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("account", sa.Text, primary_key=True),
        _count("received"),
        _count("answered"),
        _count("failed"),
        _count("backlog"),
        *(_count(f"took_{place}") for place in range(_TIMES)),
    )
    op.create_table(
        "process_measures",
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Whoever waits for the lock holds up everybody behind: not long, then it is undone.
        op.execute("SET LOCAL lock_timeout = '60s'")
    op.add_column("ledger", _count("asked_ms"))
    op.create_index(
        "dead_letter_open",
        "dead_letter",
        ["reason"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
