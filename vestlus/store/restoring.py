"""A store that was restored from a backup: what it takes for undone may have been done since.

What is to be sent or published by then is looked for, or left to people. All of it is one
transaction, and done again it changes nothing but the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, case, update

from vestlus.store import schema
from vestlus.store.in_use import check_not_in_use
from vestlus.store.ledger import SendState
from vestlus.store.migrate import bring_up_to_date
from vestlus.store.names import RESTORED
from vestlus.store.occurrences import OPEN, OccurrenceState
from vestlus.store.open import open_backend
from vestlus.store.posts import PostState
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_errors import translated
from vestlus.store.sql_rows import is_in
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, written

_LEDGER: Final = schema.ledger.c
_POST: Final = schema.post.c
_OCCURRENCE: Final = schema.occurrence.c
_SCHEDULE: Final = schema.schedule.c

#: The reason in rows that are left to people.
REASON: Final = "restored"

#: Posts of which nothing says that they were not published since.
_OPEN_POSTS: Final = (
    PostState.PLANNED,
    PostState.CREATING,
    PostState.WAITING,
    PostState.READY,
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was found in a restored store, in rows."""

    #: Messages that were to be sent: Instagram is asked whether they were.
    sends: int
    #: Posts whose time has come: people look whether they were published.
    posts: int
    #: Times of schedules that have come, without a post yet: not made up for.
    occurrences: int


async def mark_restored(url: str, now_ms: int) -> Restored:
    """Makes a store that was restored from a backup one that may be served. Nobody may use it
    meanwhile.

    Raises StoreInUse, StoreError where its schema is newer than this code, StoreUnavailable.
    """
    backend = open_backend(url)
    work = _Work(backend.dialect, now_ms)
    try:
        await bring_up_to_date(backend, made_for={})
        with translated():
            await backend.migrate(work, closed=True)
    finally:
        await backend.close()
    return work.found


class _Work:
    """The transaction."""

    def __init__(self, dialect: Dialect, now_ms: int) -> None:
        self.found = Restored(0, 0, 0)
        self._dialect = dialect
        self._now_ms = now_ms

    def __call__(self, connection: Connection) -> None:
        check_not_in_use(connection, self._dialect)
        now = {"at": self._now_ms}
        left = Moment(self._now_ms, str(SendState.LOOKING), REASON)
        at = bindparam("at", type_=BigInteger())
        sends = (
            update(schema.ledger)
            .where(is_in(_LEDGER.state, (SendState.PENDING, SendState.SENDING)))
            .values(
                state=str(SendState.LOOKING),
                # It was sent after it was decided, whenever that was.
                attempted_ms=_LEDGER.created_ms,
                changed_ms=at,
                trail=longer(_LEDGER.trail, bindparam("moment", type_=Text())),
            )
        )
        posts = (
            update(schema.post)
            .where(is_in(_POST.state, _OPEN_POSTS), _POST.planned_ms <= at)
            .values(
                state=str(PostState.UNKNOWN),
                version=_POST.version + 1,
                reason=REASON,
                changed_ms=at,
            )
        )
        occurrences = (
            update(schema.occurrence)
            .where(is_in(_OCCURRENCE.state, sorted(OPEN)), _OCCURRENCE.due_ms <= at)
            .values(
                state=str(OccurrenceState.SKIPPED),
                version=_OCCURRENCE.version + 1,
                reason=REASON,
                changed_ms=at,
            )
        )
        self.found = Restored(
            sends=connection.execute(sends, {**now, "moment": written([left])}).rowcount,
            posts=connection.execute(posts, now).rowcount,
            occurrences=connection.execute(occurrences, now).rowcount,
        )
        later = case((_SCHEDULE.watched_ms > at, _SCHEDULE.watched_ms), else_=at)
        connection.execute(
            update(schema.schedule).values(watched_ms=later, version=_SCHEDULE.version + 1), now
        )
        # Until every account was looked through from before this time on, it sends nothing.
        note = self._dialect.insert(schema.meta).values(name=RESTORED, value=str(self._now_ms))
        connection.execute(
            note.on_conflict_do_update(index_elements=["name"], set_={"value": note.excluded.value})
        )
