"""Dead letters in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    or_,
    select,
    update,
)

from vestlus.store import schema
from vestlus.store.names import inbox_lease
from vestlus.store.rows import DeadLetter, LetterState, LettersWanted
from vestlus.store.sql_codec import cleaned
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_graves import Tombstones
from vestlus.store.sql_part import SqlPart
from vestlus.store.sql_trail import longer
from vestlus.store.trail import Moment, read, written

_LETTER: Final = schema.dead_letter.c

#: Whose holder buries what the broker gave up.
DEAD_QUEUE_LEASE: Final = inbox_lease(0)

LETTER_COLUMNS: Final = (
    _LETTER.id,
    _LETTER.source,
    _LETTER.reason,
    _LETTER.body,
    _LETTER.at_ms,
    _LETTER.account,
    _LETTER.user_id,
    _LETTER.conversation,
    _LETTER.trail,
    _LETTER.state,
    _LETTER.replays,
    _LETTER.doubtful,
)


class SqlDeadLetters(SqlPart):
    """What was given up. See :class:`~vestlus.store.port.DeadLetters`."""

    def __init__(self, dialect: Dialect, outbox_partitions: int) -> None:
        super().__init__(dialect, outbox_partitions)
        self._buried_users = Tombstones(dialect)
        lease = schema.lease.c
        self._share_dead_queue = (
            select(lease.name).where(lease.name == DEAD_QUEUE_LEASE).with_for_update(read=True)
        )
        # By themselves: JSON has no bytes, and letters are rare.
        add = dialect.insert(schema.dead_letter)
        new = add.excluded
        self._add_letter = add.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "state": str(LetterState.OPEN),
                "reason": new.reason,
                "body": new.body,
                "at_ms": new.at_ms,
                "trail": longer(_LETTER.trail, new.trail),
            },
            # What was replayed and is given up once more is there again, with its history.
            where=_LETTER.state == str(LetterState.REPLAYED),
        )
        self._one_letter = select(*LETTER_COLUMNS).where(
            _LETTER.id == bindparam("letter", type_=Text())
        )
        self._close_letter = (
            update(schema.dead_letter)
            .where(
                _LETTER.id == bindparam("letter", type_=Text()),
                _LETTER.state == str(LetterState.OPEN),
            )
            .returning(_LETTER.id)
        )
        trail = longer(_LETTER.trail, bindparam("moment", type_=Text()))
        self._discard_letter = self._close_letter.values(
            state=str(LetterState.DISCARDED), body=b"", trail=trail
        )
        self._replayed_letter = self._close_letter.values(
            state=str(LetterState.REPLAYED), replays=_LETTER.replays + 1, trail=trail
        )

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See :meth:`vestlus.store.port.DeadLetters.bury`."""
        if not letters:
            return

        def work(connection: Connection) -> None:
            if any(letter.graves for letter in letters):
                # An erasure waits for this one, or this one for it.
                connection.execute(self._share_dead_queue)
            self._add_letters(connection, self._buried_users.kept(connection, letters))

        await self._database.write(work)

    def _add_letters(self, connection: Connection, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        # One of each id: PostgreSQL refuses to touch a row twice in a statement.
        single = {cleaned(letter.id): letter for letter in letters}
        rows = [
            {
                "id": id_,
                "source": cleaned(letter.source),
                "reason": cleaned(letter.reason),
                "body": letter.body,
                "at_ms": letter.at_ms,
                "account": _cleaned(letter.account),
                "user_id": _cleaned(letter.user),
                "conversation": _cleaned(letter.conversation),
                "trail": cleaned(written(letter.history)),
                "state": str(letter.state),
                "replays": letter.replays,
                "doubtful": int(letter.doubtful),
            }
            for id_, letter in sorted(single.items())
        ]
        connection.execute(self._add_letter, rows)

    async def dead_letters(
        self, *, limit: int, wanted: LettersWanted | None = None
    ) -> tuple[DeadLetter, ...]:
        """See :meth:`vestlus.store.port.DeadLetters.dead_letters`."""
        statement = _listing(wanted or LettersWanted()).limit(limit)
        return tuple(letter_of(row) for row in await self._database.fetch(statement))

    async def dead_letter(self, letter: str) -> DeadLetter | None:
        """See :meth:`vestlus.store.port.DeadLetters.dead_letter`."""
        rows = await self._database.fetch(self._one_letter, {"letter": cleaned(letter)})
        return letter_of(rows[0]) if rows else None

    async def discard(self, letter: str, *, by: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.port.DeadLetters.discard`."""
        return await self._end(self._discard_letter, letter, Moment(now_ms, "discarded", by))

    async def note_replay(self, letter: str, *, by: str, now_ms: int) -> bool:
        """See :meth:`vestlus.store.port.DeadLetters.note_replay`."""
        return await self._end(self._replayed_letter, letter, Moment(now_ms, "replayed", by))

    async def _end(self, statement: Any, letter: str, moment: Moment) -> bool:  # noqa: ANN401 - an update
        values = {"letter": cleaned(letter), "moment": cleaned(written([moment]))}
        return await self._database.write(
            lambda connection: connection.execute(statement, values).scalar() is not None
        )


def letter_of(row: Row[*tuple[Any, ...]]) -> DeadLetter:
    """A row of :data:`LETTER_COLUMNS` as a value."""
    id_, source, reason, body, at_ms, account, user, conversation, *rest = row
    trail, state, replays, doubtful = rest
    return DeadLetter(
        id=id_,
        source=source,
        reason=reason,
        body=body,
        at_ms=at_ms,
        account=account,
        user=user,
        conversation=conversation,
        history=read(trail),
        state=LetterState(state),
        replays=replays,
        doubtful=bool(doubtful),
    )


def _listing(wanted: LettersWanted) -> Select[Any]:
    """Newest first, ties by id. Put together for each call: people look rarely."""
    listing = select(*LETTER_COLUMNS).order_by(_LETTER.at_ms.desc(), _LETTER.id.desc())
    listing = listing.where(_LETTER.at_ms >= wanted.since_ms)
    if wanted.before_ms is not None:
        listing = listing.where(_LETTER.at_ms < wanted.before_ms)
    if wanted.state is not None:
        listing = listing.where(_LETTER.state == str(wanted.state))
    if wanted.reason is not None:
        listing = listing.where(_LETTER.reason == cleaned(wanted.reason))
    if wanted.account is not None:
        listing = listing.where(_LETTER.account == cleaned(wanted.account))
    if wanted.doubtful is not None:
        listing = listing.where(_LETTER.doubtful == int(wanted.doubtful))
    if wanted.behind is not None:
        last = schema.dead_letter.alias("last").c
        since = select(last.at_ms).where(last.id == cleaned(wanted.behind)).scalar_subquery()
        listing = listing.where(
            or_(
                _LETTER.at_ms < since,
                and_(_LETTER.at_ms == since, _LETTER.id < cleaned(wanted.behind)),
            )
        )
    return listing


def _cleaned(value: str | None) -> str | None:
    return None if value is None else cleaned(value)
