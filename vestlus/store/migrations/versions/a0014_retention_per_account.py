"""Why a conversation is preserved, and how far pruning came where accounts differ."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0014"
down_revision = "a0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds two tables, and a row without a reason for each conversation that is preserved.

    An older process goes on beside them: it marks without a reason.
    """
    op.create_table(
        "preservation",
        sa.Column("conversation", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by_whom", sa.Text, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    op.execute(
        "INSERT INTO preservation (conversation, reason, by_whom, since_ms) "
        "SELECT id, '', '', preserved_ms FROM conversation WHERE preserved_ms > 0"
    )
    op.create_table(
        "pruning_mark",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("begun_ms", sa.BigInteger, nullable=False),
        sa.Column("reached", sa.Text, nullable=False),
    )
