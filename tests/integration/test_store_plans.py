"""What is asked often is found by indexes, however much is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Connection, Executable, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from tests.contract.store_support import another
from vestlus.store.sql_store import SqlStore

_ROWS = 20_000

#: SQLite has no function for it.
_NUMBERS = """
    (WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < :rows)
     SELECT n FROM g) AS g
"""

_LEDGER = f"""
    INSERT INTO ledger (id, outbox, account, user_id, conversation, position, text, answers,
                        state, due_ms, deadline_ms, traceparent, sent_mid, created_ms)
    SELECT 'id' || n, n % 2, 'a', 'u', 'c' || (n % 900), n, 'Tere', '[]',
           CASE WHEN n > 19900 THEN 'pending' ELSE 'sent' END, 1, n, '',
           CASE WHEN n > 19900 THEN NULL ELSE 'm' || n END, 1
    FROM {_NUMBERS}
"""  # noqa: S608

_EVENTS = f"""
    INSERT INTO inbox_event (key, kind, account, user_id, conversation, partition, mid,
                             timestamp_ms, recorded_ms, state, payload)
    SELECT 'k' || n, CASE WHEN n % 2 = 0 THEN 'echo' ELSE 'message' END, 'a', 'u',
           'c' || (n % 900), 1, 'm' || n, n, n,
           CASE WHEN n > 19900 THEN 'pending' ELSE 'answered' END, '{{}}'
    FROM {_NUMBERS}
"""  # noqa: S608


class Explained(Executable, ClauseElement):
    """A statement's plan in place of its rows."""

    inherit_cache = False

    def __init__(self, explain: str, statement: ClauseElement) -> None:
        self.explain = explain
        self.statement = statement


@compiles(Explained)
def _explained(element: Explained, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return element.explain + compiler.process(element.statement, **options)


def _filled(connection: Connection) -> None:
    for statement in (_LEDGER, _EVENTS):
        connection.execute(text(statement), {"rows": _ROWS})
    connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_no_frequent_question_reads_a_whole_table(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_sqlite = kind == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    url = f"sqlite:///{tmp_path}/store.db"
    if not is_sqlite:
        url = str(request.getfixturevalue("postgres_database"))
    async with another(url) as store:
        assert isinstance(store, SqlStore)
        questions: dict[str, tuple[ClauseElement, dict[str, Any], str]] = {
            "unfinished": (store._first, {"of": 1, "most": 50}, "ledger_deadline"),
            "of ids": (store._first_named, {"of": 1, "most": 50, "ids": ["id19"]}, "ledger_order"),
            "pending": (store._pending, {"ids": ["c1"]}, "inbox_event_pending"),
            "takeover": (store._unanswered, {"partition": 1}, "inbox_event_pending"),
            "echoes": (store._unclaimed, {"of": "c1", "since": 1}, "inbox_event_echo"),
            "users": (store._users, {"account": "a", "mids": ["m1"]}, "inbox_event_mid"),
            "claimed": (store._claimed, {"of": "a", "mids": ["m1"]}, "ledger_sent_mid"),
        }

        def plans(connection: Connection) -> dict[str, str]:
            _filled(connection)
            found = {}
            for name, (statement, parameters, _) in questions.items():
                values = {
                    key: store._dialect.value_set(value) if isinstance(value, list) else value
                    for key, value in parameters.items()
                }
                rows = connection.execute(Explained(explain, statement), values)
                found[name] = "\n".join(str(tuple(row)) for row in rows)
            return found

        for name, plan in (await store._database.write(plans)).items():
            assert questions[name][2] in plan, f"{name}: {plan}"
            for whole in ("Seq Scan", "SCAN ledger", "SCAN named"):
                assert whole not in plan, f"{name}: {plan}"
        rows = await store.unfinished(1, limit=50)
        assert [row.deadline_ms for row in rows] == list(range(19_901, 20_001, 2))
