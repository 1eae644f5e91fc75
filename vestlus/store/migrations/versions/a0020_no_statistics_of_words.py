"""PostgreSQL's planner keeps no sample of what users said, nor of their ids."""

from __future__ import annotations

from alembic import op

revision = "a0020"
down_revision = "a0018"
branch_labels = None
depends_on = None

#: No query looks for rows by any of these.
_COLUMNS = (
    *(("conversation", name, "text") for name in ("user_id", "note", "summary")),
    ("history", "text", "text"),
    *(("inbox_event", name, "text") for name in ("user_id", "payload")),
    *(("ledger", name, "text") for name in ("user_id", "text")),
    ("dead_letter", "user_id", "text"),
    ("dead_letter", "body", "bytea"),
    ("preservation", "reason", "text"),
)


def upgrade() -> None:
    """Takes away the samples that there are, and has no new ones taken: ANALYZE leaves those of an
    emptied table as they are. An older process goes on working.

    Each table is locked for a moment; none is written anew, since the types stay as they are.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column, kind in _COLUMNS:
        # That is what takes samples away (PostgreSQL's documentation of ALTER TABLE, "SET DATA
        # TYPE"): rows of pg_statistic cannot be deleted by whoever owns the table.
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
