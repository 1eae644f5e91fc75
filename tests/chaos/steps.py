"""Which steps the ledger's rows take, seen by the database itself.

A trigger notes each update of a row's state, in the transaction that makes it: also those of
processes that are killed a moment later.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg

from vestlus.store.ledger import TRANSITIONS, SendState

#: Every step that there is: the publishers', and the two that conversations make alone.
EVERY_STEP = TRANSITIONS | {
    (SendState.DRAFT, SendState.PENDING),
    (SendState.DRAFT, SendState.CANCELLED),
}

#: What asking raises while the database is away.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.OperationalError)

#: What looking led to.
RECONCILED = {
    (SendState.LOOKING, SendState.SENT): "found",
    (SendState.LOOKING, SendState.PENDING): "sent again",
    (SendState.LOOKING, SendState.DEAD): "window closed",
    (SendState.LOOKING, SendState.UNKNOWN): "unknown",
}

_POSTGRES = """
CREATE TABLE chaos_step (
    id bigserial PRIMARY KEY, at float8 NOT NULL, ledger text NOT NULL, user_id text NOT NULL,
    before text NOT NULL, after text NOT NULL, reason text NOT NULL);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos_step (at, ledger, user_id, before, after, reason) VALUES (
        extract(epoch FROM clock_timestamp()), NEW.id, NEW.user_id, OLD.state, NEW.state,
        NEW.reason);
    RETURN NULL; END $$;
CREATE TRIGGER chaos AFTER UPDATE OF state ON ledger
    FOR EACH ROW EXECUTE FUNCTION chaos_note();
"""

_SQLITE = """
CREATE TABLE chaos_step (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, ledger TEXT NOT NULL, user_id TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TRIGGER chaos AFTER UPDATE OF state ON ledger BEGIN
    INSERT INTO chaos_step (at, ledger, user_id, before, after, reason) VALUES (
        (julianday('now') - 2440587.5) * 86400.0, NEW.id, NEW.user_id, OLD.state, NEW.state,
        NEW.reason);
END;
"""

_COUNTED = "SELECT before, after, count(*) FROM chaos_step GROUP BY before, after"
_OF_USER = (
    "SELECT at, ledger, user_id, before, after, reason FROM chaos_step "
    "WHERE user_id = {0} ORDER BY id"
)
_SILENCE = "SELECT silence FROM conversation WHERE id = {0}"
_POST_STATE = "SELECT state FROM post WHERE caption = {0}"
_OCCURRENCE_STATE = "SELECT state FROM occurrence WHERE payload LIKE {0} AND post = ''"
_DOUBTFUL = "SELECT count(*) FROM ledger WHERE state = 'looking' AND attempted_ms < {0}"
_SECOND_TRIES = "SELECT count(*) FROM ledger WHERE resends > 0 AND state IN ('pending', 'sending')"
_STATE_OF_USER = "SELECT state FROM ledger WHERE user_id = {0} ORDER BY id"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step of one row."""

    at: float
    ledger: str
    user: str
    before: str
    after: str
    reason: str

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.ledger[-12:]}: {self.before} → {self.after}{why}"


class _Connection(Protocol):
    async def run(self, statements: str) -> None: ...

    async def rows(self, statement: str, *values: str | int) -> list[Any]: ...


class Steps:
    """Asks a database, of either kind, what its ledger went through.

    Raises OSError and errors of the driver while the database is away.
    """

    def __init__(self, url: str) -> None:
        self._database: _Connection = (
            _Postgres(url) if url.startswith("postgresql") else _Sqlite(urlsplit(url).path)
        )
        self._note = _POSTGRES if url.startswith("postgresql") else _SQLITE

    async def begin(self) -> None:
        """Has every step noted from now on."""
        await self._database.run(self._note)

    async def counted(self) -> Counter[tuple[SendState, SendState]]:
        """How often each step was made."""
        rows = await self._database.rows(_COUNTED)
        return Counter({(SendState(row[0]), SendState(row[1])): int(row[2]) for row in rows})

    async def of_user(self, user: str) -> list[StepTaken]:
        """The steps of a user's rows, oldest first."""
        return [StepTaken(*row) for row in await self._database.rows(_OF_USER, user)]

    async def states_of(self, user: str) -> list[str]:
        """The states of a user's rows as they are."""
        return [str(row[0]) for row in await self._database.rows(_STATE_OF_USER, user)]

    async def silence_of(self, conversation: str) -> str:
        """Why the bot is silent there; empty where it is not, or there is no such conversation."""
        rows = await self._database.rows(_SILENCE, conversation)
        return str(rows[0][0]) if rows else ""

    async def post_state(self, caption: str) -> str:
        """The state of the post with this caption, or of the occurrence that is to become it;
        empty where there is neither.
        """
        rows = await self._database.rows(_POST_STATE, caption)
        if not rows:
            rows = await self._database.rows(_OCCURRENCE_STATE, f'%"{caption}"%')
        return str(rows[0][0]) if rows else ""

    async def second_tries(self) -> int:
        """Rows that are sent a second time, or are about to be."""
        rows = await self._database.rows(_SECOND_TRIES)
        return int(rows[0][0])

    async def doubtful(self, before_ms: int) -> int:
        """Rows that are being looked for, of attempts made before that."""
        rows = await self._database.rows(_DOUBTFUL, before_ms)
        return int(rows[0][0])


class _Postgres:
    def __init__(self, url: str) -> None:
        self._url = url

    async def run(self, statements: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    async def rows(self, statement: str, *values: str | int) -> list[Any]:
        connection = await asyncpg.connect(self._url, timeout=10)
        try:
            found = await connection.fetch(statement.format("$1"), *values, timeout=30)
            return [tuple(row) for row in found]
        finally:
            await connection.close()


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._path = path

    async def run(self, statements: str) -> None:
        with sqlite3.connect(self._path, timeout=30) as connection:
            connection.executescript(statements)
        connection.close()

    async def rows(self, statement: str, *values: str | int) -> list[Any]:
        with sqlite3.connect(self._path, timeout=30) as connection:
            found = connection.execute(statement.format("?"), values).fetchall()
        connection.close()
        return found
