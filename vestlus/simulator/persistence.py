"""The data file: what a restart of the simulator must not forget.

Memory is the authority while the simulator runs. Changes are handed to a thread that commits them
in groups, so a killed simulator may forget its last tenth of a second; one that is stopped forgets
nothing.
"""

import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from vestlus.private_files import private_database
from vestlus.simulator.jsontypes import JsonObject, parse_object
from vestlus.simulator.message_rows import COLUMNS, Value, message_row, read_message
from vestlus.simulator.records import (
    Attachment,
    Channel,
    HandBack,
    Message,
    Refusal,
    TakeOver,
    User,
    WebhookEvent,
)

# Long enough for most messages to be written once, when their webhook was answered, and for most
# webhooks to be answered before they were written; too short to notice.
GROUP_SECONDS = 0.1

SCHEMA = """
CREATE TABLE IF NOT EXISTS user (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  seq INTEGER PRIMARY KEY, mid TEXT NOT NULL UNIQUE, account TEXT NOT NULL, user TEXT NOT NULL,
  direction TEXT NOT NULL, author TEXT NOT NULL, text TEXT, attachments TEXT NOT NULL,
  timestamp_ms INTEGER NOT NULL, reply_to TEXT, expects_answer INTEGER NOT NULL,
  offered INTEGER, accepted INTEGER, accepted_at REAL,
  attempts INTEGER NOT NULL, last_status INTEGER, extra TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS webhook (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, user TEXT NOT NULL, body TEXT NOT NULL, mid TEXT,
  channel TEXT NOT NULL DEFAULT 'messaging');
CREATE TABLE IF NOT EXISTS subscription (account TEXT PRIMARY KEY, fields TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS media (id TEXT PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS upload (
  account TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL,
  media TEXT NOT NULL, alt TEXT, PRIMARY KEY (account, id));
CREATE TABLE IF NOT EXISTS refusal (
  account TEXT NOT NULL, user TEXT NOT NULL, at REAL NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS hand_back (
  account TEXT NOT NULL, user TEXT NOT NULL, tick INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS take_over (
  account TEXT NOT NULL, user TEXT NOT NULL, tick INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS container (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS post (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""
# Columns that a data file of an earlier version lacks.
LATER_COLUMNS = {
    "message": ("extra", "TEXT NOT NULL DEFAULT ''"),
    "webhook": ("channel", "TEXT NOT NULL DEFAULT 'messaging'"),
}
PUT_USER = "INSERT OR REPLACE INTO user VALUES (?, ?)"
PUT_MESSAGE = f"INSERT OR REPLACE INTO message VALUES ({', '.join('?' * COLUMNS)})"  # noqa: S608
PUT_WEBHOOK = "INSERT INTO webhook VALUES (?, ?, ?, ?, ?, ?)"
DROP_WEBHOOK = "DELETE FROM webhook WHERE id = ?"
PUT_SUBSCRIPTION = "INSERT OR REPLACE INTO subscription VALUES (?, ?)"
PUT_MEDIA = "INSERT OR IGNORE INTO media VALUES (?, ?, ?)"
PUT_UPLOAD = "INSERT INTO upload VALUES (?, ?, ?, ?, ?, ?)"
PUT_REFUSAL = "INSERT INTO refusal VALUES (?, ?, ?, ?)"
PUT_TAKE_OVER = "INSERT INTO take_over VALUES (?, ?, ?, ?)"
PUT_HAND_BACK = "INSERT INTO hand_back VALUES (?, ?, ?)"
PUT_CONTAINER = "INSERT OR REPLACE INTO container VALUES (?, ?)"
PUT_POST = "INSERT INTO post VALUES (?, ?)"

Change = tuple[str, tuple[Value, ...]]


@dataclass(slots=True)
class Saved:
    """What an earlier run left behind, messages and webhooks in the order of their numbers."""

    users: list[User] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    webhooks: list[WebhookEvent] = field(default_factory=list)
    subscriptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    uploads: dict[tuple[str, str], Attachment] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    take_overs: list[TakeOver] = field(default_factory=list)
    hand_backs: list[HandBack] = field(default_factory=list)
    containers: list[JsonObject] = field(default_factory=list)
    posts: list[JsonObject] = field(default_factory=list)


class DataFile:
    """The SQLite file and its writer thread.

    `on_failure` is called, in the writer thread, with the error that ended it; from then on
    nothing is written, and the owner must stop.
    """

    def __init__(self, path: Path, on_failure: Callable[[sqlite3.Error], None]) -> None:
        self._path = path
        self._on_failure = on_failure
        self._changes: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._write, name="simulator-data", daemon=True)

    def open(self) -> Saved:
        """Make or read the file, then start the writer. Blocks.

        Raises:
            OSError: If the folder or the file cannot be made.
            sqlite3.Error: If the file cannot be used.

        """
        private_database(self._path)
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
            _add_later_columns(connection)
            saved = _read(connection)
        finally:
            connection.close()
        self._thread.start()
        return saved

    def put(self, statement: str, *values: Value) -> None:
        """Have one change written soon, after all earlier ones. Does not block."""
        self._changes.put((statement, values))

    def put_message(self, message: Message) -> None:
        """Have a message written as it is now."""
        self._changes.put((PUT_MESSAGE, message_row(message)))

    def read_media(self, media_id: str) -> tuple[str, bytes] | None:
        """Return type and bytes of a stored picture. Blocks."""
        connection = self._connect()
        try:
            row = connection.execute(
                "SELECT type, body FROM media WHERE id = ?", (media_id,)
            ).fetchone()
        finally:
            connection.close()
        return (row[0], row[1]) if row else None

    def write_media(self, media_id: str, content_type: str, body: bytes) -> None:
        """Store a picture before returning, so that its address works at once. Blocks."""
        connection = self._connect()
        try:
            with connection:
                connection.execute(PUT_MEDIA, (media_id, content_type, body))
        finally:
            connection.close()

    def close(self) -> None:
        """Write what is left and stop the writer. Blocks."""
        self._pause.set()
        self._changes.put(None)
        self._thread.join()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10)

    def _write(self) -> None:
        try:
            connection = self._connect()
            try:
                connection.execute("PRAGMA synchronous = NORMAL")
                while self._write_group(connection):
                    self._pause.wait(GROUP_SECONDS)
            finally:
                connection.close()
        except sqlite3.Error as error:
            self._on_failure(error)

    def _write_group(self, connection: sqlite3.Connection) -> bool:
        """Commit everything that waits; False when told to stop."""
        changes = [self._changes.get()]
        with suppress(queue.Empty):
            while True:
                changes.append(self._changes.get_nowait())
        with connection:
            for change in _needed([each for each in changes if each is not None]):
                connection.execute(*change)
        return None not in changes


def _needed(changes: Sequence[Change]) -> list[Change]:
    """Leave out what later changes of the same group make useless.

    Of a message the newest state counts, and a webhook that is dropped need not be put first.
    """
    kept: dict[tuple[str, Value] | int, Change] = {}
    for place, change in enumerate(changes):
        statement, values = change
        if statement == PUT_MESSAGE:
            kept[PUT_MESSAGE, values[0]] = change
        elif statement == PUT_WEBHOOK:
            kept[PUT_WEBHOOK, values[0]] = change
        elif statement == DROP_WEBHOOK and (PUT_WEBHOOK, values[0]) in kept:
            del kept[PUT_WEBHOOK, values[0]]
        else:
            kept[place] = change
    return list(kept.values())


def _add_later_columns(connection: sqlite3.Connection) -> None:
    for table, (name, kind) in LATER_COLUMNS.items():
        known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if name not in known:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
    connection.commit()


def _read(connection: sqlite3.Connection) -> Saved:
    return Saved(
        users=[User(*row) for row in connection.execute("SELECT id, name FROM user")],
        messages=[
            read_message(row) for row in connection.execute("SELECT * FROM message ORDER BY seq")
        ],
        webhooks=[
            WebhookEvent(
                id=row[0],
                account=row[1],
                user=row[2],
                body=cast("JsonObject", json.loads(row[3])),
                mid=row[4],
                channel=cast("Channel", row[5]),
            )
            for row in connection.execute("SELECT * FROM webhook ORDER BY id")
        ],
        subscriptions={
            account: tuple(fields.split(",")) if fields else ()
            for account, fields in connection.execute("SELECT * FROM subscription")
        },
        uploads={
            (row[0], row[1]): Attachment(*row[2:])
            for row in connection.execute("SELECT * FROM upload")
        },
        refusals=[
            Refusal(account=row[0], user=row[1], at=row[2], seq=row[3])
            for row in connection.execute("SELECT * FROM refusal ORDER BY rowid")
        ],
        take_overs=[
            TakeOver(account=row[0], user=row[1], tick=row[2], at=row[3])
            for row in connection.execute("SELECT * FROM take_over ORDER BY rowid")
        ],
        hand_backs=[
            HandBack(account=row[0], user=row[1], tick=row[2])
            for row in connection.execute("SELECT * FROM hand_back ORDER BY rowid")
        ],
        containers=[
            parse_object(body)
            for (body,) in connection.execute("SELECT body FROM container ORDER BY rowid")
        ],
        posts=[
            parse_object(body)
            for (body,) in connection.execute("SELECT body FROM post ORDER BY seq")
        ],
    )
