"""Who is signed in to the console, and what people did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a0011"
down_revision = "a0010"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _moment(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Adds tables: an older process goes on working."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit",
        sa.Column("id", number, sa.Identity(), primary_key=True),
        _moment("at_ms"),
        _text("person"),
        _text("role"),
        _text("way"),
        _text("action"),
        _words("target"),
        _text("outcome"),
        _words("detail"),
    )
    op.create_index("audit_at", "audit", ["at_ms", "id"])
    op.create_index("audit_target", "audit", ["target", "id"])
    op.create_table(
        "console_session",
        sa.Column("digest", sa.Text, primary_key=True),
        _text("person"),
        _text("role"),
        _text("way"),
        _text("csrf"),
        _moment("began_ms"),
        _moment("seen_ms"),
        _moment("ends_ms"),
    )
    op.create_index("console_session_ends", "console_session", ["ends_ms"])
    # The audit only grows: what is written in it no statement changes. Old entries leave it by
    # retention, which is why deletion is left to it.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'entries of the audit are never changed'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_stays()"
        )
    else:
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit "
            "BEGIN SELECT RAISE(ABORT, 'entries of the audit are never changed'); END"
        )
