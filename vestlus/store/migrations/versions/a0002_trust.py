"""Pictures, people, notices, summaries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "a0002"
down_revision = "a0001"
branch_labels = None
depends_on = None


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _words(name: str, default: str = "''") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(default))


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


#: By the events that called for an answer. Meta's timestamp counts where it can be true: not in the
#: future, and within Meta's longest redelivery of 36 hours.
_WHEN_USERS_WROTE = """
    UPDATE conversation SET user_ms = coalesce(
        (
            SELECT max(CASE WHEN timestamp_ms BETWEEN recorded_ms - 129600000 AND recorded_ms
                            THEN timestamp_ms ELSE recorded_ms END)
            FROM inbox_event
            WHERE inbox_event.conversation = conversation.id
              AND inbox_event.state IN ('pending', 'answered', 'dead')
        ),
        0
    )
"""


def upgrade() -> None:
    """Adds columns with defaults and new tables: an older process goes on working."""
    _extend_conversations()
    _extend_ledger()
    _make_image_bank()


def _extend_conversations() -> None:
    for column in (
        _words("language"),
        _words("silence"),
        _number("silent_until_ms"),
        _number("silenced_turn"),
        _number("held_until_ms"),
        _number("waiting_ms"),
        _words("note"),
        _number("user_ms"),
        _number("answered_ms"),
        _number("disclosed_ms"),
        _number("apology_ms"),
        _words("pictures", "'[]'"),
        _words("summary"),
        _number("summarised"),
    ):
        op.add_column("conversation", column)
    op.add_column("history", sa.Column("turn", sa.BigInteger))
    op.create_index("history_mid", "history", ["conversation", "mid"], **_where("mid IS NOT NULL"))
    op.create_index(
        "conversation_waiting", "conversation", ["waiting_ms"], **_where("waiting_ms > 0")
    )
    op.create_index(
        "inbox_event_undetermined",
        "inbox_event",
        ["partition", "seq"],
        **_where("state = 'undetermined'"),
    )
    op.drop_index("inbox_event_echo", "inbox_event")
    op.create_index("inbox_event_conversation", "inbox_event", ["conversation", "timestamp_ms"])
    # Without it, nobody could be written to before they write again.
    op.execute(_WHEN_USERS_WROTE)


def _extend_ledger() -> None:
    for column in (
        _words("kind", "'text'"),
        _words("pictures", "'[]'"),
        _words("origin", "'bot'"),
        _number("turn"),
        _number("erased"),
    ):
        op.add_column("ledger", column)
    op.add_column("ledger", sa.Column("echo_mid", sa.Text))
    op.create_index("ledger_conversation", "ledger", ["conversation", "changed_ms"])
    op.create_index(
        "ledger_echo_mid", "ledger", ["account", "echo_mid"], **_where("echo_mid IS NOT NULL")
    )
    op.create_index(
        "ledger_draft", "ledger", ["outbox", "deadline_ms"], **_where("state = 'draft'")
    )


def _make_image_bank() -> None:
    op.create_table(
        "picture",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "embedding",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "uploaded_picture",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("attachment_id", sa.Text, nullable=False),
        sa.Column("uploaded_ms", sa.BigInteger, nullable=False),
    )
