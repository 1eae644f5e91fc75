"""Sizes of pools as people wish them, and as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0008"
down_revision = "a0007"
branch_labels = None
depends_on = None


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def upgrade() -> None:
    """Adds tables: an older process goes on working."""
    op.create_table(
        "pool_wish",
        sa.Column("pool", sa.Text, primary_key=True),
        _text("size"),
        _words("configured"),
        sa.Column("wished_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "pool_state",
        sa.Column("cluster", sa.Text, primary_key=True),
        sa.Column("pool", sa.Text, primary_key=True),
        _text("configured"),
        _text("followed"),
        _number("wished"),
        _number("running"),
        _number("ready"),
        _number("pending"),
        _number("busy_percent"),
        sa.Column("backlog_ms", sa.BigInteger, nullable=False),
        _words("reason"),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
