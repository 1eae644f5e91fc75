"""Erasures, the tombstones that they leave, and who was asked whether they mean it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0013"
down_revision = "a0012"
branch_labels = None
depends_on = None


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def upgrade() -> None:
    """Adds tables and a column each of conversations and tokens: an older process goes on working,
    but heeds no tombstone.
    """
    op.add_column("conversation", _number("erase_asked_ms"))
    op.add_column("account_token", _words("app_scoped_id"))
    op.create_table(
        "tombstone",
        sa.Column("grave", sa.Text, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        _number("echo_ms"),
        _number("version"),
        _number("messages"),
        _number("seq"),
        _words("code"),
        _words("conversation"),
        _words("farewell"),
        _number("sweep_ms"),
        _number("hours"),
        _number("counted_ms"),
    )
    condition = sa.text("conversation <> ''")
    op.create_index(
        "tombstone_sweep",
        "tombstone",
        ["sweep_ms", "grave"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
    op.create_index("tombstone_code", "tombstone", ["code"])
    op.create_table(
        "erasure",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        _number("done_ms"),
        sa.Column("way", sa.Text, nullable=False),
        _words("by"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False, server_default=sa.text("'{}'")),
    )
    op.create_index("erasure_asked", "erasure", ["asked_ms", "code"])
