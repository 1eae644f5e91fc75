"""The schema's history, for Alembic. Revisions are never changed after a release."""
