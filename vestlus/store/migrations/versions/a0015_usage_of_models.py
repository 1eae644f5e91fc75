"""What accounts spend on models, day by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0015"
down_revision = "a0014"
branch_labels = None
depends_on = None


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def upgrade() -> None:
    """Adds tables: an older process goes on working."""
    op.create_table(
        "model_usage",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("purpose", sa.Text, primary_key=True),
        _count("calls"),
        _count("input_tokens"),
        _count("cached_tokens"),
        _count("output_tokens"),
        _count("cost_nano"),
        _count("unpriced"),
    )
    op.create_table(
        "budget_told",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
    )
