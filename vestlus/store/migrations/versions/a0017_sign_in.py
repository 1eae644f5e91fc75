"""What a session rests on, tries of signing in, and the audit by person and by action."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0017"
down_revision = "a0016"
branch_labels = None
depends_on = None


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def upgrade() -> None:
    """Adds columns, a table and indexes: an older process goes on working."""
    op.add_column("console_session", _words("grounds"))
    op.add_column("console_session", _words("subject"))
    op.create_index("console_session_subject", "console_session", ["subject"])
    op.create_table(
        "sign_in_try",
        sa.Column("bucket", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("sign_in_try_at", "sign_in_try", ["at_ms"])
    op.create_index("audit_person", "audit", ["person", "id"])
    op.create_index("audit_action", "audit", ["action", "id"])
