"""The embedded bus's SQLite file: what is done in it, in blocking calls.

``message`` holds what is published and not acknowledged. Ids grow in the order of the commits,
because every writer begins with ``BEGIN IMMEDIATE``; so a reader that has seen one id never
finds a smaller one later. ``consumer`` holds one row for each partition that was ever consumed:
its consumer's place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vestlus.bus.embedded_presence import is_present
from vestlus.clock import Clock
from vestlus.errors import BusUnavailable, SubscriptionLost
from vestlus.private_files import private_database

#: Milliseconds after which a consumer that did not renew its place loses it. A process that died
#: loses it at once; this is for one that is frozen.
PLACE_MILLISECONDS = 10_000

#: Bytes that the write-ahead log keeps after a checkpoint, and above which one is forced.
LOG_BYTES = 16 * 1024 * 1024

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS message_by_queue ON message (queue);
CREATE TABLE IF NOT EXISTS consumer (
    queue TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    owner TEXT NOT NULL,
    bell TEXT NOT NULL,
    expires INTEGER NOT NULL,
    delivered INTEGER NOT NULL
);
"""

#: One step of a write transaction. It raises SubscriptionLost before it has changed anything.
Step = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class Place:
    """A consumer's place. Every takeover raises the epoch, so that its last holder is refused.

    Messages with an id up to ``delivered`` may have been delivered before.
    """

    queue: str
    epoch: int
    delivered: int


def connect(path: Path, timeout: float) -> sqlite3.Connection:
    """Opens the file, making it if need be. ``timeout`` is in seconds, for locks."""
    try:
        private_database(path)
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    except (sqlite3.Error, OSError) as error:
        raise unavailable(error) from error
    try:
        # FULL: a commit is on the disk before it returns. NORMAL loses the last ones with power.
        # What is acknowledged is overwritten: free pages would keep what erased users said.
        pragmas = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")
        for pragma in (*pragmas, f"journal_size_limit={LOG_BYTES}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except sqlite3.Error as error:
        connection.close()
        raise unavailable(error) from error
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables. Several processes may do so at once."""
    script = f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;"
    try:
        connection.executescript(script)
    except sqlite3.Error as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> BusUnavailable:
    """What SQLite or the file system said: locked, full, read-only, damaged."""
    return BusUnavailable(f"the embedded bus: {error}")


def commit(
    connection: sqlite3.Connection, steps: Sequence[Step]
) -> list[object | SubscriptionLost]:
    """Runs the steps in one durable transaction and gives their results in order.

    Raises BusUnavailable when the transaction did not commit; nothing has been written then.
    """
    results: list[object | SubscriptionLost] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for step in steps:
            try:
                results.append(step(connection))
            except SubscriptionLost as error:
                results.append(error)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise unavailable(error) from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return results


def append(connection: sqlite3.Connection, queue: str, bodies: Sequence[bytes]) -> str:
    """Adds messages; gives the bell of whoever consumes the queue, empty if nobody does."""
    connection.executemany(
        "INSERT INTO message (queue, body) VALUES (?, ?)", [(queue, body) for body in bodies]
    )
    row = connection.execute("SELECT bell FROM consumer WHERE queue = ?", (queue,)).fetchone()
    return str(row[0]) if row else ""


def remove(connection: sqlite3.Connection, place: Place, first: int, last: int) -> None:
    """Removes one partition's messages from ``first`` to ``last``. Raises SubscriptionLost."""
    require(connection, place)
    connection.execute(
        "DELETE FROM message WHERE queue = ? AND id BETWEEN ? AND ?", (place.queue, first, last)
    )


def require(connection: sqlite3.Connection, place: Place) -> None:
    """Raises SubscriptionLost unless the place is still its holder's."""
    row = connection.execute(
        "SELECT epoch FROM consumer WHERE queue = ?", (place.queue,)
    ).fetchone()
    if row is None or row[0] != place.epoch:
        message = f"{place.queue}: another process consumes it now"
        raise SubscriptionLost(message)


def fetch(
    connection: sqlite3.Connection, place: Place, after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Up to ``limit`` messages with ids above ``after``. Raises SubscriptionLost."""
    require(connection, place)
    return connection.execute(
        "SELECT id, body FROM message WHERE queue = ? AND id > ? ORDER BY id LIMIT ?",
        (place.queue, after, limit),
    ).fetchall()


def count(connection: sqlite3.Connection, queue: str) -> int:
    """All messages of a partition, delivered or not."""
    row = connection.execute("SELECT count(*) FROM message WHERE queue = ?", (queue,)).fetchone()
    return int(row[0])


def counts(connection: sqlite3.Connection, queues: Sequence[str]) -> tuple[int, ...]:
    """The same of each of these."""
    return tuple(count(connection, queue) for queue in queues)


@dataclass(frozen=True, slots=True)
class Places:
    """How one process takes, renews and gives back consumers' places."""

    folder: Path
    owner: str
    bell: str
    clock: Clock

    def is_free(self, connection: sqlite3.Connection, queue: str, held: int) -> bool:
        """Whether the place can be taken. ``held`` is the epoch this process consumes with, or 0.

        A place of this process with another epoch is one that it took without learning of it.
        """
        row = connection.execute(
            "SELECT epoch, owner, expires FROM consumer WHERE queue = ?", (queue,)
        ).fetchone()
        if row is None:
            return True
        epoch, owner, expires = row
        if owner == self.owner:
            return bool(epoch != held)
        left = expires - self.clock()
        # One that lasts for longer than any was renewed before the clock was put back, and by a
        # consumer that lives it would have been renewed since.
        over = left <= 0 or left > 2 * PLACE_MILLISECONDS
        return not owner or over or not is_present(self.folder, owner)

    def take(self, connection: sqlite3.Connection, queue: str, held: int) -> Place | None:
        """Takes the place, if it is free, under a new epoch."""
        if not self.is_free(connection, queue, held):
            return None
        row = connection.execute(
            "SELECT epoch, owner, delivered FROM consumer WHERE queue = ?", (queue,)
        ).fetchone()
        epoch, owner, delivered = row or (0, "", 0)
        if owner:
            # It did not say how far it came, so everything may have been delivered.
            newest = connection.execute(
                "SELECT max(id) FROM message WHERE queue = ?", (queue,)
            ).fetchone()
            delivered = max(delivered, newest[0] or 0)
        place = Place(queue, epoch + 1, delivered)
        connection.execute(
            "INSERT INTO consumer (queue, epoch, owner, bell, expires, delivered)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (queue) DO UPDATE SET epoch = excluded.epoch,"
            " owner = excluded.owner, bell = excluded.bell, expires = excluded.expires,"
            " delivered = excluded.delivered",
            (queue, place.epoch, self.owner, self.bell, self._expiry(), place.delivered),
        )
        return place

    def renew(self, connection: sqlite3.Connection, places: Sequence[Place]) -> None:
        """Puts the expiry of those off that are still this process's."""
        connection.executemany(
            "UPDATE consumer SET expires = ? WHERE queue = ? AND epoch = ?",
            [(self._expiry(), place.queue, place.epoch) for place in places],
        )

    def give_back(self, connection: sqlite3.Connection, place: Place, delivered: int) -> None:
        """Frees the place, unless somebody has taken it, and notes how far it came."""
        connection.execute(
            "UPDATE consumer SET owner = '', bell = '', delivered = ?"
            " WHERE queue = ? AND epoch = ?",
            (max(delivered, place.delivered), place.queue, place.epoch),
        )

    def _expiry(self) -> int:
        return self.clock() + PLACE_MILLISECONDS


def shorten_log(connection: sqlite3.Connection, path: Path, timeout: float) -> None:
    """Forces a checkpoint where readers kept the automatic ones from ending. It may be refused.

    ``timeout`` is the connection's own, in seconds.
    """
    log = path.with_name(f"{path.name}-wal")
    try:
        if log.stat().st_size <= 2 * LOG_BYTES:
            return
        empty_log(connection, timeout)
    except OSError as error:
        raise unavailable(error) from error


def empty_log(connection: sqlite3.Connection, timeout: float) -> bool:
    """Writes the log into the file and empties it; False where a reader needs it.

    ``timeout`` is the connection's own, in seconds.
    """
    try:
        # Everybody who publishes waits for this, so it must not wait for readers itself.
        connection.execute("PRAGMA busy_timeout=100").fetchall()
        (row,) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout={int(timeout * 1000)}").fetchall()
    except sqlite3.Error as error:
        raise unavailable(error) from error
    return int(row[0]) == 0
