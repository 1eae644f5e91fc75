"""How often the model was asked for a user."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0009"
down_revision = "a0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column: an older process goes on working."""
    op.add_column(
        "conversation",
        sa.Column("usage", sa.Text, nullable=False, server_default=sa.text("''")),
    )
