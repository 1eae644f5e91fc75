"""Posts and their containers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0005"
down_revision = "a0004"
branch_labels = None
depends_on = None


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _words(name: str, default: str = "''") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(default))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Adds tables: an older process goes on working."""
    op.create_table(
        "post",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("outbox", sa.Integer, nullable=False),
        _text("account"),
        _text("kind"),
        _text("pictures"),
        _text("caption"),
        _number("ai_generated"),
        _text("state"),
        _time("planned_ms"),
        _time("due_ms"),
        _time("deadline_ms"),
        _number("version"),
        _number("round"),
        _number("failures"),
        _number("attempts"),
        _number("attempted_ms"),
        _number("resends"),
        _number("looking_ms"),
        sa.Column("media_id", sa.Text),
        _words("reason"),
        _words("problem"),
        _words("traceparent"),
        _time("created_ms"),
        _number("changed_ms"),
    )
    op.create_index("post_media", "post", ["account", "media_id"], unique=True)
    op.create_index("post_planned", "post", ["planned_ms", "id"])
    op.create_index("post_attempted", "post", ["account", "attempted_ms"])
    op.create_index(
        "post_due",
        "post",
        ["outbox", "due_ms", "id"],
        **_where("state IN ('planned', 'creating', 'waiting', 'ready', 'publishing', 'looking')"),
    )
    op.create_table(
        "post_container",
        sa.Column("post", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("account"),
        _number("round"),
        _number("position"),
        _time("begun_ms"),
        _words("container"),
        _number("made_ms"),
        _number("finished"),
    )
    op.create_index("post_container_begun", "post_container", ["account", "begun_ms"])
