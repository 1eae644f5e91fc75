"""Run by Alembic. The caller hands in an open connection, in the transaction it commits itself."""

from __future__ import annotations

from alembic import context

from vestlus.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a column by making the table anew.
    render_as_batch=True,
)
context.run_migrations()
