"""What old rows are found by, and histories apart by weeks on PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from vestlus.store.postgres_weeks import divide

revision = "a0010"
down_revision = "a0009"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Adds a column and indexes, and divides the history.

    An older process goes on working beside it: none of its statements changes its meaning.
    """
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # Whoever waits for these locks holds up everybody behind: not long, then it is undone.
        op.execute("SET LOCAL lock_timeout = '60s'")
        # Transactions of leases' holders begin with the lease: those under way end first, and none
        # of them waits in a ring with this one. Who reads several of the tables, or writes without
        # a lease, may do so; the server ends one of the two then. A transaction that was ended is
        # repeated, and a migration undone until the next start.
        op.execute("LOCK TABLE lease IN EXCLUSIVE MODE")
        op.execute("LOCK TABLE history, conversation, ledger IN ACCESS EXCLUSIVE MODE")
    op.add_column(
        "conversation",
        sa.Column("preserved_ms", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    op.create_index(
        "conversation_preserved", "conversation", ["preserved_ms"], **_where("preserved_ms > 0")
    )
    op.create_index(
        "conversation_said",
        "conversation",
        ["account", "id"],
        **_where("(summary <> '' OR note <> '' OR trail <> '')"),
    )
    op.create_index(
        "ledger_finished",
        "ledger",
        ["changed_ms", "id"],
        **_where("state IN ('sent', 'dead', 'cancelled')"),
    )
    if connection.dialect.name == "postgresql":
        divide(connection)
    else:
        op.create_index("history_at", "history", ["at_ms", "conversation", "position"])
