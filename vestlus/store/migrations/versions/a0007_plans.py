"""Schedules, their occurrences, and events."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0007"
down_revision = "a0006"
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
        "schedule",
        sa.Column("name", sa.Text, primary_key=True),
        _text("keeper"),
        _text("account"),
        _text("definition"),
        _number("paused"),
        _number("watched_ms"),
        _number("look_ms"),
        _number("version"),
        _time("created_ms"),
        _number("changed_ms"),
    )
    op.create_index(
        "schedule_look", "schedule", ["look_ms", "name"], **_where("look_ms > 0 AND paused = 0")
    )
    op.create_table(
        "occurrence",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        _text("trigger"),
        _text("name"),
        _text("account"),
        _text("recipe"),
        _words("payload"),
        _text("state"),
        _number("version"),
        _time("due_ms"),
        _number("wake_ms"),
        _words("caption"),
        _words("pictures", "'[]'"),
        _number("ai_generated"),
        _number("failures"),
        _number("drafted_ms"),
        _words("decided_by"),
        _number("decided_ms"),
        _words("post"),
        _words("reason"),
        _words("problem"),
        _words("traceparent"),
        _time("created_ms"),
        _number("changed_ms"),
    )
    op.create_index(
        "occurrence_wake",
        "occurrence",
        ["wake_ms", "id"],
        **_where("state IN ('planned', 'waiting', 'ready')"),
    )
    op.create_index("occurrence_due", "occurrence", ["due_ms", "id"])
    op.create_index("occurrence_name", "occurrence", ["name", "due_ms"])
    op.create_table(
        "trigger_event",
        sa.Column("id", sa.Text, primary_key=True),
        _text("source"),
        _text("name"),
        _text("key"),
        _text("digest"),
        _text("payload"),
        _text("outcomes"),
        _time("received_ms"),
        _words("traceparent"),
    )
    op.create_index("trigger_event_key", "trigger_event", ["source", "name", "key"], unique=True)
    op.create_index("trigger_event_received", "trigger_event", ["received_ms", "id"])
    op.create_table(
        "event_rule",
        sa.Column("name", sa.Text, primary_key=True),
        _number("fired_ms"),
        _words("day"),
        _number("fired"),
    )
