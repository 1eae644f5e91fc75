"""What conversations in lists are as values: how they stand, and what was said last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    text,
)

from vestlus.conversation.events import EventKind
from vestlus.store import schema
from vestlus.store.rows import EventState, RecordedEvent
from vestlus.store.sql_codec import event_of
from vestlus.store.sql_dialect import Dialect
from vestlus.store.sql_rows import CONVERSATION_COLUMNS, conversation_row, is_in
from vestlus.store.talk_rows import Place, Talk

_CONVERSATION: Final = schema.conversation.c
_EVENT: Final = schema.inbox_event.c
_LEDGER: Final = schema.ledger.c
_LETTER: Final = schema.dead_letter.c
_READ: Final = schema.conversation_read.c

#: What somebody said, of either side.
SAID_KINDS: Final = (EventKind.MESSAGE, EventKind.POSTBACK, EventKind.STANDBY, EventKind.ECHO)

EVENT_COLUMNS: Final = (_EVENT.seq, _EVENT.state, _EVENT.recorded_ms, _EVENT.payload)


def recorded(row: Row[*tuple[Any, ...]]) -> RecordedEvent:
    """A row of :data:`EVENT_COLUMNS` as a value."""
    seq, state, recorded_ms, payload = row
    return RecordedEvent(seq, event_of(payload), EventState(state), recorded_ms)


@dataclass(slots=True)
class Walk:
    """How far a page has come on its way back through recorded events."""

    #: Looked at is what is below this number.
    before: int
    #: The first number that is still kept.
    first: int
    seen: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether there is nothing further back."""
        return self.before <= self.first

    @property
    def behind(self) -> Place | None:
        """Where the next page begins."""
        return None if self.over else Place(self.before)


def stretch() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Events of the numbers ``from`` until ``before``, which is left out."""
    number = BigInteger()
    return (
        _EVENT.seq < bindparam("before", type_=number),
        _EVENT.seq >= bindparam("from", type_=number),
    )


class TalkRows:
    """Reads conversations of these ids, with their signs. A few rows each, all by indexes."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        ids = dialect.one_of(_CONVERSATION.id, "ids")
        zero = schema.ZERO
        read = select(_READ.user_ms).where(_READ.conversation == _CONVERSATION.id)
        self._rows: Select[Any] = select(
            func.coalesce(read.scalar_subquery(), zero, type_=BigInteger()), *CONVERSATION_COLUMNS
        ).where(ids)
        self._unread = select(_CONVERSATION.id).where(
            ids,
            _CONVERSATION.user_ms > func.coalesce(read.scalar_subquery(), zero, type_=BigInteger()),
        )
        self._drafts = (
            select(_LEDGER.conversation, func.count())
            .where(
                dialect.one_of(_LEDGER.conversation, "ids"),
                _LEDGER.state == literal_column(schema.DRAFT, Text),
            )
            .group_by(_LEDGER.conversation)
        )
        self._letters = (
            select(_LETTER.conversation, func.count())
            .where(dialect.one_of(_LETTER.conversation, "ids"), text(schema.OPEN_LETTERS))
            .group_by(_LETTER.conversation)
        )
        # One probe of the index for each conversation, and not a reading of all it ever said.
        newest = (
            select(_EVENT.seq)
            .where(_EVENT.conversation == _CONVERSATION.id, is_in(_EVENT.kind, SAID_KINDS))
            .order_by(_EVENT.timestamp_ms.desc(), _EVENT.seq.desc())
            .limit(1)
            .scalar_subquery()
        )
        self._last_of = select(newest).select_from(schema.conversation).where(ids)
        self._ends: Select[Any] = select(
            select(func.min(_EVENT.seq)).scalar_subquery(),
            select(func.max(_EVENT.seq)).scalar_subquery(),
        )
        self._told_at = (
            select(_EVENT.recorded_ms)
            .where(_EVENT.seq >= bindparam("at", type_=BigInteger()))
            .order_by(_EVENT.seq)
            .limit(1)
        )
        self._events = select(*EVENT_COLUMNS).where(dialect.one_of(_EVENT.seq, "seqs"))

    def begin(self, connection: Connection, behind: Place | None) -> Walk:
        """A walk from the newest event, or from where the page before ended."""
        first, last = connection.execute(self._ends).one()
        top = (last or 0) + 1
        return Walk(before=min(top, behind.number) if behind else top, first=first or top)

    def looked(self, connection: Connection, walk: Walk) -> int:
        """When the oldest event was recorded that the walk has looked at; 0 for none."""
        return int(connection.execute(self._told_at, {"at": walk.before}).scalar() or 0)

    def talks(self, connection: Connection, ids: Sequence[str]) -> tuple[Talk, ...]:
        """The conversations of these ids, in their order; unknown ones are left out."""
        if not ids:
            return ()
        wanted = {"ids": self._dialect.value_set(ids)}
        rows = {}
        for read_ms, *row in connection.execute(self._rows, wanted):
            made = conversation_row(row)
            rows[made.id] = made, read_ms
        drafts = {row[0]: row[1] for row in connection.execute(self._drafts, wanted)}
        letters = {row[0]: row[1] for row in connection.execute(self._letters, wanted)}
        last = self._last(connection, wanted)
        return tuple(
            Talk(
                row=rows[id_][0],
                read_ms=rows[id_][1],
                last=last.get(id_),
                drafts=drafts.get(id_, 0),
                failed=letters.get(id_, 0),
            )
            for id_ in ids
            if id_ in rows
        )

    def unread(self, connection: Connection, ids: Sequence[str]) -> frozenset[str]:
        """Those of the conversations in which the user wrote since somebody last read."""
        wanted = {"ids": self._dialect.value_set(ids)}
        return frozenset(connection.execute(self._unread, wanted).scalars())

    def _last(self, connection: Connection, wanted: dict[str, Any]) -> dict[str, RecordedEvent]:
        seqs = [row[0] for row in connection.execute(self._last_of, wanted) if row[0] is not None]
        found = connection.execute(self._events, {"seqs": self._dialect.value_set(seqs)})
        events = (recorded(row) for row in found)
        return {str(one.event.conversation): one for one in events}
