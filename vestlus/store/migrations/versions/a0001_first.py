"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _number(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(
        name,
        sa.BigInteger,
        nullable=False,
        server_default=None if default is None else sa.text(default),
    )


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    """Makes all tables."""
    _make_coordination()
    _make_conversations()
    _make_ledger()


def _make_coordination() -> None:
    op.create_table("meta", sa.Column("name", sa.Text, primary_key=True), _words("value"))
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, primary_key=True),
        _number("epoch"),
        sa.Column("member_id", sa.Text),
        sa.Column("incarnation", sa.Text),
        _number("expires_ms"),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Text, primary_key=True),
        _words("kind"),
        _words("incarnation"),
        _words("host"),
        _number("pid"),
        _number("heartbeat_ms"),
    )
    op.create_table(
        "assignment", sa.Column("lease", sa.Text, primary_key=True), _words("member_id")
    )
    op.create_index("assignment_member", "assignment", ["member_id"])


def _make_conversations() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", sa.Text, primary_key=True),
        _words("account"),
        _words("user_id"),
        sa.Column("partition", sa.Integer, nullable=False),
        _number("version", "0"),
        _number("messages", "0"),
        _number("failures", "0"),
        _number("wake_ms", "0"),
        _number("takeovers", "0"),
        _number("probes", "0"),
    )
    op.create_table(
        "history",
        sa.Column("conversation", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        _words("role"),
        _words("text"),
        _number("at_ms"),
        sa.Column("mid", sa.Text),
    )
    op.create_table(
        "inbox_event",
        sa.Column("seq", _ROW_NUMBER, sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        _words("kind"),
        _words("account"),
        sa.Column("user_id", sa.Text),
        sa.Column("conversation", sa.Text),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("mid", sa.Text),
        _number("timestamp_ms"),
        _number("recorded_ms"),
        _words("state"),
        _words("payload"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "inbox_event_mid", "inbox_event", ["account", "mid"], **_where("mid IS NOT NULL")
    )
    op.create_index(
        "inbox_event_pending",
        "inbox_event",
        ["conversation", "seq", "partition"],
        **_where("state = 'pending'"),
    )
    op.create_index(
        "inbox_event_echo",
        "inbox_event",
        ["conversation", "timestamp_ms"],
        **_where("kind = 'echo'"),
    )


def _make_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("outbox", sa.Integer, nullable=False),
        _words("account"),
        _words("user_id"),
        _words("conversation"),
        _number("position"),
        _words("text"),
        _words("answers"),
        _words("state"),
        _number("due_ms"),
        _number("deadline_ms"),
        _number("attempts", "0"),
        _number("resends", "0"),
        _number("attempted_ms", "0"),
        _words("traceparent"),
        sa.Column("sent_mid", sa.Text),
        sa.Column("reason", sa.Text, nullable=False, server_default=sa.text("''")),
        _number("created_ms"),
        _number("changed_ms", "0"),
    )
    op.create_index("ledger_sent_mid", "ledger", ["account", "sent_mid"], unique=True)
    is_unfinished = "state IN ('pending', 'sending', 'looking')"
    op.create_index(
        "ledger_order", "ledger", ["conversation", "position", "id"], **_where(is_unfinished)
    )
    op.create_index(
        "ledger_deadline", "ledger", ["outbox", "deadline_ms", "id"], **_where(is_unfinished)
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Text, primary_key=True),
        _words("source"),
        _words("reason"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _number("at_ms"),
        sa.Column("account", sa.Text),
        sa.Column("user_id", sa.Text),
        sa.Column("conversation", sa.Text),
    )
    op.create_index("dead_letter_at", "dead_letter", ["at_ms", "id"])
