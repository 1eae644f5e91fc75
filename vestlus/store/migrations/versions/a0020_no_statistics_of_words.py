"""PostgreSQL's planner keeps no sample of what users said, nor of their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alembic import op

revision = "a0020"
down_revision = "a0018"
branch_labels = None
depends_on = None

#: No query looks for rows by any of these.
_COLUMNS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "conversation": tuple((name, "text") for name in ("user_id", "note", "summary")),
    "history": (("text", "text"),),
    "inbox_event": (("user_id", "text"), ("payload", "text")),
    "ledger": (("user_id", "text"), ("text", "text")),
    "dead_letter": (("user_id", "text"), ("body", "bytea")),
    "preservation": (("reason", "text"),),
}


def upgrade() -> None:
    """Takes away the samples that there are, and has no new ones taken: ANALYZE leaves those of an
    emptied table as they are. An older process goes on working.

    No table is written anew, since the types stay as they are. The index ``conversation_said`` is,
    for its condition has two of the columns: PostgreSQL reads the table of conversations once, and
    nobody else does meanwhile.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    # As a0010 does: who waits for these locks holds up everybody behind, a VACUUM or a backup is
    # waited for, and transactions that begin with a lease are over before.
    op.execute("SET LOCAL lock_timeout = '10s'")
    op.execute("LOCK TABLE lease IN EXCLUSIVE MODE")
    op.execute(f"LOCK TABLE {', '.join(_COLUMNS)} IN ACCESS EXCLUSIVE MODE")
    for table, columns in _COLUMNS.items():
        # That is what takes samples away (PostgreSQL's documentation of ALTER TABLE, "SET DATA
        # TYPE"): rows of pg_statistic cannot be deleted by whoever owns the table.
        steps = [f"ALTER COLUMN {name} TYPE {kind}" for name, kind in columns]
        op.execute(f"ALTER TABLE {table} {', '.join(steps)}")
        steps = [f"ALTER COLUMN {name} SET STATISTICS 0" for name, _ in columns]
        op.execute(f"ALTER TABLE {table} {', '.join(steps)}")
