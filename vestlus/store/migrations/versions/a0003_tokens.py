"""Access tokens of accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0003"
down_revision = "a0002"
branch_labels = None
depends_on = None


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def upgrade() -> None:
    """Adds a table: an older process goes on working, with the tokens of its settings."""
    op.create_table(
        "account_token",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        _words("seed"),
        _words("username"),
        sa.Column("state", sa.Text, nullable=False),
        _words("reason"),
        _number("obtained_ms"),
        _number("expires_ms"),
        _number("failures"),
        _number("failed_ms"),
    )
