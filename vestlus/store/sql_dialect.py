"""Where the two databases speak differently, behind one face. Everything else is the same SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

#: Inserts that can say what to do about rows that are there already.
Insert = postgresql.Insert | sqlite.Insert

#: A set of values, as the database's driver takes it.
ValueSet = str | list[str] | list[int]


class Mode(Enum):
    """What a transaction is for."""

    #: Each statement sees what others committed before it; rows that it locked stay as they are.
    WRITE = auto()
    #: Reads only, all of it as of one moment.
    READ = auto()
    #: One reading statement.
    SINGLE = auto()


class Weeks(Protocol):
    """How the database keeps histories apart by weeks, where it does, and frees what is gone."""

    def apart(self) -> tuple[Table, ...]:
        """The tables of messages that no week has, which are pruned row by row."""
        ...

    def walked(
        self, connection: Connection, before_ms: int, dropped_ms: int, behind: str
    ) -> str | None:
        """The next of the weeks before ``before_ms``, behind that name, "" for the first, that is
        pruned row by row too, since it is not old enough to be dropped, not before
        ``dropped_ms``, or too much of it is held. None where there is none.
        """
        ...

    def table(self, name: str) -> Table:
        """A week's own table."""
        ...

    def make_ahead(self, connection: Connection, now_ms: int) -> int:
        """Makes the coming weeks that are missing; how many."""
        ...

    def old(self, connection: Connection, before_ms: int) -> tuple[str, ...]:
        """The weeks in which everything is older than that."""
        ...

    def drop(self, connection: Connection, name: str) -> bool:
        """Takes a week away, but for what is held; False where others were reading just then, or
        too much is held.
        """
        ...

    def give_back(self, connection: Connection, pages: int) -> int:
        """Gives the file system so many free pages back; how many bytes those were."""
        ...


class Dialect(Protocol):
    """How to say things. Used once per statement, when the store is made."""

    def now_ms(self) -> ColumnElement[int]:
        """The database's clock, in milliseconds since 1970, at the moment of evaluation."""
        ...

    def rows(self, columns: Mapping[str, TypeEngine[Any]]) -> FromClause:
        """The rows of the parameter ``rows``, a JSON array of objects."""
        ...

    def one_of(
        self, column: ColumnElement[str] | ColumnElement[int], parameter: str
    ) -> ColumnElement[bool]:
        """Whether the column is among the values of a parameter made by :meth:`value_set`."""
        ...

    def joined_by(self, column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
        """:meth:`one_of`, of a column that is joined to :meth:`rows` besides, as a hint.

        PostgreSQL would read the whole table without it; SQLite would read all rows for each.
        """
        ...

    def value_set(self, values: Collection[str] | Collection[int]) -> ValueSet:
        """A parameter for :meth:`one_of`."""
        ...

    def listed(self, *columns: ColumnElement[Any]) -> Select[tuple[str | None]]:
        """Rows of these columns as one JSON array of arrays, in any order; NULL or an empty array
        where there are none. Conditions are added by whoever asks.
        """
        ...

    def insert(self, table: Table) -> Insert:
        """An insert that takes ``ON CONFLICT``."""
        ...

    def weeks(self) -> Weeks:
        """What it has for pruning."""
        ...


class Backend(Protocol):
    """How to reach a database. Raises what SQLAlchemy and the driver raise."""

    @property
    def dialect(self) -> Dialect:
        """Its language."""
        ...

    async def run(self, mode: Mode, work: Callable[[Connection], T]) -> T:
        """Runs work in a transaction of that mode, on a pooled connection.

        Work commits by itself; what it leaves uncommitted is rolled back.
        """
        ...

    async def migrate(
        self,
        work: Callable[[Connection], None],
        needless: Callable[[Connection], bool] | None = None,
        *,
        closed: bool = False,
    ) -> None:
        """Runs work in a transaction that no other process's migration overlaps, and commits.

        In a thread. Makes what a new database needs first. Where ``needless`` says, in a
        transaction that only reads, that there is nothing to do, nobody is waited for if they may
        be of a host that is gone. Except for work that is ``closed``: until its end nobody passes.
        """
        ...

    async def reclaim(self) -> bool:
        """Makes what deleted rows held unreadable in the database's files, as far as that is in
        anybody's hands, beside live traffic; False where others were in the way.
        """
        ...

    async def close(self) -> None:
        """Closes the connections. Twice is no harm."""
        ...
