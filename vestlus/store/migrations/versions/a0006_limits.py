"""An index for what people wrote and waits."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0006"
down_revision = "a0005"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Adds the index."""
    op.create_index(
        "ledger_people",
        "ledger",
        ["outbox", "deadline_ms", "id"],
        **_where("state IN ('pending', 'sending', 'looking') AND origin = 'person'"),
    )
