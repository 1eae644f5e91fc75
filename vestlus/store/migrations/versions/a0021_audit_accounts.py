"""Whose account an entry of the audit is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0021"
down_revision = "a0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column: an older process goes on working, and what it writes is of no account."""
    op.add_column("audit", sa.Column("account", sa.Text, nullable=False, server_default=""))
