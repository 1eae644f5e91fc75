"""What a SQLite file has for pruning: no weeks, and free pages to give back."""

from __future__ import annotations

from sqlalchemy import Connection, Table

from vestlus.store import schema


class NoWeeks:
    """The :class:`~vestlus.store.sql_dialect.Weeks` of a file, which has none."""

    def apart(self) -> tuple[Table, ...]:
        """The history is one table."""
        return (schema.history,)

    def walked(
        self, connection: Connection, before_ms: int, dropped_ms: int, behind: str
    ) -> str | None:
        """There are none."""
        del connection, before_ms, dropped_ms, behind
        return None

    def table(self, name: str) -> Table:
        """The history is one table."""
        del name
        return schema.history

    def make_ahead(self, connection: Connection, now_ms: int) -> int:
        """There is nothing to make."""
        del connection, now_ms
        return 0

    def old(self, connection: Connection, before_ms: int) -> tuple[str, ...]:
        """There are none."""
        del connection, before_ms
        return ()

    def drop(self, connection: Connection, name: str) -> bool:
        """There is nothing to drop."""
        del connection, name
        return False

    def give_back(self, connection: Connection, pages: int) -> int:
        """Cuts free pages off the file's end, where the file was made for that."""

        def free() -> int:
            return int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())

        before = free()
        # One at a time: the statement moves a page at each step, and the driver takes one step.
        for _ in range(min(pages, before)):
            connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
        size = int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
        return (before - free()) * size
