"""Histories of dead letters, and how far missed messages were looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0004"
down_revision = "a0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with defaults and a table: an older process goes on working."""
    for table in ("dead_letter", "ledger", "conversation"):
        op.add_column(
            table, sa.Column("trail", sa.Text, nullable=False, server_default=sa.text("''"))
        )
    op.add_column(
        "dead_letter",
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'open'")),
    )
    for name in ("replays", "doubtful"):
        op.add_column(
            "dead_letter",
            sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")),
        )
    op.create_table(
        "looked_for_missed",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
    )
