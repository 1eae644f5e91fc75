"""Whoever looks at conversations has no table read whole: as SQLite plans the statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from vestlus.store.open import open_store
from vestlus.store.port import Store
from vestlus.store.talk_rows import Place, Wanted

#: Indexes of just what is listed; all of it is read to be put in order.
_OF_THOSE = {
    "conversation_silent",
    "conversation_waiting",
    "dead_letter_conversation",
    "inbox_event_pending",
    "ledger_deadline",
    "ledger_draft",
}
_SCAN = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
_NO_TABLES = {"listed", "CONSTANT"}


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is executed meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def look(store: Store) -> None:
    """Everything that people look at."""
    for wanted in Wanted:
        for behind in (None, Place(10**12, "0" * 32)):
            for account in (None, "a"):
                await store.talks(
                    wanted, now_ms=5, limit=5, behind=behind, account=account, closing_ms=9
                )
    await store.talks_saying(["tere"], limit=5, account="a", behind=Place(10**12))
    await store.talk("c")
    await store.transcript("c", "a", before_ms=9, limit=5)
    await store.recorded_event("c", 1)
    await store.drafts_of("c")
    await store.talk_stamp("c")
    await store.talks_stamp()
    await store.audit_entries(target="c", action="conversation.", limit=9)


async def test_no_table_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with open_store(f"sqlite:///{path}", partitions=1, outbox_partitions=1) as store:
        with statements() as seen:
            await look(store)
    assert len(seen) > 30
    engine = create_engine(f"sqlite:///{path}")
    wrong: list[str] = []
    with engine.connect() as connection:
        for statement, parameters in seen:
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                found = _SCAN.match(row[-1])
                if found and found[1] not in _NO_TABLES and found[2] not in _OF_THOSE:
                    wrong.append(f"{row[-1]}: {statement}")
    engine.dispose()
    assert wrong == []
