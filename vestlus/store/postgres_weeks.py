"""A PostgreSQL history divided by weeks: made, made ahead, and dropped week by week.

``history`` is partitioned by ``at_ms``. Beside the weeks there are two partitions: what was there
before it was divided (``history_before``), and what belongs to no week (``history_other``, the
default partition): messages with impossible times, weeks that nobody made, and what is held of
weeks that are gone. These two have an index by time, and are pruned row by row. So is a week of
which too much is held to be moved out of it in a moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, MetaData, Table, TextClause, text
from sqlalchemy.exc import DBAPIError

from vestlus.store import schema
from vestlus.store.weeks import Week, outdated, week_of, weeks_ahead

BEFORE: Final = "history_before"
OTHER: Final = "history_other"

#: Weeks made ahead. For as long nobody need run the service's upkeep.
AHEAD: Final = 4

#: A week is dropped, or made, in a moment without readers; who waits for one holds up all others
#: meanwhile. Where there is none within this time, the next hour will have one.
_PATIENCE: Final = "SET LOCAL lock_timeout = '200ms'"

#: So long a statement may last while a week is dropped, which all readers wait for.
_BRIEFLY: Final = "SET LOCAL statement_timeout = '1s'"

#: No lock within the time; not done within the time; somebody else made or dropped it at the same
#: moment.
_NOT_NOW: Final = ("55P03", "57014", "42P07", "42P01")

#: Rows that are moved while all readers wait: those of one week that lie in the default partition
#: when the week is made, and those held of a week that is dropped.
_MOST_MOVED: Final = 10_000

#: Conversations that are held, each of which is looked for in a week that is dropped.
_MOST_HELD: Final = 10_000

_KEY: Final = "(conversation, position, at_ms)"

_WEEKS: Final = text("""
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('history') ORDER BY c.relname
""")

#: As in ``FOR VALUES FROM (MINVALUE) TO ('1764547200000')``.
_BOUND: Final = text(
    f"SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = to_regclass('{BEFORE}')"  # noqa: S608
)

_STRAY: Final = text(f"""
    SELECT count(*) FROM (
        SELECT 1 FROM {OTHER} WHERE at_ms >= :start AND at_ms < :end LIMIT {_MOST_MOVED + 1}
    ) AS stray
""")  # noqa: S608 - our own words

_IDS_HELD: Final = """
    SELECT id FROM conversation WHERE waiting_ms > 0
    UNION SELECT id FROM conversation WHERE preserved_ms > 0
"""


def _held(name: str) -> TextClause:
    """Held conversations, and what a week has of them; neither is counted beyond its limit."""
    one_more = _MOST_HELD + 1
    return text(f"""
        WITH held AS MATERIALIZED (
            (SELECT id FROM conversation WHERE waiting_ms > 0 LIMIT {one_more})
            UNION (SELECT id FROM conversation WHERE preserved_ms > 0 LIMIT {one_more})
        )
        SELECT (SELECT count(*) FROM held), (
            SELECT count(*) FROM (
                SELECT 1 FROM {name} w WHERE w.conversation = ANY (ARRAY(SELECT id FROM held))
                LIMIT {_MOST_MOVED + 1}
            ) AS moved
        )
    """)  # noqa: S608 - our own words


def divide(connection: Connection) -> None:
    """Makes the history one of partitions; what it holds stays where it is, as one of them.

    Locks it meanwhile, for its new key, an index by time and one look at every row.
    """
    now_ms = connection.execute(
        text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
    ).scalar_one()
    first = week_of(now_ms).next
    for statement in (
        f"ALTER TABLE history RENAME TO {BEFORE}",
        f"ALTER TABLE {BEFORE} DROP CONSTRAINT history_pkey",
        f"ALTER INDEX history_mid RENAME TO {BEFORE}_mid",
        f"ALTER TABLE {BEFORE} ADD CONSTRAINT {BEFORE}_pkey PRIMARY KEY {_KEY}",
        f"CREATE INDEX {BEFORE}_at ON {BEFORE} (at_ms)",
        f"CREATE TABLE history (LIKE {BEFORE} INCLUDING DEFAULTS) PARTITION BY RANGE (at_ms)",
        f"ALTER TABLE history ADD CONSTRAINT history_pkey PRIMARY KEY {_KEY}",
        "CREATE INDEX history_mid ON history (conversation, mid) WHERE mid IS NOT NULL",
        f"CREATE TABLE {OTHER} PARTITION OF history DEFAULT",
        f"CREATE INDEX {OTHER}_at ON {OTHER} (at_ms)",
        f"""
        WITH later AS (DELETE FROM {BEFORE} WHERE at_ms >= {first.start_ms} RETURNING *)
        INSERT INTO {OTHER} SELECT * FROM later
        """,  # noqa: S608 - our own words
        f"""
        ALTER TABLE history ATTACH PARTITION {BEFORE}
        FOR VALUES FROM (MINVALUE) TO ({first.start_ms})
        """,
    ):
        connection.execute(text(statement))
    for week in (first, first.next):
        _make(connection, week)


def make_ahead(connection: Connection, now_ms: int) -> int:
    """Makes the weeks that are missing, each in its own savepoint; how many."""
    there = set(connection.execute(_WEEKS).scalars())
    bound = connection.execute(_BOUND).scalar() or ""
    divided_ms = max((int(number) for number in re.findall(r"\d+", bound)), default=0)
    missing = (
        week
        for week in weeks_ahead(now_ms, AHEAD)
        if week.name not in there and week.start_ms >= divided_ms
    )
    return sum(_try_to_make(connection, week) for week in missing)


class PostgresWeeks:
    """The :class:`~vestlus.store.sql_dialect.Weeks` of PostgreSQL."""

    def apart(self) -> tuple[Table, ...]:
        """The two partitions that are no week's."""
        return tuple(self.table(name) for name in (BEFORE, OTHER))

    def table(self, name: str) -> Table:
        """A partition by itself."""
        return schema.history.to_metadata(MetaData(), name=name)

    def make_ahead(self, connection: Connection, now_ms: int) -> int:
        """See :func:`make_ahead`."""
        return make_ahead(connection, now_ms)

    def old(self, connection: Connection, before_ms: int) -> tuple[str, ...]:
        """Their partitions' names, the oldest first."""
        names = list(connection.execute(_WEEKS).scalars())
        return tuple(week.name for week in outdated(names, before_ms))

    def walked(
        self, connection: Connection, before_ms: int, dropped_ms: int, behind: str
    ) -> str | None:
        """Counts, and locks nothing."""
        dropped = set(self.old(connection, dropped_ms))
        later = (name for name in self.old(connection, before_ms) if name > behind)
        return next(
            (name for name in later if name not in dropped or _is_crowded(connection, name)), None
        )

    def drop(self, connection: Connection, name: str) -> bool:
        """Locks the history for some milliseconds."""
        if _is_crowded(connection, name):
            return False
        return _in_a_quiet_moment(connection, lambda: _drop(connection, name))

    def give_back(self, connection: Connection, pages: int) -> int:
        """Nothing: the server's autovacuum frees rows, and dropped weeks are files removed."""
        del connection, pages
        return 0


def _is_crowded(connection: Connection, name: str) -> bool:
    conversations, rows = connection.execute(_held(name)).one()
    return int(conversations) > _MOST_HELD or int(rows) > _MOST_MOVED


def _drop(connection: Connection, name: str) -> None:
    connection.execute(text(_BRIEFLY))
    connection.execute(text(f"ALTER TABLE history DETACH PARTITION {name}"))
    connection.execute(
        text(f"""
        INSERT INTO {OTHER} SELECT w.* FROM {name} w
        WHERE w.conversation = ANY (ARRAY({_IDS_HELD}))
        """)  # noqa: S608 - our own words
    )
    # The server removes the files after it has given the locks back.
    connection.execute(text(f"DROP TABLE {name}"))


def _try_to_make(connection: Connection, week: Week) -> bool:
    bounds = {"start": week.start_ms, "end": week.end_ms}
    if connection.execute(_STRAY, bounds).scalar_one() > _MOST_MOVED:
        return False
    return _in_a_quiet_moment(connection, lambda: _make(connection, week))


def _in_a_quiet_moment(connection: Connection, work: Callable[[], None]) -> bool:
    """Does the work in a savepoint; False where no moment without readers came."""
    try:
        with connection.begin_nested():
            connection.execute(text(_PATIENCE))
            work()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _NOT_NOW:
            raise
        return False
    return True


def _make(connection: Connection, week: Week) -> None:
    """Attaching locks the default partition only, where ``PARTITION OF`` locks them all."""
    for statement in (
        f"CREATE TABLE {week.name} (LIKE history INCLUDING DEFAULTS INCLUDING INDEXES)",
        # The history's own setting is not taken over: no samples of what was said.
        f"ALTER TABLE {week.name} ALTER COLUMN text SET STATISTICS 0",
        f"""
        WITH stray AS (
            DELETE FROM {OTHER} WHERE at_ms >= {week.start_ms} AND at_ms < {week.end_ms} RETURNING *
        )
        INSERT INTO {week.name} SELECT * FROM stray
        """,  # noqa: S608 - our own words
        f"""
        ALTER TABLE history ATTACH PARTITION {week.name}
        FOR VALUES FROM ({week.start_ms}) TO ({week.end_ms})
        """,
    ):
        connection.execute(text(statement))
