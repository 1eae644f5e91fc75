"""How far people have read conversations, and by what those with something amiss are found."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0016"
down_revision = "a0015"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Adds a table and two small indexes: an older process goes on working."""
    op.create_table(
        "conversation_read",
        sa.Column("conversation", sa.Text, primary_key=True),
        sa.Column("user_ms", sa.BigInteger, nullable=False),
        sa.Column("read_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("conversation_read_at", "conversation_read", ["read_ms"])
    op.create_index(
        "conversation_silent", "conversation", ["silent_until_ms", "id"], **_where("silence <> ''")
    )
    op.create_index(
        "dead_letter_conversation",
        "dead_letter",
        ["conversation", "at_ms"],
        **_where("state = 'open' AND conversation IS NOT NULL"),
    )
