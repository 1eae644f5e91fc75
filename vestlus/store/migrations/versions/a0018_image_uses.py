"""What pictures of answers are found by."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0018"
down_revision = "a0017"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Adds an index: an older process goes on working."""
    op.create_index("ledger_pictured", "ledger", ["created_ms", "id"], **_where("pictures <> '[]'"))
